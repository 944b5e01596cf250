import type { Peer } from "../../src/simulator/peer.ts";
import type { FrameContent } from "../../src/simulator/statistics.ts";

/** A client's end that keeps everything a dialect sent to it. */
export class RecordingPeer implements Peer {
  readonly control: string[] = [];
  readonly data: { readonly text: string; readonly content: FrameContent }[] = [];
  pings = 0;
  #closed: { readonly code: number; readonly reason: string } | null = null;

  sendControl(text: string): void {
    if (this.#closed === null) this.control.push(text);
  }

  sendData(text: string, content: FrameContent): void {
    if (this.#closed === null) this.data.push({ text, content });
  }

  ping(): void {
    this.pings++;
  }

  close(code: number, reason: string): void {
    this.#closed ??= { code, reason };
  }

  /** Code of the close frame; null while the connection is open. */
  closeCode(): number | null {
    return this.#closed?.code ?? null;
  }
}
