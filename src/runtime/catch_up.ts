import type { Journal, JournalEntry } from "../journal/mod.ts";
import { EventBatch, EventRows, type Offset, SINK_BATCH_BYTES_MAX, SINK_BATCH_EVENTS_MAX } from "../model/mod.ts";
import { deriveRecord, type Pipeline } from "../derive/mod.ts";

/** Events derived from the journal, and the offset to go on from. */
export interface DerivedEvents {
  readonly rows: EventRows;
  readonly next: Offset;
}

export interface CatchUpOptions {
  readonly journal: Journal;
  /** A new pipeline, without any state. */
  readonly pipeline: Pipeline;
  /** The first offset whose events are wanted. */
  readonly from: Offset;
  readonly signal: AbortSignal;
}

/**
 * Derives events again from the journal, beginning at the checkpoint of the segment that holds `from`: the checkpoint
 * gives the pipeline its state. A sink that falls behind again goes on with the same object, which reads no record
 * twice.
 */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #chunks: AsyncIterator<readonly JournalEntry[]> | null = null;
  /** The chunk being read, and the index of its next record. */
  #chunk: readonly JournalEntry[] = [];
  #at = 0;
  /** Offset after the last record that was processed; null before the first. */
  #next: Offset | null = null;
  /** Whether the checkpoint before `from` could not be read. */
  #isFromOldest = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Whether going on from here costs less than beginning at the checkpoint before `from`. */
  isCloserTo(from: Offset): boolean {
    const next = this.#next ?? this.#options.from;
    return next <= from && this.#options.journal.segmentStart(from) <= next;
  }

  /**
   * Returns the events at or past `from`, as many as a sink takes at once; ends early after a record at or past
   * `enough()`. Null at the end of the synced records. `from` never goes back.
   */
  async readBatch(from: Offset, enough: () => Offset): Promise<DerivedEvents | null> {
    const events = new EventBatch();
    let bytes = 0;
    let next = from;
    do {
      for (; this.#at < this.#chunk.length; this.#at++) {
        if (events.length >= SINK_BATCH_EVENTS_MAX || bytes >= SINK_BATCH_BYTES_MAX) {
          return { rows: EventRows.of(events), next };
        }
        const { offset, derived, isRefused } = this.#process(this.#chunk[this.#at]);
        if (isRefused) {
          await this.#beginAgain();
          break;
        }
        if (offset < from) continue;
        for (let event = 0; event < derived.length; event++) {
          events.copy(derived, event);
          bytes += derived.weigh(event);
        }
        next = this.#next ?? offset + 1;
      }
      if (next > from && next >= enough()) break;
    } while (await this.#readOn());
    return next > from ? { rows: EventRows.of(events), next } : null;
  }

  /** Closes the journal's files. */
  async close(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = null;
    this.#chunk = [];
    this.#at = 0;
    await chunks?.return?.();
  }

  #process({ offset, record }: JournalEntry): {
    readonly offset: Offset;
    readonly derived: EventBatch;
    readonly isRefused: boolean;
  } {
    const { events: derived, refusedCheckpoint } = deriveRecord(this.#options.pipeline, offset, record);
    // A `dropped` record stands for all lost records before its end.
    const end = record.kind === "dropped" ? record.toOffset : null;
    this.#next = Math.max(offset + 1, end ?? 0);
    return { offset, derived, isRefused: refusedCheckpoint !== null && !this.#isFromOldest };
  }

  /** Starts over at the journal's oldest record, because the checkpoint cannot be read. */
  async #beginAgain(): Promise<void> {
    await this.close();
    this.#isFromOldest = true;
    this.#next = null;
    this.#options.pipeline.restart();
  }

  /** Reads the next chunk. False at the end of the synced records; a later call reads on from there. */
  async #readOn(): Promise<boolean> {
    const { journal, from, signal } = this.#options;
    this.#chunks ??= journal.read(this.#next ?? (this.#isFromOldest ? journal.oldest : from), {
      exact: this.#next !== null,
      signal,
    })[Symbol.asyncIterator]();
    const { done, value } = await this.#chunks.next();
    this.#chunk = done === true ? [] : value;
    this.#at = 0;
    if (done === true) this.#chunks = null;
    return done !== true;
  }
}
