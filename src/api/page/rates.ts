import { type EventBatch, type Micros, type Observation, PAGE_BUCKET_MS, PAGE_BUCKETS } from "../../model/mod.ts";

/** Recent rates of an exchange instance. */
export interface Rates {
  /** Frames in each of the last buckets, oldest first; the last one is not over. */
  readonly frames: readonly number[];
  readonly events: readonly number[];
  /**
   * Largest delay between exchange time and receive time in the last bucket with events, in ms; null if the exchange
   * gives no time.
   */
  readonly lagMs: number | null;
}

interface Counts {
  readonly frames: Uint32Array;
  readonly events: Uint32Array;
  lagMs: number | null;
  lagBucket: number;
}

/** Counts frames and events of each exchange instance in buckets of time, over the span that the page shows. */
export class RateBoard {
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, Counts>();
  #bucket = 0;

  /** `nowMs`: monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Counts frames and events. */
  observe(seen: Observation): void {
    if (seen.kind === "frame_received") this.#of(seen.exchange).frames[this.#turn() % PAGE_BUCKETS]++;
    else if (seen.kind === "events") this.#of(seen.exchange).events[this.#turn() % PAGE_BUCKETS] += seen.count;
  }

  /** Notes the delay of a record's first event. */
  noteDelay(events: EventBatch): void {
    const at: Micros | null = events.exchangeTs.get(0);
    if (at === null || Number.isNaN(at)) return;
    const counts = this.#of(events.exchanges[0]);
    const lagMs = Math.max(0, (events.receivedTs.values[0] - at) / 1000);
    const bucket = this.#turn();
    counts.lagMs = counts.lagBucket === bucket ? Math.max(counts.lagMs ?? 0, lagMs) : lagMs;
    counts.lagBucket = bucket;
  }

  /** Returns the rates of an instance. */
  ratesOf(exchange: string): Rates {
    const now = this.#turn();
    const { frames, events, lagMs } = this.#of(exchange);
    const order = Array.from({ length: PAGE_BUCKETS }, (_, at) => (now + 1 + at) % PAGE_BUCKETS);
    return { frames: order.map((at) => frames[at]), events: order.map((at) => events[at]), lagMs };
  }

  /** Returns the number of the current bucket, and clears the buckets that passed since the last call. */
  #turn(): number {
    const now = Math.floor(this.#nowMs() / PAGE_BUCKET_MS);
    if (now === this.#bucket) return now;
    const passed = Math.min(PAGE_BUCKETS, now - this.#bucket);
    for (const { frames, events } of this.#counts.values()) {
      for (let at = 0; at < passed; at++) {
        frames[(now - at) % PAGE_BUCKETS] = 0;
        events[(now - at) % PAGE_BUCKETS] = 0;
      }
    }
    this.#bucket = now;
    return now;
  }

  #of(exchange: string): Counts {
    let counts = this.#counts.get(exchange);
    if (counts === undefined) {
      const empty = () => new Uint32Array(PAGE_BUCKETS);
      this.#counts.set(exchange, counts = { frames: empty(), events: empty(), lagMs: null, lagBucket: -1 });
    }
    return counts;
  }
}
