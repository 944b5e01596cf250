import { SESSION_LEVEL_IDS_MAX } from "../model/mod.ts";

/** Prices by native symbol, and by side and id, as plain JSON. */
export type LevelIdEntries = readonly (readonly [string, readonly (readonly [string, string])[]])[];

/**
 * Prices of levels by id, for exchanges that send only the id when a level changes. A snapshot replaces the levels of
 * its book; removing a level removes its price. Bounded: past SESSION_LEVEL_IDS_MAX no further level is remembered.
 */
export class LevelIds {
  /** Native symbol → side and id → price. */
  readonly #books = new Map<string, Map<string, string>>();
  #size = 0;

  /** Removes the levels of a book, because a snapshot begins. */
  reset(native: string): void {
    this.#size -= this.#books.get(native)?.size ?? 0;
    this.#books.set(native, new Map());
  }

  /** Whether a snapshot of the book was seen. */
  hasSnapshot(native: string): boolean {
    return this.#books.has(native);
  }

  /** Returns the price of a level; null if it is unknown. */
  find(native: string, level: string): string | null {
    return this.#books.get(native)?.get(level) ?? null;
  }

  /** Remembers the price of a level of a book whose snapshot was seen. */
  remember(native: string, level: { readonly key: string; readonly price: string }): void {
    const levels = this.#books.get(native);
    if (levels === undefined) return;
    if (!levels.has(level.key)) {
      if (this.#size >= SESSION_LEVEL_IDS_MAX) return;
      this.#size++;
    }
    levels.set(level.key, level.price);
  }

  /** Removes a level. */
  drop(native: string, level: string): void {
    if (this.#books.get(native)?.delete(level) === true) this.#size--;
  }

  entries(): LevelIdEntries {
    return [...this.#books].map(([native, levels]) => [native, [...levels]] as const);
  }

  restore(entries: LevelIdEntries): void {
    for (const [native, levels] of entries) {
      this.#books.set(native, new Map(levels));
      this.#size += levels.length;
    }
  }
}
