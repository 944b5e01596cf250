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

/** Where an event stands in its stream: by its id, and by the exchange's time. */
export interface Mark {
  /** Of a trade its id; of a candle or a settled rate the time that it is of. Null where a trade has none. */
  readonly id: string | null;
  /** The exchange's time; the time of receipt where it gives none. */
  readonly ts: Micros;
}

/** A stretch of a stream that is to be fetched: what lies between two events that are known. */
export interface FillStretch {
  readonly gapId: string;
  /** Of the gap that it is of; null of a stretch that is asked for on demand: both ends belong to that. */
  readonly cause: GapCause | null;
  readonly exchange: string;
  readonly connectionId: string;
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  readonly channel: Channel;
  readonly symbol: string;
  readonly native: string;
  /** The last event that was kept before. */
  readonly from: Mark;
  /** The first event behind. */
  readonly to: Mark;
}

/** What a page of history came to. */
export interface FillPage {
  readonly gapId: string;
  /** Rows of the stream, known ones included. */
  readonly rows: number;
  /** Null where there are no rows. */
  readonly oldest: Mark | null;
  readonly newest: Mark | null;
  /** Whether pages so far have met what was known before, and what was known behind. */
  readonly isFromMet: boolean;
  readonly isToMet: boolean;
  /** Whether nothing is missing any more: the gap was told as filled. */
  readonly isFilled: boolean;
  /** Whether rows have no ids, by which alone known ones are told from missing ones. */
  readonly lacksIds: boolean;
  /** How many events were fetched for the stretch so far. */
  readonly filled: number;
}

/** A stretch with what is known of its filling. */
export interface Fill extends FillStretch {
  /** Gaps that a stretch on demand fills. Absent: it is of the gap that its id names. */
  readonly gaps?: readonly ToldGap[];
  /** Times of receipt, as the gap tells them. */
  readonly gapFrom: Micros | null;
  readonly gapTo: Micros;
  /** Ids of events that are known: those before, and those fetched. */
  readonly known: Set<string>;
  filled: number;
  isFromMet: boolean;
  isToMet: boolean;
  /** Newest event of a stretch on demand that pages have shown; absent where none has. */
  last?: Mark;
  /** Newest of the events fetched so far behind which nothing is missing back to `from`; null where there is none. */
  newest: Micros | null;
}

/** Whether ids are numbers that rise with time, so that they alone say what is missing. */
export type IdOrder = "consecutive" | "rising" | null;

/** Returns where an event stands in its stream; null for kinds that no history gives again. */
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

/** The field that says of which time an event of a history is, by kind. */
const TIME_FIELDS: ReadonlyMap<EventKind, string> = new Map(
  (["candle", "funding"] as const).flatMap((kind) => {
    const time = fieldsOf(kind).find(([, { type }]) => type === "micros");
    return time === undefined ? [] : [[kind, time[0]] as const];
  }),
);

function ofTime(ts: Micros): Mark {
  return { id: String(ts), ts };
}

/** Compares two numbers of any length: below zero where the first is smaller. Null where one is none. */
export function compareIds(a: string, b: string): number | null {
  const [x, y] = [smallId(a), smallId(b)];
  if (x >= 0 && y >= 0) return x - y;
  if (!DIGITS.test(a) || !DIGITS.test(b)) return null;
  const [left, right] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

const DIGITS = /^\d+$/;
/** Most digits of a number that is below 2^53 whatever they are. */
const SMALL_DIGITS = 15;

/** The number of an id that is written with few digits; -1 for all others. */
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

/** How many ids lie between two consecutive ones; null where they are no numbers. */
export function idsBetween(from: string, to: string): bigint | null {
  const [x, y] = [smallId(from), smallId(to)];
  if (x >= 0 && y >= 0) return BigInt(y - x - 1);
  if (!DIGITS.test(from) || !DIGITS.test(to)) return null;
  return BigInt(to) - BigInt(from) - 1n;
}

/** What a row of history is to a stretch. */
export type RowPlace = "before" | "inside" | "behind" | "unknown";

/**
 * Returns where a row stands: in a stretch on demand its time says it; in numbers that rise its id says it, otherwise its time, with the ids that are known. Times of
 * candles and settled rates are their ids, and the last one before may have been unfinished: it is fetched again.
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
