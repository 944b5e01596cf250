import type { Envelope } from "../event.ts";
import { EventBatch } from "./event_batch.ts";

/**
 * A choice of events out of batches, in order. Copies nothing: it is good for as long as nobody clears the batches, which
 * may grow meanwhile.
 */
export class EventRows {
  readonly #batches: EventBatch[] = [];
  /** The events `[starts[i], ends[i])` of `batches[i]`. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #length = 0;

  /** All events of a batch. */
  static of(batch: EventBatch): EventRows {
    const rows = new EventRows();
    rows.add(batch, 0, batch.length);
    return rows;
  }

  /** The events of a list, put into columns. */
  static from(envelopes: readonly Envelope[]): EventRows {
    const batch = new EventBatch();
    for (const envelope of envelopes) {
      batch.append(envelope, envelope.event);
      if (envelope.backfilled === true) batch.markBackfilled(batch.length - 1);
    }
    return EventRows.of(batch);
  }

  /** How many events there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds the events `[start, end)` of a batch behind the others. */
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

  /** Calls with every event in order. */
  each(visit: (batch: EventBatch, event: number) => void): void {
    for (let i = 0; i < this.#batches.length; i++) {
      const batch = this.#batches[i];
      const end = this.#ends[i];
      for (let event = this.#starts[i]; event < end; event++) visit(batch, event);
    }
  }

  /** The events that `isWanted` holds for. */
  filter(isWanted: (batch: EventBatch, event: number) => boolean): EventRows {
    const chosen = new EventRows();
    this.each((batch, event) => {
      if (isWanted(batch, event)) chosen.add(batch, event, event + 1);
    });
    return chosen;
  }

  /** The events as objects. */
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
