// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import type { Micros } from "../model/mod.ts";
import { cutReason } from "./close_reason.ts";
import type { Clock, Connection, ConnectionCallbacks, Timer } from "./host.ts";

/** How long the peer may take to answer a close frame, in ms; then the connection is cut. */
const CLOSE_ANSWER_MS_MAX = 1_000;
/** Code that `ws` reports if the connection ended without a close frame (RFC 6455 section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** Smallest frame that is compressed, in bytes; below, compression costs more than it saves. */
const COMPRESSION_BYTES_MIN = 1024;

/** A listener's connection, which can do more than a dialled one. */
export interface ServedConnection extends Connection {
  sendBinary(bytes: Uint8Array): void;
  /** Cuts the connection without a close frame. */
  terminate(): void;
}

/**
 * Returns the permessage-deflate settings of either side: no context is kept between frames, so memory stays bounded.
 */
export function deflateOptions(enabled: boolean) {
  return enabled
    ? { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: COMPRESSION_BYTES_MIN }
    : false;
}

/**
 * Connects an open `ws` socket to its owner's callbacks. `onClose` is called exactly once, last; an error of the socket
 * is never thrown but becomes the reason of its close. Nothing is read before the next turn of the event loop, so the
 * owner has the connection before its first frame.
 */
export function attachSocket(socket: WebSocket, callbacks: ConnectionCallbacks, clock: Clock): ServedConnection {
  let closed = false;
  let failure: string | null = null;
  let cut: Timer | null = null;
  let paused = false;
  let begun = false;
  socket.pause();
  const beginning = clock.after(0, () => {
    begun = true;
    if (!paused) socket.resume();
  });
  // Messages of one read are delivered together, and share its receive time.
  let readTs: Micros | null = null;
  const endRead = () => {
    readTs = null;
  };
  socket.on("message", (payload: Uint8Array, binary: boolean) => {
    if (readTs === null) {
      readTs = clock.nowMicros();
      queueMicrotask(endRead);
    }
    if (!closed) callbacks.onFrame(viewBytes(payload), binary, readTs);
  });
  socket.on("ping", () => {
    const receivedTs = clock.nowMicros();
    if (!closed) callbacks.onPing(receivedTs);
  });
  socket.on("pong", () => {
    const receivedTs = clock.nowMicros();
    if (!closed) callbacks.onPong(receivedTs);
  });
  socket.on("error", (error: Error) => {
    failure ??= error.message;
    cutLater();
  });
  socket.on("close", (code: number, reason: Uint8Array) => {
    if (closed) return;
    closed = true;
    beginning.cancel();
    cut?.cancel();
    const text = new TextDecoder().decode(reason);
    callbacks.onClose(code === ABNORMAL_CLOSURE ? null : code, text === "" ? failure ?? "" : text);
  });
  const cutLater = () => {
    cut ??= clock.after(CLOSE_ANSWER_MS_MAX, () => socket.terminate());
  };
  return {
    send: (text) => {
      if (socket.readyState === socket.OPEN) socket.send(text, ignoreSendOutcome);
    },
    sendBinary: (bytes) => {
      if (socket.readyState === socket.OPEN) socket.send(bytes, { binary: true }, ignoreSendOutcome);
    },
    ping: () => {
      if (socket.readyState === socket.OPEN) socket.ping("", undefined, ignoreSendOutcome);
    },
    close: (code, reason) => {
      if (closed) return;
      socket.close(code, cutReason(reason));
      cutLater();
    },
    terminate: () => socket.terminate(),
    pause: () => {
      paused = true;
      if (begun) socket.pause();
    },
    resume: () => {
      paused = false;
      if (begun) socket.resume();
    },
  };
}

/** Ignores the result of a write: a failed one also closes the socket, which `onClose` reports. */
function ignoreSendOutcome(_error?: Error | null): void {}

/** Returns the same bytes as a plain `Uint8Array`, because a Buffer's `slice` does not copy. */
function viewBytes(payload: Uint8Array): Uint8Array {
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
}
