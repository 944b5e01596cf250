import type { Micros } from "../model/mod.ts";
import type { SimulatedInstrument } from "./instrument.ts";
import { type BookSide, type LevelChange, OrderBook } from "./order_book.ts";
import type { DerivativeState, MarketStep, MarketTrade } from "./market_step.ts";
import { SeededRandom } from "./random.ts";
import { RollingStatistics } from "./rolling_statistics.ts";

/** Levels a side at the start, and the bounds within which their number is kept. */
const LEVELS_START = 450;
const LEVELS_MIN = 420;
const LEVELS_MAX = 600;
/** Number of last trades. */
const RECENT_TRADES_MAX = 50;
/** Trades kept for those who ask for history. */
const HISTORY_TRADES_MAX = 10_000;

/** A random market with a real book. The same instrument and seed give the same steps, times aside. */
export class Market {
  readonly instrument: SimulatedInstrument;
  readonly book = new OrderBook();
  readonly statistics: RollingStatistics;
  readonly #random: SeededRandom;
  readonly #history: MarketTrade[] = [];
  #updateId: number;
  #tradeId: number;
  #orderId = 0;
  #fundingRate = 1_000_000;
  #openInterest: number;

  constructor(options: { readonly instrument: SimulatedInstrument; readonly seed: number }) {
    this.instrument = options.instrument;
    this.#random = new SeededRandom(`${options.seed} ${options.instrument.symbol}`);
    this.#updateId = 1_000_000 + this.#random.below(1_000_000);
    this.#tradeId = 100_000 + this.#random.below(100_000);
    this.#openInterest = options.instrument.usualSize * 100_000;
    this.statistics = new RollingStatistics(options.instrument.startTicks, this.#tradeId);
    this.#fill("bid");
    this.#fill("ask");
  }

  /** Number of the last change of the book; changes of levels are numbered consecutively. */
  get updateId(): number {
    return this.#updateId;
  }

  /** The last trades, oldest first. */
  get recentTrades(): readonly MarketTrade[] {
    return this.#history.slice(-RECENT_TRADES_MAX);
  }

  /** The trades that are kept, oldest first. */
  get history(): readonly MarketTrade[] {
    return this.#history;
  }

  get derivative(): DerivativeState {
    const middle = (this.book.levels("bid")[0].price + this.book.levels("ask")[0].price) / 2;
    return {
      markTicks: Math.round(middle),
      indexTicks: Math.round(middle * (1 - this.#fundingRate * 1e-11)),
      fundingRate: this.#fundingRate,
      openInterest: this.#openInterest,
    };
  }

  /** Takes one step: a taker's order, a new or larger limit order, or a cancelled one. */
  step(at: Micros): MarketStep {
    const bid = this.book.levels("bid")[0];
    const ask = this.book.levels("ask")[0];
    const changes: LevelChange[] = [];
    const trades: MarketTrade[] = [];
    const draw = this.#random.next();
    if (draw < 0.3) this.#take(at, trades, changes);
    else if (draw < 0.72) this.#place(changes);
    else this.#cancel(changes);
    this.#keepDepth("bid", changes);
    this.#keepDepth("ask", changes);
    this.#history.push(...trades);
    if (this.#history.length > 2 * HISTORY_TRADES_MAX) {
      this.#history.splice(0, this.#history.length - HISTORY_TRADES_MAX);
    }
    const touchChanged = this.book.levels("bid")[0] !== bid || this.book.levels("ask")[0] !== ask;
    return { at, trades, changes, touchChanged };
  }

  #fill(side: BookSide): void {
    let price = this.instrument.startTicks + (side === "bid" ? -1 : 1);
    for (let i = 0; i < LEVELS_START; i++) {
      this.book.apply({ side, price, size: this.#drawSize() });
      price += this.#outward(side);
    }
  }

  #change(changes: LevelChange[], change: LevelChange): void {
    this.book.apply(change);
    this.#updateId++;
    changes.push(change);
  }

  #take(at: Micros, trades: MarketTrade[], changes: LevelChange[]): void {
    const side = this.#random.chance(0.5 + this.#pull()) ? "buy" : "sell";
    const makers: BookSide = side === "buy" ? "ask" : "bid";
    const order = ++this.#orderId;
    const liquidation = this.instrument.kind !== "spot" && this.#random.chance(0.05);
    let left = this.#drawSize();
    for (let reach = 0; reach < 4 && left > 0; reach++) {
      const { price, size } = this.book.levels(makers)[0];
      const filled = Math.min(size, left);
      left -= filled;
      this.#change(changes, { side: makers, price, size: size - filled });
      const first = filled > 1 && this.#random.chance(0.3) ? 1 + this.#random.below(filled - 1) : filled;
      for (const part of first === filled ? [filled] : [first, filled - first]) {
        trades.push({ id: ++this.#tradeId, at, price, size: part, side, order, liquidation });
      }
    }
    for (const trade of trades) this.statistics.add(trade);
    this.#openInterest = Math.max(1, this.#openInterest + (this.#random.below(201) - 100));
    this.#fundingRate += this.#random.below(20_001) - 10_000;
  }

  #place(changes: LevelChange[]): void {
    const side: BookSide = this.#random.chance(0.5 + this.#pull()) ? "bid" : "ask";
    const opposite = this.book.levels(side === "bid" ? "ask" : "bid")[0].price;
    const deep = this.#random.chance(0.15);
    const distance = 1 + (deep ? this.#random.below(1_500) : Math.floor(this.#random.exponential(12)));
    const price = side === "bid" ? opposite - distance : opposite + distance;
    this.#change(changes, { side, price, size: this.book.sizeAt(side, price) + this.#drawSize() });
  }

  #cancel(changes: LevelChange[]): void {
    const side: BookSide = this.#random.chance(0.5) ? "bid" : "ask";
    const levels = this.book.levels(side);
    const { price, size } = levels[Math.min(levels.length - 1, Math.floor(this.#random.exponential(30)))];
    const left = this.#random.chance(0.6) ? 0 : Math.floor(size / 2);
    this.#change(changes, { side, price, size: left });
  }

  #keepDepth(side: BookSide, changes: LevelChange[]): void {
    const levels = this.book.levels(side);
    while (levels.length < LEVELS_MIN) {
      const price = levels[levels.length - 1].price + this.#outward(side);
      this.#change(changes, { side, price, size: this.#drawSize() });
    }
    while (levels.length > LEVELS_MAX) {
      this.#change(changes, { side, price: levels[levels.length - 1].price, size: 0 });
    }
  }

  /** Returns how strongly the price returns to its start, which keeps it positive and the book in reach. */
  #pull(): number {
    const { startTicks } = this.instrument;
    const away = (startTicks - this.book.levels("bid")[0].price) / startTicks;
    return Math.max(-0.4, Math.min(0.4, away * 10));
  }

  #outward(side: BookSide): number {
    const distance = 1 + this.#random.below(6);
    return side === "bid" ? -distance : distance;
  }

  #drawSize(): number {
    return 1 + Math.floor(this.#random.exponential(this.instrument.usualSize));
  }
}

/** Fills of the same taker's order at the same price, together. */
export function groupFills(trades: readonly MarketTrade[]): readonly (readonly MarketTrade[])[] {
  const groups: MarketTrade[][] = [];
  for (const trade of trades) {
    const last = groups[groups.length - 1];
    if (last !== undefined && last[0].order === trade.order && last[0].price === trade.price) last.push(trade);
    else groups.push([trade]);
  }
  return groups;
}
