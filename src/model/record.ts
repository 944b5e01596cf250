import type { Stream } from "./channel.ts";
import type { SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";

/** A connection of an exchange instance was opened; its offset is the session's id. */
export interface OpenedRecord {
  readonly kind: "opened";
  readonly at: Micros;
  /** Name of the exchange instance. */
  readonly exchange: string;
  /** Key of the connection in the plan, shard included: `public`, `public#2`. */
  readonly connection: string;
  /** Without secrets. */
  readonly url: string;
  /** Hash of the descriptor in force. */
  readonly descriptorHash: string;
  /** What the session subscribes to. */
  readonly streams: readonly Stream[];
}

/** A message off the wire, as it came. */
export interface FrameRecord {
  readonly kind: "frame";
  readonly session: SessionId;
  readonly at: Micros;
  readonly binary: boolean;
  readonly payload: Uint8Array;
}

/** A REST answer that the pipeline uses. */
export interface HttpRecord {
  readonly kind: "http";
  readonly at: Micros;
  readonly exchange: string;
  /** Session on whose behalf it was asked for; null for polls that belong to none. */
  readonly session: SessionId | null;
  /** Name of the request in the descriptor. */
  readonly request: string;
  /** Native symbol asked for; empty where the request covers many. */
  readonly native: string;
  readonly url: string;
  readonly status: number;
  readonly body: Uint8Array;
}

/** Streams were acknowledged. */
export interface AckedRecord {
  readonly kind: "acked";
  readonly session: SessionId;
  readonly at: Micros;
  readonly streams: readonly Stream[];
}

/** Streams were rejected, with the exchange's reason. */
export interface RejectedRecord {
  readonly kind: "rejected";
  readonly session: SessionId;
  readonly at: Micros;
  readonly streams: readonly Stream[];
  readonly reason: string;
}

/** Why a session ended. */
export type CloseCause =
  | "shutdown"
  | "peer"
  | "error"
  | "read_timeout"
  | "pong_timeout"
  | "stale"
  | "notice"
  | "max_age"
  | "crash";

/** A session ended. After a kill the record is written by the next start, with cause `crash`. */
export interface ClosedRecord {
  readonly kind: "closed";
  readonly session: SessionId;
  readonly at: Micros;
  readonly cause: CloseCause;
  /** WebSocket close code where there was one. */
  readonly code: number | null;
  readonly reason: string;
}

/** Frames that were received and not kept, because the journal was full. */
export interface DroppedRecord {
  readonly kind: "dropped";
  readonly session: SessionId;
  readonly at: Micros;
  /** How many frames, and the receive times of the first and the last of them. */
  readonly frames: number;
  readonly fromTs: Micros;
  readonly toTs: Micros;
  readonly reason: string;
}

/**
 * All that the pipeline knows, as JSON text: the first record of every segment, so that a reader can start at any
 * segment without what came before.
 */
export interface CheckpointRecord {
  readonly kind: "checkpoint";
  readonly at: Micros;
  readonly state: string;
}

/** What the journal holds, in order. */
export type JournalRecord =
  | OpenedRecord
  | FrameRecord
  | HttpRecord
  | AckedRecord
  | RejectedRecord
  | ClosedRecord
  | DroppedRecord
  | CheckpointRecord;
