import { notional } from "./fixed.ts";
import type { MarketTrade } from "./market_step.ts";

/** A span of time that candles cover. */
export interface CandleInterval {
  readonly count: number;
  readonly unit: "s" | "m" | "h" | "d" | "w" | "M";
  /** Added to UTC before days and longer spans are cut, in ms: 8 hours where days begin at midnight of Hong Kong. */
  readonly zoneMs: number;
}

/** A candle. Prices in ticks, volumes in units, times in ms; `closeMs` is where the next one begins. */
export interface CandleState {
  readonly openMs: number;
  readonly closeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly trades: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly takerBuyVolume: bigint;
  readonly takerBuyQuoteVolume: bigint;
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
/** The epoch was a Thursday; weeks begin on Monday. */
const MONDAY_MS = 4 * UNIT_MS.d;

/** When the candle that holds `ms` begins and ends. */
export function candleBounds(
  interval: CandleInterval,
  ms: number,
): { readonly openMs: number; readonly closeMs: number } {
  const local = ms + interval.zoneMs;
  if (interval.unit === "M") {
    const date = new Date(local);
    const month = Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / interval.count) * interval.count;
    return {
      openMs: monthStart(month) - interval.zoneMs,
      closeMs: monthStart(month + interval.count) - interval.zoneMs,
    };
  }
  const span = interval.count * UNIT_MS[interval.unit];
  const shift = interval.unit === "w" ? MONDAY_MS : 0;
  const openMs = Math.floor((local - shift) / span) * span + shift - interval.zoneMs;
  return { openMs, closeMs: openMs + span };
}

/** The first instant of a month counted from January of year 0, in ms UTC. */
function monthStart(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12);
}

/** Builds the candles of one market and interval. */
export class CandleBuilder {
  readonly #interval: CandleInterval;
  #candle: CandleState;

  /** `price` is the last price, in ticks; `lastId` the number of the last trade. */
  constructor(
    interval: CandleInterval,
    start: { readonly ms: number; readonly price: number; readonly lastId: number },
  ) {
    this.#interval = interval;
    this.#candle = emptyCandle(interval, start);
  }

  /** The candle that is still open. */
  get current(): CandleState {
    return this.#candle;
  }

  /** Ends the open candle where its time is over and begins the next one; returns the ended one, else null. */
  roll(ms: number): CandleState | null {
    const ended = this.#candle;
    if (ms < ended.closeMs) return null;
    this.#candle = emptyCandle(this.#interval, { ms, price: ended.close, lastId: ended.lastId });
    return ended;
  }

  /** Adds a trade to the open candle. */
  add(trade: MarketTrade): void {
    const candle = this.#candle;
    const empty = candle.trades === 0;
    const buy = trade.side === "buy";
    const value = notional(trade.price, trade.size);
    this.#candle = {
      ...candle,
      open: empty ? trade.price : candle.open,
      high: empty ? trade.price : Math.max(candle.high, trade.price),
      low: empty ? trade.price : Math.min(candle.low, trade.price),
      close: trade.price,
      trades: candle.trades + 1,
      firstId: empty ? trade.id : candle.firstId,
      lastId: trade.id,
      volume: candle.volume + BigInt(trade.size),
      quoteVolume: candle.quoteVolume + value,
      takerBuyVolume: candle.takerBuyVolume + (buy ? BigInt(trade.size) : 0n),
      takerBuyQuoteVolume: candle.takerBuyQuoteVolume + (buy ? value : 0n),
    };
  }
}

function emptyCandle(
  interval: CandleInterval,
  { ms, price, lastId }: { readonly ms: number; readonly price: number; readonly lastId: number },
): CandleState {
  return {
    ...candleBounds(interval, ms),
    open: price,
    high: price,
    low: price,
    close: price,
    trades: 0,
    firstId: -1,
    lastId,
    volume: 0n,
    quoteVolume: 0n,
    takerBuyVolume: 0n,
    takerBuyQuoteVolume: 0n,
  };
}
