import type { Envelope } from "../event.ts";
import { EventBatch } from "./event_batch.ts";

/**
 * References to events of several batches, in order. Copies nothing: valid until one of the batches is cleared; batches
 * may grow meanwhile.
 */
export class EventRows {
  readonly #batches: EventBatch[] = [];
  /** The events `[starts[i], ends[i])` of `batches[i]`. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #length = 0;

  /** Returns references to all events of a batch. */
  static of(batch: EventBatch): EventRows {
    const rows = new EventRows();
    rows.add(batch, 0, batch.length);
    return rows;
  }

  /** Copies a list of events into columns. */
  static from(envelopes: readonly Envelope[]): EventRows {
    const batch = new EventBatch();
    for (const envelope of envelopes) {
      batch.append(envelope, envelope.event);
      if (envelope.backfilled === true) batch.markBackfilled(batch.length - 1);
      if (envelope.seen_by !== undefined) batch.markSeenBy(batch.length - 1, envelope.seen_by);
    }
    return EventRows.of(batch);
  }

  /** How many events there are. */
  get length(): number {
    return this.#length;
  }

  /** Appends the events `[start, end)` of a batch. */
  add(batch: EventBatch, start: number, end: number): void {
    if (start >= end) return;
    this.#length += end - start;
    const last = this.#batches.length - 1;
    if (last >= 0 && this.#batches[last] === batch && this.#ends[last] === start) {
      this.#ends[last] = end;
      return;
    }
    this.#batches.push(batch);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** Calls `visit` with every event in order. */
  each(visit: (batch: EventBatch, event: number) => void): void {
    for (let i = 0; i < this.#batches.length; i++) {
      const batch = this.#batches[i];
      const end = this.#ends[i];
      for (let event = this.#starts[i]; event < end; event++) visit(batch, event);
    }
  }

  /** Returns the events for which `isWanted` holds. */
  filter(isWanted: (batch: EventBatch, event: number) => boolean): EventRows {
    const chosen = new EventRows();
    this.each((batch, event) => {
      if (isWanted(batch, event)) chosen.add(batch, event, event + 1);
    });
    return chosen;
  }

  /** Returns the events as objects. */
  envelopes(): Envelope[] {
    const envelopes: Envelope[] = [];
    this.each((batch, event) => {
      envelopes.push(batch.envelope(event));
    });
    return envelopes;
  }

  /** Estimated memory of the events, in bytes. */
  get bytes(): number {
    let bytes = 0;
    this.each((batch, event) => {
      bytes += batch.weigh(event);
    });
    return bytes;
  }
}
