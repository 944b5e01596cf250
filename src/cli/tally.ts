import { type Envelope, type EventKind, EXAMPLE_CHARS_MAX, type JournalRecord } from "../model/mod.ts";
import type { PipelineResult } from "../derive/mod.ts";

/** Something that occurred a number of times, with the first example of it. */
export interface Tallied {
  readonly count: number;
  readonly example: string;
}

/** What a run of the pipeline came to; plain values, ready to be written as JSON. */
export interface TallySummary {
  readonly frames: number;
  readonly http: number;
  readonly bytes: number;
  /** Every frame is in exactly one of these. */
  readonly accounted: {
    readonly matched: number;
    readonly control: number;
    readonly unmatched: number;
    readonly undecodable: number;
    readonly orphaned: number;
  };
  /** How many of the matched gave no event because of their faults. */
  readonly faulty: number;
  readonly events: Readonly<Partial<Record<EventKind, number>>>;
  readonly rules: Readonly<Record<string, number>>;
  readonly control: Readonly<Record<string, number>>;
  /** Frames that no rule matched, by the shape of their beginning. */
  readonly unmatched: Readonly<Record<string, Tallied>>;
  readonly faults: Readonly<Record<string, Tallied>>;
  readonly gaps: Readonly<Record<string, number>>;
  readonly duplicates: number;
  /**
   * Book updates that were read but not told: older than the snapshot they wait for, merged into it, or held back while
   * the book was broken.
   */
  readonly withheld: { readonly book_snapshot: number; readonly book_delta: number };
  readonly symbols: readonly string[];
  readonly unmapped: readonly string[];
}

/** Most different entries that a tally keeps apart; further ones are counted together as `other`. */
const ENTRIES_MAX = 200;

/** Counts what the pipeline makes of records. */
export class Tally {
  #frames = 0;
  #http = 0;
  #bytes = 0;
  #duplicates = 0;
  #faulty = 0;
  readonly #withheld = { book_snapshot: 0, book_delta: 0 };
  readonly #accounted = { matched: 0, control: 0, unmatched: 0, undecodable: 0, orphaned: 0 };
  readonly #events = new Map<EventKind, number>();
  readonly #rules = new Map<string, number>();
  readonly #control = new Map<string, number>();
  readonly #unmatched = new Map<string, { count: number; example: string }>();
  readonly #faults = new Map<string, { count: number; example: string }>();
  readonly #gaps = new Map<string, number>();
  readonly #symbols = new Set<string>();
  readonly #unmapped = new Set<string>();

  get frames(): number {
    return this.#frames;
  }

  /** Events of a kind so far. */
  eventsOf(kind: EventKind): number {
    return this.#events.get(kind) ?? 0;
  }

  /** Counts one record and what became of it. */
  add(record: JournalRecord, result: PipelineResult): void {
    if (record.kind === "frame") {
      this.#frames++;
      this.#bytes += record.payload.length;
      this.#account(result, record.payload);
    } else if (record.kind === "http") this.#http++;
    this.addEvents(result.envelopes);
    this.#duplicates += result.duplicates;
    this.#withheld.book_snapshot += result.withheld.book_snapshot;
    this.#withheld.book_delta += result.withheld.book_delta;
    for (const native of result.unmapped) if (this.#unmapped.size < ENTRIES_MAX) this.#unmapped.add(native);
    for (const fault of result.faults) {
      if (fault.code !== "unmatched") exemplify(this.#faults, `${fault.code} ${fault.where}`, fault.example);
    }
  }

  /** Counts events that follow from no record, as those at the end. */
  addEvents(envelopes: readonly Envelope[]): void {
    for (const { event, symbol } of envelopes) {
      this.#events.set(event.kind, (this.#events.get(event.kind) ?? 0) + 1);
      if (event.kind === "gap") count(this.#gaps, event.cause);
      else if (this.#symbols.size < ENTRIES_MAX) this.#symbols.add(symbol);
    }
  }

  summary(): TallySummary {
    return {
      frames: this.#frames,
      http: this.#http,
      bytes: this.#bytes,
      accounted: { ...this.#accounted },
      faulty: this.#faulty,
      events: Object.fromEntries(this.#events),
      rules: Object.fromEntries(this.#rules),
      control: Object.fromEntries(this.#control),
      unmatched: Object.fromEntries(this.#unmatched),
      faults: Object.fromEntries(this.#faults),
      gaps: Object.fromEntries(this.#gaps),
      duplicates: this.#duplicates,
      withheld: { ...this.#withheld },
      symbols: [...this.#symbols].sort(),
      unmapped: [...this.#unmapped].sort(),
    };
  }

  #account(result: PipelineResult, payload: Uint8Array): void {
    if (result.signal !== null && result.rule !== null) {
      this.#accounted.control++;
      count(this.#control, result.rule);
    } else if (result.rule !== null) {
      this.#accounted.matched++;
      if (result.faults.length > 0 && !result.envelopes.some(({ event }) => event.kind !== "gap")) this.#faulty++;
      count(this.#rules, result.rule);
    } else if (result.faults.some((fault) => fault.code === "undecodable" || fault.code === "not_json")) {
      this.#accounted.undecodable++;
    } else if (result.faults.length > 0) {
      this.#accounted.unmatched++;
      const example = new TextDecoder().decode(payload.subarray(0, EXAMPLE_CHARS_MAX));
      exemplify(this.#unmatched, shapeOf(example), example);
    } else this.#accounted.orphaned++;
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function exemplify(entries: Map<string, { count: number; example: string }>, key: string, example: string): void {
  const name = entries.has(key) || entries.size < ENTRIES_MAX ? key : "other";
  const entry = entries.get(name);
  if (entry === undefined) entries.set(name, { count: 1, example });
  else entry.count++;
}

/** The beginning of a frame with its values left out, so that frames of one kind fall together. */
function shapeOf(text: string): string {
  return text.slice(0, 120).replace(/:\s*"[^"]*"?/g, ":…").replace(/-?\d+(?:\.\d+)?/g, "#").slice(0, 80);
}
