import {
  AHEAD_IDS_MAX,
  type Channel,
  FILLS_MAX,
  type GapCause,
  type Micros,
  TAIL_IDS_MAX,
  TAILS_MAX,
} from "../model/mod.ts";
import type { Fill, Mark } from "./fill.ts";

/** A gap of a stream that has ended, but whose first event afterwards is not yet known. */
export interface EndedGap {
  readonly gapId: string;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly to: Micros;
}

/** The last event of a stream. */
export interface Tail {
  last: Mark;
  receivedTs: Micros;
  /** Ids of the latest events, oldest first, if ids have no known order; the last event's id included. */
  readonly ids: string[];
  /** Gaps that have just ended: the next event is the first after them. */
  ended: EndedGap[];
  /** Missing ids that copies of another socket may still fill. Absent if there are none. */
  holes?: LateHole[];
  /** Events fetched on demand after the last event. Absent: there are none. */
  ahead?: FetchedAhead;
}

/** Events fetched on demand after the last event of a stream, until the stream has data again. */
export interface FetchedAhead {
  /** Ids of the events; only the newest AHEAD_IDS_MAX. */
  readonly ids: string[];
  /** A range that was fetched completely, including both ends; null if there is none. */
  whole: { readonly from: Micros; readonly to: Micros; readonly newest: Mark | null } | null;
}

/** Missing ids of a stream with consecutive ids that several sockets show. */
export interface LateHole {
  readonly from: Mark;
  readonly to: Mark;
  /** Receive times of both. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
  /** Missing ids that have come since. */
  readonly ids: string[];
}

/** A tail in a checkpoint. */
export type TailEntry = readonly [symbol: string, channel: Channel, tail: Tail];
/** A stretch in a checkpoint. */
export type FillEntry = Omit<Fill, "known"> & { readonly known: readonly string[] };

/** Memory for filling: the last event of each stream that can be filled, and the stretches that wait. */
export class FillLedger {
  readonly #tails = new Map<string, Map<string, Map<Channel, Tail>>>();
  readonly #fills: Fill[] = [];
  #size = 0;

  /** Returns the last event of a stream; null before the first. */
  tailOf(exchange: string, symbol: string, channel: Channel): Tail | null {
    return this.#tails.get(exchange)?.get(symbol)?.get(channel) ?? null;
  }

  /** Sets the last event of a stream. Past TAILS_MAX streams further ones are ignored. */
  follow(stream: { readonly exchange: string; readonly symbol: string; readonly channel: Channel }, tail: Tail): void {
    if (this.#size >= TAILS_MAX) return;
    let symbols = this.#tails.get(stream.exchange);
    if (symbols === undefined) this.#tails.set(stream.exchange, symbols = new Map());
    let channels = symbols.get(stream.symbol);
    if (channels === undefined) symbols.set(stream.symbol, channels = new Map());
    if (!channels.has(stream.channel)) this.#size++;
    channels.set(stream.channel, tail);
  }

  /** Removes the last event of a stream, so that the next one is compared with nothing. */
  forget(exchange: string, symbol: string, channel: Channel): void {
    if (this.#tails.get(exchange)?.get(symbol)?.delete(channel) === true) this.#size--;
  }

  /** Adds a stretch; false if too many wait. */
  add(fill: Fill): boolean {
    if (this.#fills.length >= FILLS_MAX) return false;
    this.#fills.push(fill);
    return true;
  }

  /**
   * Returns the stretch that answers of a request for an instrument belong to, the oldest one; null if there is none.
   */
  find(exchange: string, request: string, native: string): Fill | null {
    return this.#fills.find((fill) =>
      fill.exchange === exchange && fill.request === request && fill.native === native
    ) ?? null;
  }

  /** Returns the other stretches of a stretch's stream. */
  others(fill: Fill): readonly Fill[] {
    if (this.#fills.length === 1) return [];
    return this.#fills.filter((other) =>
      other !== fill && other.exchange === fill.exchange && other.channel === fill.channel &&
      other.symbol === fill.symbol
    );
  }

  /** Removes a stretch. */
  remove(fill: Fill): void {
    const at = this.#fills.indexOf(fill);
    if (at >= 0) this.#fills.splice(at, 1);
  }

  /** The waiting stretches, in the order in which their gaps ended. */
  get fills(): readonly Fill[] {
    return this.#fills;
  }

  /** Yields every tail by instance. */
  *tails(): Iterable<readonly [exchange: string, entries: readonly TailEntry[]]> {
    for (const [exchange, symbols] of this.#tails) {
      yield [
        exchange,
        [...symbols].flatMap(([symbol, channels]) =>
          [...channels].map(([channel, tail]) => [symbol, channel, tail] as const)
        ),
      ];
    }
  }

  /** Yields every stretch for a checkpoint. */
  *entries(): Iterable<FillEntry> {
    for (const { known, ...fill } of this.#fills) yield { ...fill, known: [...known] };
  }

  /** Restores a stretch of a checkpoint. */
  restore({ known, ...fill }: FillEntry): void {
    this.#fills.push({ ...fill, known: new Set(known) });
  }
}

/** Notes an event that was fetched on demand, if it is after the last one. */
export function noteAhead(tail: Tail, mark: Mark): void {
  if (mark.id === null || mark.ts < tail.last.ts) return;
  const { ids } = tail.ahead ??= { ids: [], whole: null };
  ids.push(mark.id);
  if (ids.length > AHEAD_IDS_MAX) ids.splice(0, ids.length - AHEAD_IDS_MAX);
}

/**
 * Notes that a range was fetched completely. If it continues from the last event, its newest event becomes the last
 * one, so that what the stream misses begins after it.
 */
export function noteWhole(tail: Tail, range: NonNullable<FetchedAhead["whole"]>): void {
  if (range.to <= tail.last.ts) return;
  const ahead = tail.ahead ??= { ids: [], whole: null };
  const { whole } = ahead;
  const isNext = whole !== null && range.from <= whole.to + 1 && range.to >= whole.from - 1;
  ahead.whole = isNext
    ? {
      from: Math.min(whole.from, range.from),
      to: Math.max(whole.to, range.to),
      newest: newerOf(whole.newest, range.newest),
    }
    : range;
  const { from, newest } = ahead.whole;
  if (from > tail.last.ts || newest === null || newest.ts < tail.last.ts) return;
  // The fetched ids stay: other events may be of the same time as the newest, and without ordered ids nothing else tells.
  tail.last = newest;
}

function newerOf(a: Mark | null, b: Mark | null): Mark | null {
  return a === null || (b !== null && b.ts >= a.ts) ? b : a;
}

/** Makes an event the last one of its stream. */
export function advance(tail: Tail, mark: Mark, { receivedTs, keepsIds }: {
  readonly receivedTs: Micros;
  readonly keepsIds: boolean;
}): void {
  tail.last = mark;
  tail.receivedTs = receivedTs;
  if (tail.ahead !== undefined) delete tail.ahead;
  if (!keepsIds || mark.id === null) return;
  tail.ids.push(mark.id);
  if (tail.ids.length > TAIL_IDS_MAX) tail.ids.shift();
}
