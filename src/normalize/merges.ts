import { type MarketEvent, SESSION_STREAMS_MAX } from "../model/mod.ts";

/** Merged state of each stream, by rule and symbol, as plain JSON. */
export type MergeEntries = readonly (readonly [string, Known])[];

/** Last known value of each field of an event. */
type Known = Readonly<Record<string, string | number | boolean>>;

/** How a row takes part in a state that several rules share. */
export interface SharedState {
  /** Fields that the row owns: one that the row lacks is missing, not filled. */
  readonly owns: ReadonlySet<string>;
  /** A second stream, whose state fills fields too; null if there is none. */
  readonly also: string | null;
  readonly emit: "always" | "changed" | "never";
}

/**
 * Merges partial rows into full rows, per stream. Bounded: past SESSION_STREAMS_MAX streams the oldest is evicted, and
 * its next rows are not filled.
 */
export class Merges {
  readonly #known = new Map<string, Known>();

  /** Whether there is a state for a stream. */
  knows(stream: string): boolean {
    return this.#known.has(stream);
  }

  /** Clears the state of a stream, because its snapshot follows. */
  reset(stream: string): void {
    this.#put(stream, {});
  }

  /**
   * Returns the event with missing fields filled from the state, and stores its own fields there. Null if it has no
   * fields of its own. With a shared state, missing fields that the row owns are cleared instead of filled, other
   * fields come from the second stream first, and with `emit` "changed" an event that changes nothing gives null.
   */
  fill(stream: string, event: MarketEvent, shared: SharedState | null = null): MarketEvent | null {
    const before = this.#known.get(stream);
    const also = shared === null || shared.also === null ? undefined : this.#known.get(shared.also);
    const known: Record<string, string | number | boolean> = { ...before };
    const full: Record<string, unknown> = {};
    let isNews = false;
    let isChange = false;
    for (const [name, value] of Object.entries(event)) {
      const isWhole = shared !== null && shared.owns.has(name);
      const filled = value ?? (isWhole ? null : also?.[name] ?? before?.[name] ?? null);
      full[name] = filled;
      if (name === "kind") continue;
      if (value !== null) isNews = true;
      if (filled !== (before?.[name] ?? null)) isChange = true;
      if (filled === null) delete known[name];
      else known[name] = filled;
    }
    if (!isNews) return null;
    this.#put(stream, known);
    return shared?.emit === "changed" && !isChange ? null : full as unknown as MarketEvent;
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
