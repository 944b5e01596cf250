import type { Channel, Stream } from "./channel.ts";
import type { GapCause } from "./event_values.ts";
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

/** A REST answer that events are derived from. */
export interface HttpRecord {
  readonly kind: "http";
  readonly at: Micros;
  readonly exchange: string;
  /** Hash of the plan that its events are derived with; null in journals of format 1, which hold no plans. */
  readonly planHash: string | null;
  /** Session that it was requested for; null for polls that belong to none. */
  readonly session: SessionId | null;
  /** Name of the request in the descriptor. */
  readonly request: string;
  /** Requested native symbol; empty if the request covers many. */
  readonly native: string;
  readonly url: string;
  /**
   * HTTP status. 0 marks a record that is no answer: `body` is a `MissedAnswer` (a poll had no answer for longer than
   * its interval), a `FillWish` (history is wanted on demand), a `BookDifferenceNote` (a book differs from
   * its snapshot) or a `FillEnd` (the fetching of a stretch ended).
   */
  readonly status: number;
  readonly body: Uint8Array;
}

/** Body of an `http` record with status 0: a poll had no answer for longer than its interval. */
export interface MissedAnswer {
  /** Receive time of the last answer; if there was none, when the poll began. */
  readonly from: Micros;
  readonly reason: string;
}

/** Returns the body of the record. */
export function missedAnswerBody({ from, reason }: MissedAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ from, reason: reason.slice(0, EXAMPLE_CHARS_MAX) }));
}

/** Reads the JSON object in the body of an `http` record with status 0; null if it is none. */
function readBody(body: Uint8Array): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  return typeof value === "object" && value !== null ? value as Readonly<Record<string, unknown>> : null;
}

/** Reads such a body; null if it is none. */
export function readMissedAnswer(body: Uint8Array): MissedAnswer | null {
  const { from, reason } = readBody(body) ?? {};
  return typeof from === "number" && typeof reason === "string" ? { from, reason } : null;
}

/** Body of an `http` record with status 0: the backfill of a gap has ended. */
export interface FillEnd {
  readonly gapId: string;
  /** Whether everything missing was fetched. */
  readonly isFilled: boolean;
  /** Why something is still missing; empty if nothing is. */
  readonly reason: string;
}

/** Returns the body of an `http` record that ends a backfill. */
export function fillEndBody({ gapId, isFilled, reason }: FillEnd): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ gapId, isFilled, reason: reason.slice(0, EXAMPLE_CHARS_MAX) }));
}

/** Reads such a body; null if it is none. */
export function readFillEnd(body: Uint8Array): FillEnd | null {
  const { gapId, isFilled, reason } = readBody(body) ?? {};
  if (typeof gapId !== "string" || typeof isFilled !== "boolean" || typeof reason !== "string") return null;
  return { gapId, isFilled, reason };
}

/** An emitted gap that a stretch on demand may fill. Times are receive times. */
export interface ToldGap {
  readonly gapId: string;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly to: Micros;
}

/** What the body of an `http` record with status 0 says of a book that differs from the exchange's own snapshot. */
export interface BookDifferenceNote {
  readonly detail: string;
}

/** Returns the body of an `http` record that says that a book differs. */
export function bookDifferenceBody({ detail }: BookDifferenceNote): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ differs: detail.slice(0, EXAMPLE_CHARS_MAX) }));
}

/** Reads such a body; null where it is none. */
export function readBookDifference(body: Uint8Array): BookDifferenceNote | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { differs } = value as { readonly differs?: unknown };
  return typeof differs === "string" ? { detail: differs } : null;
}

/** An end of a stretch on demand. */
export interface WishEnd {
  /** Id of an event at or outside this end, by which the first page may be requested; null if none is known. */
  readonly id: string | null;
  /** The exchange's time; events of this time belong to the stretch. */
  readonly ts: Micros;
}

/** Body of an `http` record with status 0: begins a stretch of history on demand. */
export interface FillWish {
  readonly connectionId: string;
  readonly channel: Channel;
  readonly symbol: string;
  readonly from: WishEnd;
  readonly to: WishEnd;
  /** Ids of the stretch's events that the journal has already. */
  readonly known: readonly string[];
  /** Unfilled gaps of the stream within the stretch. */
  readonly gaps: readonly ToldGap[];
}

/** Returns the body of an `http` record that begins a stretch on demand. */
export function fillWishBody(wish: FillWish): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ wish }));
}

/** Reads such a body; null if it is none. */
export function readFillWish(body: Uint8Array): FillWish | null {
  const wish = readBody(body)?.wish;
  if (typeof wish !== "object" || wish === null) return null;
  const { connectionId, channel, symbol, from, to, known, gaps } = wish as Readonly<Record<string, unknown>>;
  if (typeof connectionId !== "string" || typeof channel !== "string" || typeof symbol !== "string") return null;
  if (!isWishEnd(from) || !isWishEnd(to) || !Array.isArray(known) || !Array.isArray(gaps)) return null;
  return { connectionId, channel: channel as Channel, symbol, from, to, known, gaps };
}

function isWishEnd(end: unknown): end is WishEnd {
  if (typeof end !== "object" || end === null) return false;
  const { id, ts } = end as Readonly<Record<string, unknown>>;
  return (id === null || typeof id === "string") && typeof ts === "number";
}

/** Streams were acknowledged. */
export interface AckedRecord {
  readonly kind: "acked";
  readonly session: SessionId;
  readonly at: Micros;
  readonly streams: readonly Stream[];
}

/** The subscriptions of an open session changed: streams were added or removed. */
export interface StreamsRecord {
  readonly kind: "streams";
  readonly session: SessionId;
  readonly at: Micros;
  /** Hash of the plan that its frames are derived with from this record on. */
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

/** A stream stalled while its connection lived; one record for each step taken against it. */
export interface StalledRecord {
  readonly kind: "stalled";
  readonly session: SessionId;
  readonly at: Micros;
  readonly stream: Stream;
  /** Receive time of its last data; if it never had any on the connection, when it was subscribed to. */
  readonly from: Micros;
  /** The step, in the words of the gap's `action`. */
  readonly action: string;
  readonly reason: string;
}

/** Why a session ended. `journal_busy`: the journal could not keep its frames. */
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

/** A session ended. After a kill the next start writes the record, with cause `crash`. */
export interface ClosedRecord {
  readonly kind: "closed";
  readonly session: SessionId;
  readonly at: Micros;
  readonly cause: CloseCause;
  /** WebSocket close code; null if there was none. */
  readonly code: number | null;
  readonly reason: string;
}

/**
 * Data is missing from the journal: frames were received but not kept, reading was paused, or records were damaged or
 * lost on disk.
 */
export interface DroppedRecord {
  readonly kind: "dropped";
  /** Null if every session that was open then is concerned. */
  readonly session: SessionId | null;
  readonly at: Micros;
  /** Number of frames; 0 if unknown. */
  readonly frames: number;
  /** Receive times of the last frame known before and the first one after, or of the dropped frames themselves. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
  /**
   * Offset after the lost records that this record replaces; null if it replaces none, as for frames never appended.
   */
  readonly toOffset: Offset | null;
  readonly reason: string;
}

/** A step of the wall clock. */
export interface ClockStep {
  /** Time before it, as it would have gone on. */
  readonly fromTs: Micros;
  /** The same moment after it; earlier if the clock was set back. */
  readonly toTs: Micros;
}

/** The wall clock of the machine was set: times before and after the record cannot be compared. */
export interface ClockRecord extends ClockStep {
  readonly kind: "clock";
  readonly at: Micros;
}

/** The last event of a stream that a collector has. */
export interface LastSeen extends Stream {
  /** Of a trade its id; of a candle or a settled rate the time that it is of. Null where a trade has none. */
  readonly id: string | null;
  /** The exchange's time; the time of receipt where it gives none. */
  readonly ts: Micros;
}

/**
 * This collector started or stopped collecting a share of its group: its data of these streams of one instance begins
 * or ends here. One record per instance with streams in the share.
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
  /** Collector that it came from or goes to; null if none is known. */
  readonly other: string | null;
  /** Revision of the collector's entry in the group at the change; it rises with every change of this collector. */
  readonly epoch: number;
  /**
   * Until when another collector had the streams, by its clock, if nobody had them since; null if nothing was missed.
   */
  readonly fromTs: Micros | null;
  readonly streams: readonly Stream[];
  /** What the other collector had last of the streams, where they can be filled from there on. Absent: not known. */
  readonly last?: readonly LastSeen[];
}

/**
 * A derivation plan. In each segment it precedes the first record that names it, so a reader may begin at any segment.
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
 * A part of the pipeline's state, as text. Every segment begins with the plans in use and the parts of one checkpoint,
 * so a reader may begin at any segment.
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
