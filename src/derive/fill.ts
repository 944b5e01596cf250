import {
  type Channel,
  type EventBatch,
  type EventKind,
  fieldsOf,
  type GapCause,
  type MarketEvent,
  type Micros,
  type ToldGap,
} from "../model/mod.ts";

/** Position of an event in its stream: its id and its time. */
export interface Mark {
  /** The id of a trade, or the time of a candle or a settled rate. Null if a trade has none. */
  readonly id: string | null;
  /** Exchange time, or receive time if there is none. */
  readonly ts: Micros;
}

/** A stretch of a stream to fetch: the events between two known ones. */
export interface FillStretch {
  readonly gapId: string;
  /** Cause of its gap; null for a stretch fetched on demand, which includes both ends. */
  readonly cause: GapCause | null;
  readonly exchange: string;
  readonly connectionId: string;
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  readonly channel: Channel;
  readonly symbol: string;
  readonly native: string;
  /** The last known event before the stretch. */
  readonly from: Mark;
  /** The first known event after it. */
  readonly to: Mark;
}

/** Result of reading a page of history. */
export interface FillPage {
  readonly gapId: string;
  /** Rows of the stream, known ones included. */
  readonly rows: number;
  /** Null if there are no rows. */
  readonly oldest: Mark | null;
  readonly newest: Mark | null;
  /** Whether the pages so far have reached the known events before and after the stretch. */
  readonly isFromMet: boolean;
  readonly isToMet: boolean;
  /** Whether nothing is missing any more, so that the gap was emitted as `filled`. */
  readonly isFilled: boolean;
  /** Whether rows lack ids, without which known and missing ones cannot be distinguished. */
  readonly lacksIds: boolean;
  /** Number of events fetched for the stretch so far. */
  readonly filled: number;
}

/** A stretch with the progress of its filling. */
export interface Fill extends FillStretch {
  /** Gaps that a stretch on demand fills. Absent: it fills the gap that its id names. */
  readonly gaps?: readonly ToldGap[];
  /** Receive times of the gap. */
  readonly gapFrom: Micros | null;
  readonly gapTo: Micros;
  /** Ids of known events: those before the stretch, and those fetched. */
  readonly known: Set<string>;
  filled: number;
  isFromMet: boolean;
  isToMet: boolean;
  /** Newest event that pages of a stretch on demand have shown. Absent: none yet. */
  last?: Mark;
  /** Newest time of the events fetched so far; null if there are none. */
  newest: Micros | null;
}

/** Order of ids, by which missing ones are recognised; null if unknown. */
export type IdOrder = "consecutive" | "rising" | null;

/** Returns the position of an event in its stream; null for kinds without a history. */
export function eventMark(event: MarketEvent, ts: Micros): Mark | null {
  if (event.kind === "trade") return { id: event.trade_id, ts };
  const name = TIME_FIELDS.get(event.kind);
  if (name === undefined) return null;
  const fields = event as unknown as Readonly<Record<string, Micros | null>>;
  return ofTime(fields[name] ?? ts);
}

/** Returns the same of an event in a batch. */
export function markOf(events: EventBatch, event: number): Mark | null {
  const ts = events.exchangeTs.get(event) ?? events.receivedTs.values[event];
  if (events.kindAt(event) !== "trade") return eventMark(events.event(event), ts);
  return { id: events.table("trade").trade_id.text(events.rows[event]), ts };
}

/** The time field that identifies an event of a history, by kind. */
const TIME_FIELDS: ReadonlyMap<EventKind, string> = new Map(
  (["candle", "funding"] as const).flatMap((kind) => {
    const time = fieldsOf(kind).find(([, { type }]) => type === "micros");
    return time === undefined ? [] : [[kind, time[0]] as const];
  }),
);

function ofTime(ts: Micros): Mark {
  return { id: String(ts), ts };
}

/** Compares two ids as numbers of any length; negative if the first is smaller. Null if one is no number. */
export function compareIds(a: string, b: string): number | null {
  const [x, y] = [smallId(a), smallId(b)];
  if (x >= 0 && y >= 0) return x - y;
  if (!DIGITS.test(a) || !DIGITS.test(b)) return null;
  const [left, right] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

const DIGITS = /^\d+$/;
/** Most digits of a number that is always below 2^53. */
const SMALL_DIGITS = 15;

/** Returns the number of an id with few digits; -1 for all others. */
function smallId(id: string): number {
  const { length } = id;
  if (length === 0 || length > SMALL_DIGITS) return -1;
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = id.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Returns how far an id is behind another one; NaN unless both are short numbers. */
export function idStep(from: string, to: string): number {
  const [x, y] = [smallId(from), smallId(to)];
  return x >= 0 && y >= 0 ? y - x : NaN;
}

/** Returns the number of ids between two; null if they are no numbers. */
export function idsBetween(from: string, to: string): bigint | null {
  const [x, y] = [smallId(from), smallId(to)];
  if (x >= 0 && y >= 0) return BigInt(y - x - 1);
  if (!DIGITS.test(from) || !DIGITS.test(to)) return null;
  return BigInt(to) - BigInt(from) - 1n;
}

/** Position of a row of history relative to a stretch. */
export type RowPlace = "before" | "inside" | "behind" | "unknown";

/**
 * Returns the position of a row relative to a stretch: by time in a stretch on demand, by rising ids if there are any,
 * otherwise by time and known ids. Candles and settled rates are identified by time; the last one before the stretch is
 * fetched again, because it may have been unfinished.
 */
export function placeOf(mark: Mark, { channel, from, to, known, cause }: Fill, order: IdOrder): RowPlace {
  if (mark.id === null) return "unknown";
  if (cause === null) {
    return mark.ts < from.ts ? "before" : mark.ts > to.ts ? "behind" : known.has(mark.id) ? "unknown" : "inside";
  }
  if (channel !== "trades") {
    return mark.ts < from.ts ? "before" : mark.ts >= to.ts ? "behind" : known.has(mark.id) ? "unknown" : "inside";
  }
  if (mark.id === to.id) return "behind";
  if (order !== null && from.id !== null && to.id !== null) {
    const [below, above] = [compareIds(mark.id, from.id), compareIds(mark.id, to.id)];
    if (below !== null && above !== null) {
      return below <= 0 ? "before" : above >= 0 ? "behind" : known.has(mark.id) ? "unknown" : "inside";
    }
  }
  if (mark.ts < from.ts || mark.id === from.id) return "before";
  if (mark.ts > to.ts) return "behind";
  if (known.has(mark.id)) return mark.ts === from.ts ? "before" : "unknown";
  return "inside";
}
