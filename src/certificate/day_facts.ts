import {
  CERTIFICATE_GAPS_MAX,
  type Channel,
  type EventKind,
  eventSpec,
  type GapCause,
  type Micros,
} from "../model/mod.ts";
import type { CertifiedGap, EventCount, GapFate } from "./certificate.ts";

/** A gap event of a file. */
export interface GapFact {
  readonly gap_id: string;
  readonly channel: Channel | null;
  readonly symbol: string;
  readonly state: "opened" | "closed" | "filled";
  readonly cause: GapCause;
  readonly from_ts: Micros | null;
  readonly to_ts: Micros | null;
  readonly detail: string;
  readonly action: string;
  /** Offset and index of the event; the latest event of a gap counts. */
  readonly order: readonly [offset: number, index: number];
}

/** Live events of a stream from one journal. */
interface Evidence {
  first: Micros;
  last: Micros;
}

interface MutableCount {
  events: number | null;
  rows: number;
  backfilled: number;
}

/** Facts of one stream in the files of a day. */
export class StreamFacts {
  readonly channel: Channel | "raw";
  readonly symbol: string;
  readonly counts = new Map<EventKind, MutableCount>();
  /** By journal; under null for files with events of several journals. */
  readonly evidence = new Map<string | null, Evidence>();

  constructor(channel: Channel | "raw", symbol: string) {
    this.channel = channel;
    this.symbol = symbol;
  }

  /** Counts a row. `isNew`: whether it begins an event; null if unknown. */
  count(kind: EventKind, isNew: boolean | null, backfilled: boolean): void {
    let count = this.counts.get(kind);
    if (count === undefined) {
      this.counts.set(kind, count = { events: isNew === null ? null : 0, rows: 0, backfilled: 0 });
    }
    count.rows++;
    if (isNew === null) count.events = null;
    else if (isNew && count.events !== null) count.events++;
    if (isNew !== false && backfilled) count.backfilled++;
  }

  /** Notes a live event. */
  saw(receivedTs: Micros, journal: string | null): void {
    const known = this.evidence.get(journal);
    if (known === undefined) this.evidence.set(journal, { first: receivedTs, last: receivedTs });
    else if (receivedTs > known.last) known.last = receivedTs;
    else if (receivedTs < known.first) known.first = receivedTs;
  }

  /** Returns the counts for a certificate. */
  get counted(): Readonly<Record<string, EventCount>> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => a < b ? -1 : 1));
  }
}

/** Facts of one exchange in the files of a day. */
export class ExchangeFacts {
  readonly #streams = new Map<string, StreamFacts>();
  readonly #gaps = new Map<string, GapFact>();
  readonly journals = new Set<string>();
  /** Whether there were more gaps than are kept; then nothing is covered. */
  hasTooManyGaps = false;

  /** Returns the stream of a kind and symbol. */
  stream(kind: EventKind, symbol: string): StreamFacts {
    return this.streamOf(channelOf(kind), symbol);
  }

  streamOf(channel: Channel | "raw", symbol: string): StreamFacts {
    const key = `${channel} ${symbol}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) this.#streams.set(key, stream = new StreamFacts(channel, symbol));
    return stream;
  }

  has(channel: Channel | "raw", symbol: string): boolean {
    return this.#streams.has(`${channel} ${symbol}`);
  }

  gap(gap: GapFact): void {
    const known = this.#gaps.get(gap.gap_id);
    if (known !== undefined && isBefore(gap.order, known.order)) return;
    if (known === undefined && this.#gaps.size >= CERTIFICATE_GAPS_MAX) {
      this.hasTooManyGaps = true;
      return;
    }
    this.#gaps.set(gap.gap_id, gap);
  }

  eachGap(take: (gap: GapFact) => void): void {
    for (const gap of this.#gaps.values()) take(gap);
  }

  knowsGap(id: string): boolean {
    return this.#gaps.has(id);
  }

  get streams(): readonly StreamFacts[] {
    return [...this.#streams.values()];
  }

  get gaps(): readonly CertifiedGap[] {
    return [...this.#gaps.values()].map(({ state: _state, order: _order, ...gap }) => ({
      ...gap,
      fate: fateOf({ state: _state, action: gap.action }),
    }));
  }
}

function isBefore(a: GapFact["order"], b: GapFact["order"]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

function fateOf({ state, action }: Pick<GapFact, "state" | "action">): GapFate {
  if (state === "opened") return "open";
  if (state === "filled") return "filled";
  if (action === "filled in part") return "filled_in_part";
  return action === "not filled" ? "not_filled" : "closed";
}

/** Returns the channel of a kind. */
export function channelOf(kind: EventKind): Channel | "raw" {
  return kind === "book_top" ? "book" : eventSpec(kind).channel ?? "raw";
}

/** Facts of all files of a day, by exchange. */
export class DayFacts {
  readonly #exchanges = new Map<string, ExchangeFacts>();

  of(exchange: string): ExchangeFacts {
    let facts = this.#exchanges.get(exchange);
    if (facts === undefined) this.#exchanges.set(exchange, facts = new ExchangeFacts());
    return facts;
  }

  get exchanges(): readonly string[] {
    return [...this.#exchanges.keys()];
  }
}
