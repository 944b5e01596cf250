import { SESSION_STREAMS_MAX } from "../model/mod.ts";

/** Texts by name that replace an id, such as symbol and channel. */
export type Alias = ReadonlyMap<string, string>;

/** Aliases as plain JSON. */
export type AliasEntries = readonly (readonly [string, Readonly<Record<string, string>>])[];

/**
 * Session-scoped ids, such as a channel number assigned by an ack, and their aliases. Bounded: past SESSION_STREAMS_MAX
 * ids the oldest is evicted.
 */
export class AliasTable {
  readonly #aliases = new Map<string, Alias>();

  /** Returns the alias of an id; null if it is unknown. */
  find(id: string): Alias | null {
    return this.#aliases.get(id) ?? null;
  }

  /** Sets the alias of an id; null removes it. */
  set(id: string, alias: Alias | null): void {
    this.#aliases.delete(id);
    if (alias === null) return;
    if (this.#aliases.size >= SESSION_STREAMS_MAX) this.#evictOldest();
    this.#aliases.set(id, alias);
  }

  entries(): AliasEntries {
    return [...this.#aliases].map(([id, alias]) => [id, Object.fromEntries(alias)] as const);
  }

  restore(entries: AliasEntries): void {
    for (const [id, alias] of entries) this.#aliases.set(id, new Map(Object.entries(alias)));
  }

  #evictOldest(): void {
    for (const id of this.#aliases.keys()) {
      this.#aliases.delete(id);
      return;
    }
  }
}
