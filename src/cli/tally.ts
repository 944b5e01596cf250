import {
  type EventBatch,
  type EventKind,
  EXAMPLE_CHARS_MAX,
  type JournalRecord,
  TALLY_ENTRIES_MAX,
} from "../model/mod.ts";
import type { PipelineResult } from "../derive/mod.ts";
import { frameShape } from "../evidence/mod.ts";

/** Something that occurred a number of times, with the first example of it. */
export interface Tallied {
  readonly count: number;
  readonly example: string;
}

/** An example of a gap. */
export interface GapExample {
  readonly symbol: string;
  readonly detail: string;
  /** The beginning of the frame that showed the gap; null if none did. */
  readonly frame: string | null;
}

/** Counts of a run of the pipeline; plain values, to be written as JSON. */
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
  /** Frames that no rule matched, by their shape. */
  readonly unmatched: Readonly<Record<string, Tallied>>;
  readonly faults: Readonly<Record<string, Tallied>>;
  readonly gaps: Readonly<Record<string, number>>;
  /** The first gap of each cause. */
  readonly gap_examples: Readonly<Record<string, GapExample>>;
  readonly duplicates: number;
  /**
   * Book updates that were not emitted: older than their snapshot, merged into it, or suppressed while the book was
   * broken.
   */
  readonly withheld: { readonly book_snapshot: number; readonly book_delta: number };
  readonly symbols: readonly string[];
  readonly unmapped: readonly string[];
}

/** Counts the results of the pipeline. */
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
  readonly #gapExamples = new Map<string, GapExample>();
  readonly #symbols = new Set<string>();
  readonly #unmapped = new Set<string>();

  get frames(): number {
    return this.#frames;
  }

  /** Events of a kind so far. */
  eventsOf(kind: EventKind): number {
    return this.#events.get(kind) ?? 0;
  }

  /** Counts one record and its result. */
  add(record: JournalRecord, result: PipelineResult): void {
    if (record.kind === "frame") {
      this.#frames++;
      this.#bytes += record.payload.length;
      this.#account(result, record.payload);
    } else if (record.kind === "http") this.#http++;
    this.addEvents(result.events, record.kind === "frame" ? record.payload : null);
    this.#duplicates += result.duplicates;
    this.#withheld.book_snapshot += result.withheld.book_snapshot;
    this.#withheld.book_delta += result.withheld.book_delta;
    for (const native of result.unmapped) if (this.#unmapped.size < TALLY_ENTRIES_MAX) this.#unmapped.add(native);
    for (const fault of result.faults) {
      if (fault.code !== "unmatched") exemplify(this.#faults, `${fault.code} ${fault.where}`, fault.example);
    }
  }

  /** Counts events. `frame` is the payload they come from; null if they come from none, such as those at the end. */
  addEvents(events: EventBatch, frame: Uint8Array | null = null): void {
    for (let at = 0; at < events.length; at++) {
      const kind = events.kindAt(at);
      this.#events.set(kind, (this.#events.get(kind) ?? 0) + 1);
      if (kind !== "gap") {
        if (this.#symbols.size < TALLY_ENTRIES_MAX) this.#symbols.add(events.symbols[at]);
        continue;
      }
      const { event, symbol } = events.envelope(at);
      if (event.kind !== "gap") continue;
      count(this.#gaps, event.cause);
      if (this.#gapExamples.has(event.cause)) continue;
      this.#gapExamples.set(event.cause, { symbol, detail: event.detail, frame: frame && beginningOf(frame) });
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
      gap_examples: Object.fromEntries(this.#gapExamples),
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
      exemplify(this.#unmatched, frameShape(new TextDecoder().decode(payload)), beginningOf(payload));
    } else this.#accounted.orphaned++;
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function exemplify(entries: Map<string, { count: number; example: string }>, key: string, example: string): void {
  const name = entries.has(key) || entries.size < TALLY_ENTRIES_MAX ? key : "other";
  const entry = entries.get(name);
  if (entry === undefined) entries.set(name, { count: 1, example });
  else entry.count++;
}

function beginningOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload.subarray(0, EXAMPLE_CHARS_MAX));
}
