import type { Stream } from "./channel.ts";
import type { SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";
import type { ControlSignal } from "./signal.ts";

/** A received frame as it came, and what it turned out to be. */
export interface WireFrame {
  /** Name of the instance. */
  readonly exchange: string;
  /** The descriptor's connection that it came on, without a shard. */
  readonly connectionId: string;
  readonly session: SessionId;
  /** Receive time. */
  readonly at: Micros;
  readonly payload: Uint8Array;
  readonly binary: boolean;
  /** The text inside, decompressed; null where it cannot be had. */
  readonly text: string | null;
  /** Streams that it carries data of; none for control frames and what no rule reads. */
  readonly streams: readonly Stream[];
  /** What it means to its session; null for data. */
  readonly signal: ControlSignal | null;
}

/** A session ended: its exchange and receive time. */
export interface WireEnd {
  readonly exchange: string;
  readonly connectionId: string;
  readonly session: SessionId;
  readonly at: Micros;
}

/** What is played back of a session: a frame, or that it ended. */
export type WireRecord =
  | { readonly kind: "frame"; readonly frame: WireFrame }
  | { readonly kind: "end"; readonly end: WireEnd };
