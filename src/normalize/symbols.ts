import { SESSION_SYMBOLS_MAX } from "../model/mod.ts";
import type { CompiledFrames } from "../program/mod.ts";

/** The native and the canonical symbol of an instrument. */
export interface SymbolPair {
  readonly native: string;
  readonly canonical: string;
}

/** Maps native symbols of an exchange instance to canonical ones, by connection. */
export class SymbolMap {
  readonly #byConnection = new Map<string, Map<string, SymbolPair>>();

  constructor(canonical: CompiledFrames["canonical"]) {
    for (const [connection, symbols] of canonical) {
      const pairs = new Map<string, SymbolPair>();
      for (const [native, symbol] of symbols) pairs.set(native, { native, canonical: symbol });
      this.#byConnection.set(connection, pairs);
    }
  }

  /** Returns the pair of a native symbol; null if the connection has no entry for it. */
  find(connection: string, native: string): SymbolPair | null {
    return this.#byConnection.get(connection)?.get(native) ?? null;
  }

  /** Returns the connections that have entries. */
  connections(): Iterable<string> {
    return this.#byConnection.keys();
  }
}

/**
 * Native symbols of a session that no map translates: they keep their spelling and are reported once. Bounded: past
 * SESSION_SYMBOLS_MAX symbols further ones are refused.
 */
export class UnmappedSymbols {
  readonly #pairs = new Map<string, SymbolPair>();

  /**
   * Returns the pair of an unmapped symbol, with its native spelling for both. Adds a new one to `fresh`. Null past the
   * limit.
   */
  meet(native: string, fresh: string[]): SymbolPair | null {
    const met = this.#pairs.get(native);
    if (met !== undefined) return met;
    if (this.#pairs.size >= SESSION_SYMBOLS_MAX) return null;
    const pair = { native, canonical: native };
    this.#pairs.set(native, pair);
    fresh.push(native);
    return pair;
  }

  entries(): readonly string[] {
    return [...this.#pairs.keys()];
  }

  restore(natives: readonly string[]): void {
    for (const native of natives) this.#pairs.set(native, { native, canonical: native });
  }
}
