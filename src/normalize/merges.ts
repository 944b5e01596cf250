import { type MarketEvent, SESSION_STREAMS_MAX } from "../model/mod.ts";

/** What is known of each stream, by rule and symbol, as plain JSON. */
export type MergeEntries = readonly (readonly [string, Known])[];

/** Last known value of each field of an event. */
type Known = Readonly<Record<string, string | number | boolean>>;

/**
 * Merges partial rows into full rows, per stream. Bounded: past SESSION_STREAMS_MAX streams the oldest is evicted, and
 * its next rows stand for themselves.
 */
export class Merges {
  readonly #known = new Map<string, Known>();

  /** Whether anything is known of a stream. */
  knows(stream: string): boolean {
    return this.#known.has(stream);
  }

  /** Forgets what is known of a stream: its snapshot follows. */
  reset(stream: string): void {
    this.#put(stream, {});
  }

  /**
   * Returns the event with missing fields filled from what is known, and remembers the fields that it carries. Null where
   * it carries none.
   */
  fill(stream: string, event: MarketEvent): MarketEvent | null {
    const known: Record<string, string | number | boolean> = { ...this.#known.get(stream) };
    const full: Record<string, unknown> = {};
    let isNews = false;
    for (const [name, value] of Object.entries(event)) {
      full[name] = value ?? known[name] ?? null;
      if (name === "kind" || value === null) continue;
      isNews = true;
      known[name] = value;
    }
    if (!isNews) return null;
    this.#put(stream, known);
    return full as unknown as MarketEvent;
  }

  entries(): MergeEntries {
    return [...this.#known];
  }

  restore(entries: MergeEntries): void {
    for (const [stream, known] of entries) this.#put(stream, known);
  }

  #put(stream: string, known: Known): void {
    if (!this.#known.has(stream) && this.#known.size >= SESSION_STREAMS_MAX) this.#evictOldest();
    this.#known.set(stream, known);
  }

  #evictOldest(): void {
    for (const stream of this.#known.keys()) {
      this.#known.delete(stream);
      return;
    }
  }
}
