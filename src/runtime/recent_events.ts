import { type Envelope, type Offset, TAIL_BYTES_MAX } from "../model/mod.ts";
import { weighEvent } from "../derive/mod.ts";

/** `wait`: sockets are paused for a moment when the reader is about to lose events. `drop`: it loses them. */
export type ReaderPolicy = "wait" | "drop";

/** A reader's place among the recent events. */
export interface RecentReader {
  /** The reader has had, from here or from the journal, everything before `next`. */
  advance(next: Offset): void;
  /** The reader takes no more. */
  leave(): void;
}

interface ReaderPlace {
  readonly policy: ReaderPolicy;
  next: Offset;
  /** Whether sockets wait for it when it is about to fall behind. */
  isWaitedFor: boolean;
}

/**
 * Holds the latest events in memory, in journal order, for readers that follow closely. Events that every reader has had
 * are released. At the limit the oldest are evicted, and a reader that has not had them reads the journal instead. All
 * events of records at or past `start` are here.
 */
export class RecentEvents {
  readonly #bytesMax: number;
  readonly #readers = new Set<ReaderPlace>();
  #events: Envelope[] = [];
  /** Events before this index have left. */
  #head = 0;
  #bytes = 0;
  #start: Offset;
  #end: Offset;
  #onAdvanced: () => void = () => {};

  /** `bytesMax` bounds the estimated memory of the events. */
  constructor(start: Offset, bytesMax = TAIL_BYTES_MAX) {
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
    return this.#events.length - this.#head;
  }

  /** Estimated memory of the events that are here. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Whether a reader that sockets wait for is about to lose events from here: the room is three quarters full, and the
   * reader has most of that before it.
   */
  get isCrowded(): boolean {
    if (this.#bytes < this.#bytesMax * 0.75) return false;
    const early = this.#events[this.#head + (this.size >> 2)].offset;
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
    const early = this.#events[this.#head + (this.size >> 2)].offset;
    for (const reader of this.#readers) if (this.#isPressed(reader, early)) reader.isWaitedFor = false;
  }

  /** Adds the events of the record at `offset`; offsets only grow. */
  push(offset: Offset, envelopes: readonly Envelope[]): void {
    this.#end = offset + 1;
    for (const envelope of envelopes) {
      this.#bytes += weighEvent(envelope.event);
      this.#events.push(envelope);
    }
    if (this.#bytes > this.#bytesMax) this.#evict();
  }

  /**
   * Returns events at or past `from` and before `to`, at most about `count`: a record's events stay together. `next` is
   * the offset to go on from. Null where events at `from` have been evicted.
   */
  readBatch(
    from: Offset,
    to: Offset,
    count: number,
  ): { readonly events: readonly Envelope[]; readonly next: Offset } | null {
    if (from < this.#start) return null;
    // Offsets that were never pushed are the journal's own checkpoints: they hold no events.
    const limit = Math.max(to, from);
    const first = this.#lowerBound(from);
    const past = this.#lowerBound(limit);
    if (past - first <= count) return { events: this.#events.slice(first, past), next: limit };
    let last = first + count;
    const offset = this.#events[last - 1].offset;
    while (last < past && this.#events[last].offset === offset) last++;
    return { events: this.#events.slice(first, last), next: last === past ? limit : offset + 1 };
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
      this.#release(this.#lowerBound(had));
    }
    this.#onAdvanced();
  }

  /** Evicts the oldest events until a quarter of the limit is free. Never splits a record. */
  #evict(): void {
    let head = this.#head;
    let left = this.#bytes;
    for (; head < this.#events.length - 1 && left > this.#bytesMax * 0.75; head++) {
      left -= weighEvent(this.#events[head].event);
    }
    const offset = this.#events[Math.max(this.#head, head - 1)].offset;
    while (head < this.#events.length && this.#events[head].offset === offset) head++;
    this.#start = offset + 1;
    this.#release(head);
  }

  /** Releases the events before an index; the array is cut once most of it is released. */
  #release(head: number): void {
    for (let at = this.#head; at < head; at++) this.#bytes -= weighEvent(this.#events[at].event);
    this.#head = head;
    if (head * 2 < this.#events.length) return;
    this.#events = this.#events.slice(head);
    this.#head = 0;
  }

  #lowerBound(offset: Offset): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle].offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
