import {
  EventBatch,
  EventRows,
  type Offset,
  RECENT_BATCH_BYTES,
  RECENT_BATCH_EVENTS,
  RECENT_BYTES_MAX,
  RECENT_SPARE_BATCHES_MAX,
} from "../model/mod.ts";

/** `wait`: sockets are paused for a moment when the reader is about to lose events. `drop`: it loses them. */
export type ReaderPolicy = "wait" | "drop";

/** A reader's position in the recent events. */
export interface RecentReader {
  /** Notes that the reader has had everything before `next`, from here or from the journal. */
  advance(next: Offset): void;
  /** Removes the reader. */
  leave(): void;
}

interface ReaderPlace {
  readonly policy: ReaderPolicy;
  next: Offset;
  /** Whether sockets are paused when it is about to fall behind. */
  isWaitedFor: boolean;
}

/** A batch among the recent events. */
interface Held {
  readonly batch: EventBatch;
  /** Number of its first event; events are numbered in the order of their arrival. */
  readonly first: number;
  /** Estimated memory of its events. */
  bytes: number;
}

/**
 * Holds the latest events in memory, in journal order, for readers that keep up. Releases events that every reader has
 * had. At the limit it evicts the oldest; a reader that has not had those reads the journal instead. Holds all events
 * of records at or past `start`. Numbers events in the order of their arrival.
 */
export class RecentEvents {
  readonly #bytesMax: number;
  readonly #readers = new Set<ReaderPlace>();
  #held: Held[] = [];
  /** Number of the oldest event held, and of the next one to come. */
  #head = 0;
  #next = 0;
  #bytes = 0;
  #start: Offset;
  #end: Offset;
  #onAdvanced: () => void = () => {};
  /** Released batches, to be reused. */
  readonly #spare: EventBatch[] = [];

  /** `bytesMax` bounds the estimated memory of the events. */
  constructor(start: Offset, bytesMax = RECENT_BYTES_MAX) {
    this.#start = start;
    this.#end = start;
    this.#bytesMax = bytesMax;
  }

  /** The first offset from which on events are complete. */
  get start(): Offset {
    return this.#start;
  }

  /** The offset after the last record that was added. */
  get end(): Offset {
    return this.#end;
  }

  /** How many events are here. */
  get size(): number {
    return this.#next - this.#head;
  }

  /** Estimated memory of the events that are here. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Whether a reader that sockets wait for is about to lose events: three quarters of the limit are used, and the
   * reader has not had most of that.
   */
  get isCrowded(): boolean {
    if (this.#bytes < this.#bytesMax * 0.75) return false;
    const early = this.#offsetAt(this.#head + (this.size >> 2));
    for (const reader of this.#readers) if (this.#isPressed(reader, early)) return true;
    return false;
  }

  /** Adds a reader that has had everything before `next`. */
  join(next: Offset, policy: ReaderPolicy): RecentReader {
    const reader: ReaderPlace = { policy, next, isWaitedFor: policy === "wait" };
    this.#readers.add(reader);
    return {
      advance: (to) => this.#advance(reader, to),
      leave: () => {
        this.#readers.delete(reader);
        this.#onAdvanced();
      },
    };
  }

  /** Calls back whenever a reader has advanced or left; one caller. */
  whenAdvanced(call: () => void): void {
    this.#onAdvanced = call;
  }

  /** Stops waiting for readers that are about to lose events, until they have fallen behind and caught up again. */
  stopWaiting(): void {
    if (this.size === 0) return;
    const early = this.#offsetAt(this.#head + (this.size >> 2));
    for (const reader of this.#readers) if (this.#isPressed(reader, early)) reader.isWaitedFor = false;
  }

  /** Adds copies of the events of the record at `offset`; offsets only grow. */
  push(offset: Offset, events: EventBatch): void {
    this.#end = offset + 1;
    for (let event = 0; event < events.length; event++) {
      const held = this.#writableBatch();
      held.batch.copy(events, event);
      const bytes = events.weigh(event);
      held.bytes += bytes;
      this.#bytes += bytes;
      this.#next++;
    }
    if (this.#bytes > this.#bytesMax) this.#evict();
  }

  /**
   * Returns events at or past `from` and before `to`, at most about `count`: a record's events stay together. `next` is
   * the offset to go on from. Null if events at `from` have been evicted. The rows are valid until their events are
   * released.
   */
  readBatch(from: Offset, to: Offset, count: number): { readonly rows: EventRows; readonly next: Offset } | null {
    if (from < this.#start) return null;
    // Offsets that were never pushed are the journal's own checkpoints: they hold no events.
    const limit = Math.max(to, from);
    const first = this.#lowerBound(from);
    const past = this.#lowerBound(limit);
    if (past - first <= count) return { rows: this.#rows(first, past), next: limit };
    let last = first + count;
    const offset = this.#offsetAt(last - 1);
    while (last < past && this.#offsetAt(last) === offset) last++;
    return { rows: this.#rows(first, last), next: last === past ? limit : offset + 1 };
  }

  /** Returns the batch for the next event; begins a new one if the last is full. */
  #writableBatch(): Held {
    const last = this.#held.at(-1);
    if (last !== undefined && last.batch.length < RECENT_BATCH_EVENTS && last.bytes < RECENT_BATCH_BYTES) return last;
    const held = { batch: this.#spare.pop() ?? new EventBatch(), first: this.#next, bytes: 0 };
    this.#held.push(held);
    return held;
  }

  #rows(first: number, past: number): EventRows {
    const rows = new EventRows();
    if (first >= past) return rows;
    for (let at = this.#heldAt(first); at < this.#held.length && this.#held[at].first < past; at++) {
      const { batch, first: begin } = this.#held[at];
      rows.add(batch, Math.max(0, first - begin), Math.min(batch.length, past - begin));
    }
    return rows;
  }

  /** Returns the index of the batch that holds an event. */
  #heldAt(number: number): number {
    const held = this.#held;
    let low = 0;
    let high = held.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (held[middle].first <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #offsetAt(number: number): Offset {
    const { batch, first } = this.#held[this.#heldAt(number)];
    return batch.offsets.values[number - first];
  }

  #isPressed(reader: ReaderPlace, early: Offset): boolean {
    return reader.isWaitedFor && reader.next >= this.#start && reader.next <= early;
  }

  #advance(reader: ReaderPlace, next: Offset): void {
    if (reader.next < this.#start && next >= this.#start) reader.isWaitedFor = reader.policy === "wait";
    reader.next = next;
    let had = next;
    for (const other of this.#readers) had = Math.min(had, other.next);
    if (had > this.#start) {
      this.#start = Math.min(had, this.#end);
      for (const batch of this.#release(this.#lowerBound(had))) this.#recycle(batch);
    }
    this.#onAdvanced();
  }

  /** Evicts the oldest events until a quarter of the limit is free. Never splits a record. */
  #evict(): void {
    let head = this.#head;
    let left = this.#bytes;
    for (; head < this.#next - 1 && left > this.#bytesMax * 0.75; head++) left -= this.#weigh(head);
    const offset = this.#offsetAt(Math.max(this.#head, head - 1));
    while (head < this.#next && this.#offsetAt(head) === offset) head++;
    this.#start = offset + 1;
    this.#release(head);
  }

  #weigh(number: number): number {
    const { batch, first } = this.#held[this.#heldAt(number)];
    return batch.weigh(number - first);
  }

  /** Keeps a released batch for reuse. */
  #recycle(batch: EventBatch): void {
    if (this.#spare.length >= RECENT_SPARE_BATCHES_MAX) return;
    batch.clear();
    this.#spare.push(batch);
  }

  /** Releases the events before `head`. Returns the batches of which no event is left. */
  #release(head: number): readonly EventBatch[] {
    for (let number = this.#head; number < head; number++) this.#bytes -= this.#weigh(number);
    this.#head = head;
    let gone = 0;
    while (gone < this.#held.length && this.#held[gone].first + this.#held[gone].batch.length <= head) gone++;
    return this.#held.splice(0, gone).map(({ batch }) => batch);
  }

  /** Returns the number of the first event at or past an offset. */
  #lowerBound(offset: Offset): number {
    let low = this.#head;
    let high = this.#next;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsetAt(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
