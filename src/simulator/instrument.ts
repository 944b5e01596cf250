import { SeededRandom } from "./random.ts";

/** A simulated instrument: its symbol, its price and size grid, and its first price. */
export interface SimulatedInstrument {
  /** Canonical: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USD:BTC`. */
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Currency a derivative settles in; null for spot. */
  readonly settle: string | null;
  readonly kind: "spot" | "linear" | "inverse";
  /** Digits of fraction of a price; the tick is one unit of the last digit. */
  readonly priceDecimals: number;
  /** Digits of fraction of a size, in base currency or contracts. */
  readonly sizeDecimals: number;
  /** First price, in ticks. */
  readonly startTicks: number;
  /** Size of a usual order, in units of the last size digit. */
  readonly usualSize: number;
  /** Value of a contract: base units for a linear one, quote units for an inverse one, 1 for spot; as text. */
  readonly contractValue: string;
}

/** Prices near those of late 2024, so that what is shown looks familiar. */
const PRICES: Readonly<Record<string, number>> = {
  BTC: 64_000,
  ETH: 3_200,
  BNB: 580,
  SOL: 150,
  XRP: 0.55,
  DOGE: 0.12,
  ADA: 0.4,
  MATIC: 0.56,
  ALGO: 0.1,
  LTC: 75,
  LINK: 12,
  DOT: 6,
  AVAX: 25,
};

const SYMBOL = /^([A-Za-z0-9]+)\/([A-Za-z0-9]+)(?::([A-Za-z0-9]+))?$/;

/** Money that a usual order moves, in quote units. */
const USUAL_NOTIONAL = 2_500;

/**
 * Builds an instrument from its canonical symbol. `spotSizeDecimals` is the grid that the exchange uses for spot sizes.
 * Throws a RangeError that names a symbol of another form.
 */
export function buildInstrument(symbol: string, spotSizeDecimals: number): SimulatedInstrument {
  const match = SYMBOL.exec(symbol);
  if (match === null) {
    throw new RangeError(`Cannot simulate ${symbol}: a symbol is written BASE/QUOTE or BASE/QUOTE:SETTLE`);
  }
  const [, base, quote] = match;
  const settle = match[3] ?? null;
  const kind = settle === null ? "spot" : settle === base ? "inverse" : "linear";
  const price = PRICES[base.toUpperCase()] ?? inventedPrice(base);
  const priceDecimals = Math.max(1, 5 - Math.floor(Math.log10(price)));
  const sizeDecimals = kind === "spot" ? spotSizeDecimals : kind === "linear" ? 2 : 0;
  const contract = kind === "spot" ? 1 : kind === "inverse" ? 100 : price > 1_000 ? 0.01 : 1;
  const usual = kind === "inverse" ? USUAL_NOTIONAL / contract : USUAL_NOTIONAL / (price * contract);
  return {
    symbol,
    base,
    quote,
    settle,
    kind,
    priceDecimals,
    sizeDecimals,
    startTicks: Math.round(price * 10 ** priceDecimals),
    usualSize: Math.max(10, Math.round(usual * 10 ** sizeDecimals)),
    contractValue: String(contract),
  };
}

/** Returns a fixed price between 1 and 100 for a base currency that is not in the table. */
function inventedPrice(base: string): number {
  return 1 + new SeededRandom(`price ${base}`).below(99);
}
