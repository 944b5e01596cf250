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

/** A gap of a stream that has ended, until the first event behind it is known. */
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
  /** Ids of the events before, oldest first, where ids do not say their order; with that of the last one. */
  readonly ids: string[];
  /** Gaps that have just ended: the next event is the first behind them. */
  ended: EndedGap[];
  /** Holes in its ids that another socket's copies may still fill; absent where there are none. */
  holes?: LateHole[];
  /** What was fetched on demand behind the last event; absent where nothing was. */
  ahead?: FetchedAhead;
}

/** What was fetched on demand behind the last event of a stream, until data of the stream come again. */
export interface FetchedAhead {
  /** Ids of the events, the newest ones where there are too many. */
  readonly ids: string[];
  /** A range that is whole; null where none is. Both ends belong to it. */
  whole: { readonly from: Micros; readonly to: Micros; readonly newest: Mark | null } | null;
}

/** A jump of consecutive ids while several sockets show a stream. */
export interface LateHole {
  readonly from: Mark;
  readonly to: Mark;
  /** Receive times of both. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
  /** Ids of the hole that have come since. */
  readonly ids: string[];
}

/** A tail as a checkpoint holds it. */
export type TailEntry = readonly [symbol: string, channel: Channel, tail: Tail];
/** A stretch as a checkpoint holds it. */
export type FillEntry = Omit<Fill, "known"> & { readonly known: readonly string[] };

/** What is remembered for filling: the last event of each stream that can be filled, and the stretches that wait. */
export class FillLedger {
  readonly #tails = new Map<string, Map<string, Map<Channel, Tail>>>();
  readonly #fills: Fill[] = [];
  #size = 0;

  /** Returns the last event of a stream; null before the first. */
  tailOf(exchange: string, symbol: string, channel: Channel): Tail | null {
    return this.#tails.get(exchange)?.get(symbol)?.get(channel) ?? null;
  }

  /** Sets the last event of a stream. Past TAILS_MAX streams further ones are not followed. */
  follow(stream: { readonly exchange: string; readonly symbol: string; readonly channel: Channel }, tail: Tail): void {
    if (this.#size >= TAILS_MAX) return;
    let symbols = this.#tails.get(stream.exchange);
    if (symbols === undefined) this.#tails.set(stream.exchange, symbols = new Map());
    let channels = symbols.get(stream.symbol);
    if (channels === undefined) symbols.set(stream.symbol, channels = new Map());
    if (!channels.has(stream.channel)) this.#size++;
    channels.set(stream.channel, tail);
  }

  /** Forgets the last event of a stream: what comes next is compared with nothing. */
  forget(exchange: string, symbol: string, channel: Channel): void {
    if (this.#tails.get(exchange)?.get(symbol)?.delete(channel) === true) this.#size--;
  }

  /** Adds a stretch; false where too many wait. */
  add(fill: Fill): boolean {
    if (this.#fills.length >= FILLS_MAX) return false;
    this.#fills.push(fill);
    return true;
  }

  /** The stretch that answers to a request for an instrument are for: those of one are filled one after the other. */
  find(exchange: string, request: string, native: string): Fill | null {
    return this.#fills.find((fill) =>
      fill.exchange === exchange && fill.request === request && fill.native === native
    ) ?? null;
  }

  /** The other stretches of a stretch's stream. */
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

  /** The stretches that wait, in the order in which their gaps ended. */
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

  /** Yields every stretch as it is saved. */
  *entries(): Iterable<FillEntry> {
    for (const { known, ...fill } of this.#fills) yield { ...fill, known: [...known] };
  }

  /** Adds a stretch as it was saved. */
  restore({ known, ...fill }: FillEntry): void {
    this.#fills.push({ ...fill, known: new Set(known) });
  }
}

/** Notes an event that was fetched on demand, where it lies behind the last one. */
export function noteAhead(tail: Tail, mark: Mark): void {
  if (mark.id === null || mark.ts < tail.last.ts) return;
  const { ids } = tail.ahead ??= { ids: [], whole: null };
  ids.push(mark.id);
  if (ids.length > AHEAD_IDS_MAX) ids.splice(0, ids.length - AHEAD_IDS_MAX);
}

/**
 * Notes that a range is whole. Where it goes on from the last event without a break, its newest event is the last one from
 * now on: what the stream misses begins behind that.
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
  tail.last = newest;
  ahead.ids.length = 0;
}

function newerOf(a: Mark | null, b: Mark | null): Mark | null {
  return a === null || (b !== null && b.ts >= a.ts) ? b : a;
}

/** Notes an event as the last one of its stream. */
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
