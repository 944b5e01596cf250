import { type FramePlan, STREAMS_MAX } from "../model/mod.ts";

/** An instrument as payloads and as events name it. */
export interface SymbolPair {
  readonly native: string;
  readonly canonical: string;
  /** UTF-8 of the native spelling, to be compared with a frame's bytes. */
  readonly bytes: Uint8Array;
}

/** A pair of spellings. */
export function symbolPair(native: string, canonical: string): SymbolPair {
  return { native, canonical, bytes: new TextEncoder().encode(native) };
}

/** Translates native symbols of each connection; unknown ones keep their spelling and are reported once. */
export class SymbolMap {
  readonly #byConnection = new Map<string, Map<string, SymbolPair>>();
  /** Symbols without an entry that were met. Bounded: those beyond it are not reported. */
  readonly #unmapped = new Map<string, SymbolPair>();
  /** Native spellings met for the first time in the current frame. Reused. */
  readonly fresh: string[] = [];

  constructor(canonical: FramePlan["canonical"]) {
    for (const [connection, symbols] of canonical) {
      const pairs = new Map<string, SymbolPair>();
      for (const [native, symbol] of symbols) pairs.set(native, symbolPair(native, symbol));
      this.#byConnection.set(connection, pairs);
    }
  }

  /** The pair of a native symbol; null where the connection has no entry for it. */
  find(connection: string, native: string): SymbolPair | null {
    return this.#byConnection.get(connection)?.get(native) ?? null;
  }

  /** The pair of a native symbol, made up of its own spelling and reported where there is no entry. */
  translate(connection: string, native: string): SymbolPair {
    const pair = this.#byConnection.get(connection)?.get(native);
    if (pair !== undefined) return pair;
    const met = this.#unmapped.get(native);
    if (met !== undefined) return met;
    const own = symbolPair(native, native);
    if (this.#unmapped.size < STREAMS_MAX) {
      this.#unmapped.set(native, own);
      this.fresh.push(native);
    }
    return own;
  }

  /** Connections that have entries. */
  connections(): Iterable<string> {
    return this.#byConnection.keys();
  }

  saveState(): readonly string[] {
    return [...this.#unmapped.keys()];
  }

  restoreState(unmapped: readonly string[]): void {
    this.#unmapped.clear();
    for (const native of unmapped) this.#unmapped.set(native, symbolPair(native, native));
  }
}
