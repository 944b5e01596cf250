import { type InstrumentFields, SESSION_SYMBOLS_MAX } from "../model/mod.ts";

/** The last event of an instrument. */
export interface KnownInstrument {
  /** Name of the list that has it. */
  readonly list: string;
  readonly native: string;
  readonly fields: InstrumentFields;
  /** Day of the event, as days since the epoch. */
  readonly day: number;
}

/** Known instruments by canonical symbol, as plain JSON; `isMet`: a page of the reading in progress has it. */
export type InstrumentEntries = readonly (readonly [symbol: string, known: KnownInstrument, isMet: boolean])[];

/**
 * The last emitted event of each instrument, to emit another only if a field has changed or a day has begun. Bounded:
 * past SESSION_SYMBOLS_MAX instruments new ones are refused.
 */
export class KnownInstruments {
  readonly #known = new Map<string, KnownInstrument>();
  /** Instruments on the pages read so far of their list. */
  readonly #met = new Set<string>();

  find(symbol: string): KnownInstrument | null {
    return this.#known.get(symbol) ?? null;
  }

  /** Notes that a page has an instrument. */
  meet(symbol: string): void {
    this.#met.add(symbol);
  }

  /** Remembers the last event of an instrument; false past the limit. */
  put(symbol: string, known: KnownInstrument): boolean {
    if (!this.#known.has(symbol) && this.#known.size >= SESSION_SYMBOLS_MAX) return false;
    this.#known.set(symbol, known);
    return true;
  }

  forget(symbol: string): void {
    this.#known.delete(symbol);
    this.#met.delete(symbol);
  }

  /** Ends the reading of a list: returns its known instruments that no page had, and begins the next reading. */
  endList(list: string): readonly (readonly [symbol: string, known: KnownInstrument])[] {
    const gone = [...this.#known].filter(([symbol, known]) => known.list === list && !this.#met.has(symbol));
    for (const symbol of [...this.#met]) if (this.#known.get(symbol)?.list === list) this.#met.delete(symbol);
    return gone;
  }

  entries(): InstrumentEntries {
    return [...this.#known].map(([symbol, known]) => [symbol, known, this.#met.has(symbol)] as const);
  }

  restore(entries: InstrumentEntries): void {
    for (const [symbol, known, isMet] of entries) {
      if (this.put(symbol, known) && isMet) this.meet(symbol);
    }
  }
}
