/** The market family of an instrument, derived from its canonical symbol. */
export type Family = "spot" | "linear" | "inverse" | "option";

/** All families, in the order in which documents list them. */
export const FAMILIES: readonly Family[] = ["spot", "linear", "inverse", "option"];

/**
 * A tradable thing in canonical spelling: `BTC/USDT` (spot), `BTC/USDT:USDT` (linear perpetual), `BTC/USD:BTC`
 * (inverse perpetual), `BTC/USD:BTC-260327` (dated, expiry as YYMMDD in UTC), `BTC/USD:BTC-260327-100000-C` (option).
 */
export interface CanonicalSymbol {
  readonly text: string;
  readonly base: string;
  readonly quote: string;
  /** Settlement currency; null for spot. */
  readonly settle: string | null;
  /** Expiry as YYMMDD; null for spot and perpetuals. */
  readonly expiry: string | null;
  /** Strike price as spelled; null if it is not an option. */
  readonly strike: string | null;
  /** `C` for a call, `P` for a put; null if it is not an option. */
  readonly optionType: string | null;
  readonly family: Family;
}

const CANONICAL = /^([^/:\s]+)\/([^/:\s-]+)(?::([^/:\s-]+)(?:-(\d{6})(?:-(\d+(?:\.\d+)?)-([CP]))?)?)?$/u;

/** Parses a canonical symbol; null if the text does not have the canonical form (a native spelling). */
export function parseCanonicalSymbol(text: string): CanonicalSymbol | null {
  const match = CANONICAL.exec(text);
  if (match === null) return null;
  const [, base, quote, settle, expiry, strike, optionType] = match;
  return {
    text,
    base,
    quote,
    settle: settle ?? null,
    expiry: expiry ?? null,
    strike: strike ?? null,
    optionType: optionType ?? null,
    family: strike !== undefined ? "option" : settle === undefined ? "spot" : settle === base ? "inverse" : "linear",
  };
}

/** An instrument that an exchange instance is configured for. */
export interface Instrument {
  /** Canonical spelling, or the native one if no map translates it. */
  readonly symbol: string;
  /** The exchange's own spelling, as in payloads. */
  readonly native: string;
  /** Null if the symbol is not canonical, so that the family is unknown. */
  readonly family: Family | null;
}

/** Instruments as an exchange's lists give them. */
export interface ExchangeList {
  /** Canonical to native spelling. */
  readonly natives: ReadonlyMap<string, string>;
  /** Canonical symbol to further values by name; instruments without any are left out. */
  readonly values: ReadonlyMap<string, Readonly<Record<string, string>>>;
}
