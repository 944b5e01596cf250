import { markOf, type Pipeline } from "../derive/mod.ts";
import { type Journal, listJournal } from "../journal/mod.ts";
import type { Files } from "../host/mod.ts";
import {
  type Channel,
  EVENT_SPECS,
  type EventBatch,
  Failure,
  HISTORY_KNOWN_MAX,
  type Micros,
  type Offset,
  type ToldGap,
} from "../model/mod.ts";
import { CatchUp } from "./catch_up.ts";

/** Largest difference of a machine's clock and an exchange's when segments are searched, in µs. */
const SKEW_US = 3_600_000_000;

/** Streams of one channel and a range of exchange time, `to` exclusive. */
export interface KnownRange {
  readonly exchange: string;
  readonly channel: Channel;
  readonly symbols: ReadonlySet<string>;
  readonly from: Micros;
  readonly to: Micros;
}

/** A known event, by its id and exchange time. */
export interface KnownEvent {
  readonly id: string;
  readonly ts: Micros;
}

/** A gap of a stream, with the exchange times of the events at its ends. */
export interface KnownGap extends ToldGap {
  readonly fromTs: Micros;
  readonly toTs: Micros;
}

/** A gap before the events after it are read. */
interface ReadGap extends ToldGap {
  readonly fromTs: Micros | null;
  toTs: Micros | null;
  isFilled: boolean;
  isOver: boolean;
}

/** What the journal holds of one stream in the range. */
class KnownStream {
  /** Sorted by time on first use. */
  #events: KnownEvent[] = [];
  #isSorted = true;
  readonly #gaps = new Map<string, ReadGap>();
  /** The nearest events outside the range. */
  #before: KnownEvent | null = null;
  #behind: KnownEvent | null = null;
  /** Of the last live event and the one before, and the record of the last one. */
  #lastTs: Micros | null = null;
  #priorTs: Micros | null = null;
  #lastOffset: Offset | null = null;
  /** Gaps that are over and whose next event has not come. */
  #ended: ReadGap[] = [];

  /** Returns whether one more event is kept. */
  add(event: KnownEvent, { from, to }: KnownRange, liveOffset: Offset | null): boolean {
    if (liveOffset !== null) {
      this.#priorTs = this.#lastTs;
      this.#lastTs = event.ts;
      this.#lastOffset = liveOffset;
      for (const gap of this.#ended) gap.toTs = event.ts;
      if (this.#ended.length > 0) this.#ended = [];
    }
    if (event.ts < from) {
      if (this.#before === null || event.ts >= this.#before.ts) this.#before = event;
      return false;
    }
    if (event.ts >= to) {
      if (this.#behind === null || event.ts < this.#behind.ts) this.#behind = event;
      return false;
    }
    const last = this.#events[this.#events.length - 1];
    if (last !== undefined && last.ts > event.ts) this.#isSorted = false;
    this.#events.push(event);
    return true;
  }

  tellGap(
    { gapId, cause, from, to, state }: Omit<ToldGap, "to"> & { readonly to: Micros | null; readonly state: string },
    offset: Offset,
  ) {
    const known = this.#gaps.get(gapId);
    if (known !== undefined && to === null) return;
    // A hole in the ids is told behind the event that shows it, in the same record.
    const isBehind = known === undefined && to !== null && offset === this.#lastOffset;
    const gap: ReadGap = {
      ...{ gapId, cause, from, to: to ?? 0, isFilled: state === "filled", isOver: to !== null },
      fromTs: isBehind ? this.#priorTs : known === undefined ? this.#lastTs : known.fromTs,
      toTs: isBehind ? this.#lastTs : known?.toTs ?? null,
    };
    this.#gaps.set(gapId, gap);
    if (gap.isOver && gap.toTs === null) this.#ended.push(gap);
  }

  #sorted(): readonly KnownEvent[] {
    if (!this.#isSorted) this.#events.sort((a, b) => a.ts - b.ts);
    this.#isSorted = true;
    return this.#events;
  }

  /** Returns the index of the first event at or after a time. */
  #placeOf(ts: Micros): number {
    const events = this.#sorted();
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (events[middle].ts < ts) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Returns how many events are known from `from` on, before `to`. */
  countOf(from: Micros, to: Micros): number {
    return this.#placeOf(to) - this.#placeOf(from);
  }

  /** Returns the ids of the events from `from` on, before `to`. */
  idsOf(from: Micros, to: Micros): readonly string[] {
    return this.#sorted().slice(this.#placeOf(from), this.#placeOf(to)).map(({ id }) => id);
  }

  /** Returns the nearest event before a time of the range; null if none is known. */
  before(ts: Micros): KnownEvent | null {
    const at = this.#placeOf(ts);
    return at > 0 ? this.#events[at - 1] : this.#before;
  }

  /** Returns the nearest event at or after a time; null if none is known. */
  behind(ts: Micros): KnownEvent | null {
    const at = this.#placeOf(ts);
    return at < this.#events.length ? this.#events[at] : this.#behind;
  }

  /** Returns the closed gaps that are not filled. */
  get gaps(): readonly KnownGap[] {
    return [...this.#gaps.values()].flatMap(({ isFilled, isOver, fromTs, toTs, ...gap }) =>
      isOver && !isFilled && fromTs !== null && toTs !== null ? [{ ...gap, fromTs, toTs }] : []
    );
  }
}

/**
 * What a journal holds of some streams: the events by which fetched ones are recognised, and the gaps that they may
 * fill. Adds what is fetched meanwhile.
 */
export class KnownHistory {
  readonly #range: KnownRange;
  readonly #streams = new Map<string, KnownStream>();
  #size = 0;

  constructor(range: KnownRange) {
    this.#range = range;
  }

  /** Returns what is known of a stream. */
  of(symbol: string): KnownStream {
    let stream = this.#streams.get(symbol);
    if (stream === undefined) this.#streams.set(symbol, stream = new KnownStream());
    return stream;
  }

  /** Adds an event of any stream. Throws a `Failure` if there are too many in the range. */
  add(batch: EventBatch, event: number): void {
    const { exchange, channel, symbols } = this.#range;
    if (batch.exchanges[event] !== exchange || !symbols.has(batch.symbols[event])) return;
    const kind = batch.kindAt(event);
    const stream = this.of(batch.symbols[event]);
    if (kind === "gap") {
      const { event: gap } = batch.envelope(event);
      if (gap.kind !== "gap" || gap.stream !== channel) return;
      const { gap_id: gapId, cause, from_ts: from, to_ts: to, state } = gap;
      return stream.tellGap({ gapId, cause, from, to, state }, batch.offsets.values[event]);
    }
    if (EVENT_SPECS[kind].channel !== channel) return;
    const mark = markOf(batch, event);
    if (mark === null || mark.id === null) return;
    const liveOffset = batch.isBackfilled(event) ? null : batch.offsets.values[event];
    if (!stream.add({ id: mark.id, ts: mark.ts }, this.#range, liveOffset)) return;
    if (++this.#size <= HISTORY_KNOWN_MAX) return;
    throw new Failure(
      "busy",
      `Cannot fetch history: the journal has more than ${HISTORY_KNOWN_MAX} events of this range; ask for a shorter one, ` +
        "or for fewer symbols",
      { retry: false },
    );
  }
}

/** Progress of work. */
export interface Done {
  readonly done: number;
  readonly total: number;
}

/** Reads what a journal holds of a range. Rejects with a `Failure` if it cannot be read, or holds too much of it. */
export async function readKnownHistory(
  range: KnownRange,
  { journal, files, dir, pipeline, signal, onProgress }: {
    readonly journal: Journal;
    readonly files: Files;
    readonly dir: string;
    /** A new pipeline, for this reader alone. */
    readonly pipeline: Pipeline;
    readonly signal: AbortSignal;
    readonly onProgress: (done: Done) => void;
  },
): Promise<KnownHistory> {
  const known = new KnownHistory(range);
  const segments = await listJournal(files, dir);
  const begun = segments.findLast(({ createdAt }) => createdAt !== null && createdAt <= range.from - SKEW_US);
  const from = Math.max(begun?.firstOffset ?? journal.oldest, journal.oldest);
  const total = journal.synced - from;
  const reader = new CatchUp({ journal, pipeline, from, signal });
  try {
    for (let next = from; !signal.aborted;) {
      const taken = await reader.readBatch(next, () => 0);
      if (taken === null) break;
      taken.rows.each((batch, event) => known.add(batch, event));
      next = taken.next;
      onProgress({ done: next - from, total });
    }
  } finally {
    await reader.close();
  }
  return known;
}
