import { type Envelope, type Offset, TAIL_EVENTS_MAX } from "../model/mod.ts";

/**
 * The latest events in memory, in journal order, for sinks that follow closely. Bounded: the oldest leave first, and a
 * sink that has not had them reads the journal instead. All events of records at or past `start` are here.
 */
export class Tail {
  readonly #eventsMax: number;
  #events: Envelope[] = [];
  /** Events before this index have left. */
  #head = 0;
  #start: Offset;
  #end: Offset;

  constructor(start: Offset, eventsMax = TAIL_EVENTS_MAX) {
    this.#start = start;
    this.#end = start;
    this.#eventsMax = eventsMax;
  }

  /** The first offset from which on the tail is complete. */
  get start(): Offset {
    return this.#start;
  }

  /** The offset after the last record that was added. */
  get end(): Offset {
    return this.#end;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Adds the events of the record at `offset`; offsets only grow. */
  push(offset: Offset, envelopes: readonly Envelope[]): void {
    this.#end = offset + 1;
    for (const envelope of envelopes) this.#events.push(envelope);
    if (this.size > this.#eventsMax) this.#drop();
  }

  /**
   * Events at or past `from` and before `to`, at most about `count`: a record's events stay together. Returns the offset
   * to go on from, or null where `from` lies before the tail.
   */
  take(
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

  /** Lets a quarter go, up to the end of a record. */
  #drop(): void {
    let head = this.#head + Math.ceil(this.#eventsMax / 4);
    const offset = this.#events[head - 1].offset;
    while (head < this.#events.length && this.#events[head].offset === offset) head++;
    this.#start = offset + 1;
    this.#head = head;
    if (this.#head > this.#eventsMax) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
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
