import type { Stream } from "./channel.ts";
import type { SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";
import type { ControlSignal } from "./signal.ts";

/** A received frame, with its decoded text and meaning. */
export interface WireFrame {
  /** Name of the instance. */
  readonly exchange: string;
  /** Id of the descriptor's connection, without a shard. */
  readonly connectionId: string;
  readonly session: SessionId;
  /** Receive time. */
  readonly at: Micros;
  readonly payload: Uint8Array;
  readonly binary: boolean;
  /** The decompressed text; null if it cannot be decoded. */
  readonly text: string | null;
  /** Streams that it carries data of; empty for control frames and frames that no rule reads. */
  readonly streams: readonly Stream[];
  /** Its meaning to the session; null for data. */
  readonly signal: ControlSignal | null;
}

/** A session ended: its exchange and receive time. */
export interface WireEnd {
  readonly exchange: string;
  readonly connectionId: string;
  readonly session: SessionId;
  readonly at: Micros;
}

/** A record of a session that is played back: a frame, or the end. */
export type WireRecord =
  | { readonly kind: "frame"; readonly frame: WireFrame }
  | { readonly kind: "end"; readonly end: WireEnd };
