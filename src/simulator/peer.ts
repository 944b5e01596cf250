import type { FrameContent } from "./statistics.ts";

/** The client's end, for a dialect. */
export interface Peer {
  /** Sends a frame that carries no market data. */
  sendControl(text: string): void;
  /** Sends a frame with market data; `content` says what is in it. */
  sendData(text: string, content: FrameContent): void;
  /** Sends a WebSocket ping frame. */
  ping(): void;
  /** Starts the closing handshake. Afterwards nothing is sent. */
  close(code: number, reason: string): void;
}
