import type { Stream } from "./channel.ts";
import type { Offset, SessionId } from "./frame.ts";
import { EXAMPLE_CHARS_MAX } from "./limits.ts";
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
  /** Hash of the descriptor's text. */
  readonly descriptorHash: string;
  /** Hash of the plan that its frames are derived with; null in journals of format 1, which hold no plans. */
  readonly planHash: string | null;
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
  /** Hash of the plan that it is derived with; null in journals of format 1, which hold no plans. */
  readonly planHash: string | null;
  /** Session on whose behalf it was asked for; null for polls that belong to none. */
  readonly session: SessionId | null;
  /** Name of the request in the descriptor. */
  readonly request: string;
  /** Native symbol asked for; empty where the request covers many. */
  readonly native: string;
  readonly url: string;
  /**
   * HTTP status; 0: a poll went without an answer for longer than its interval, and `body` is a `MissedAnswer`; or no more
   * is asked for to fill a gap, and `body` is a `FillEnd`.
   */
  readonly status: number;
  readonly body: Uint8Array;
}

/** What the body of an `http` record with status 0 says. */
export interface MissedAnswer {
  /** Receive time of the last answer; before the first, when the poll began. */
  readonly from: Micros;
  readonly reason: string;
}

/** Returns the body of an `http` record with status 0. */
export function missedAnswerBody({ from, reason }: MissedAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ from, reason: reason.slice(0, EXAMPLE_CHARS_MAX) }));
}

/** Reads such a body; null where it is none. */
export function readMissedAnswer(body: Uint8Array): MissedAnswer | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("from" in value) || !("reason" in value)) return null;
  const { from, reason } = value;
  return typeof from === "number" && typeof reason === "string" ? { from, reason } : null;
}

/** What the body of an `http` record with status 0 says of a backfill: nothing more is asked for on behalf of a gap. */
export interface FillEnd {
  readonly gapId: string;
  /** Whether nothing is missing any more. */
  readonly isFilled: boolean;
  /** Why something is; empty where nothing is. */
  readonly reason: string;
}

/** Returns the body of an `http` record that ends a backfill. */
export function fillEndBody({ gapId, isFilled, reason }: FillEnd): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ gapId, isFilled, reason: reason.slice(0, EXAMPLE_CHARS_MAX) }));
}

/** Reads such a body; null where it is none. */
export function readFillEnd(body: Uint8Array): FillEnd | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { gapId, isFilled, reason } = value as Readonly<Record<string, unknown>>;
  if (typeof gapId !== "string" || typeof isFilled !== "boolean" || typeof reason !== "string") return null;
  return { gapId, isFilled, reason };
}

/** Streams were acknowledged. */
export interface AckedRecord {
  readonly kind: "acked";
  readonly session: SessionId;
  readonly at: Micros;
  readonly streams: readonly Stream[];
}

/** What an open session asks for was changed: streams were added, others are asked for no more. */
export interface StreamsRecord {
  readonly kind: "streams";
  readonly session: SessionId;
  readonly at: Micros;
  /** Hash of the plan that its frames are derived with from here on. */
  readonly planHash: string;
  readonly added: readonly Stream[];
  readonly removed: readonly Stream[];
}

/** Streams were rejected, with the exchange's reason. */
export interface RejectedRecord {
  readonly kind: "rejected";
  readonly session: SessionId;
  readonly at: Micros;
  readonly streams: readonly Stream[];
  readonly reason: string;
}

/** A stream stood still while its connection lived; one record for each step that was taken about it. */
export interface StalledRecord {
  readonly kind: "stalled";
  readonly session: SessionId;
  readonly at: Micros;
  readonly stream: Stream;
  /** Receive time of its last data; where it never had any on the connection, when it was asked for. */
  readonly from: Micros;
  /** What is done about it, as the gap says it. */
  readonly action: string;
  readonly reason: string;
}

/** Why a session ended. `journal_busy`: what came could not be kept. */
export type CloseCause =
  | "shutdown"
  | "peer"
  | "error"
  | "read_timeout"
  | "pong_timeout"
  | "stale"
  | "notice"
  | "max_age"
  | "journal_busy"
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

/**
 * A stretch that is not in the journal whole: frames that were received and not kept, a pause in which nothing was read,
 * or records that were damaged or lost on disk.
 */
export interface DroppedRecord {
  readonly kind: "dropped";
  /** Null where every session that was open then is concerned. */
  readonly session: SessionId | null;
  readonly at: Micros;
  /** How many frames; 0 where that is not known. */
  readonly frames: number;
  /** Receive times of the last frame known before and the first one after, or of the dropped frames themselves. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
  /** Offset after the records that it stands for; null where it stands for itself alone, as frames never taken do. */
  readonly toOffset: Offset | null;
  readonly reason: string;
}

/** A step of the wall clock. */
export interface ClockStep {
  /** Time before it, as it would have gone on. */
  readonly fromTs: Micros;
  /** The same moment after it; earlier where the clock was set back. */
  readonly toTs: Micros;
}

/** The wall clock of the machine was set: times before and after the record are not of one scale. */
export interface ClockRecord extends ClockStep {
  readonly kind: "clock";
  readonly at: Micros;
}

/**
 * This collector began or ended to collect a share of its group: what it has of the streams of one instance begins or ends
 * here. For a share without streams of any instance there is none.
 */
export interface ShareRecord {
  readonly kind: "share";
  readonly at: Micros;
  /** Name of the exchange instance. */
  readonly exchange: string;
  readonly change: "taken" | "released";
  /** Ordinal of the share, from 1, and how many there are. */
  readonly share: number;
  readonly shares: number;
  /** Collector that it came from or goes to; null where none is known. */
  readonly other: string | null;
  /** Revision of the collector's entry in the group when it was decided: it grows over all changes of this collector. */
  readonly epoch: number;
  /** Until when another collector had the streams, by its clock, where nobody had them since; null where there is no hole. */
  readonly fromTs: Micros | null;
  readonly streams: readonly Stream[];
}

/**
 * A plan, as data. In each segment it precedes the first record that names it, so that a reader that begins at any
 * segment knows how to derive what follows.
 */
export interface PlanRecord {
  readonly kind: "plan";
  readonly at: Micros;
  /** Hash of `body`, by which `opened` and `http` records name it. */
  readonly hash: string;
  /** Canonical JSON text of the plan. */
  readonly body: string;
}

/**
 * A part of all that the pipeline knows, as text. Every segment begins with the plans in use and then the parts of one
 * checkpoint, so that a reader can start at any segment without what came before.
 */
export interface CheckpointRecord {
  readonly kind: "checkpoint";
  readonly at: Micros;
  /** Ordinal of the part in its checkpoint, from 0. */
  readonly part: number;
  /** Whether no further part of this checkpoint follows. */
  readonly last: boolean;
  readonly state: string;
}

/** What the journal holds, in order. */
export type JournalRecord =
  | OpenedRecord
  | FrameRecord
  | HttpRecord
  | AckedRecord
  | StreamsRecord
  | RejectedRecord
  | StalledRecord
  | ClosedRecord
  | DroppedRecord
  | ClockRecord
  | ShareRecord
  | PlanRecord
  | CheckpointRecord;
