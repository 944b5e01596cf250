import { notional } from "./fixed.ts";
import type { MarketTrade } from "./market_step.ts";

/** Statistics of a market since it began, shown as those of the last 24 hours. Prices in ticks, sizes in units. */
export class RollingStatistics {
  readonly open: number;
  readonly firstId: number;
  high: number;
  low: number;
  last: number;
  lastSize = 1;
  lastId: number;
  trades = 0;
  volume = 0n;
  /** Sum of price times size, with the sum of both scales. */
  quoteVolume = 0n;

  /** `lastId` is the number of the trade before the first one. */
  constructor(open: number, lastId: number) {
    this.open = open;
    this.high = open;
    this.low = open;
    this.last = open;
    this.firstId = lastId + 1;
    this.lastId = lastId;
  }

  add(trade: MarketTrade): void {
    this.last = trade.price;
    this.lastSize = trade.size;
    this.lastId = trade.id;
    this.high = Math.max(this.high, trade.price);
    this.low = Math.min(this.low, trade.price);
    this.trades++;
    this.volume += BigInt(trade.size);
    this.quoteVolume += notional(trade.price, trade.size);
  }

  /** Mean price weighted by size, in ticks; the opening price while there was no trade. */
  get weightedPrice(): number {
    return this.volume === 0n ? this.open : Number(this.quoteVolume / this.volume);
  }
}
