import type { Micros } from "../model/mod.ts";
import type { LevelChange } from "./order_book.ts";

/** One fill: a taker's order against one maker's. */
export interface MarketTrade {
  /** Counts up by one a fill. */
  readonly id: number;
  readonly at: Micros;
  /** In ticks. */
  readonly price: number;
  /** In units. */
  readonly size: number;
  /** The taker's side. */
  readonly side: "buy" | "sell";
  /** Fills with the same number belong to one taker's order. */
  readonly order: number;
  /** Whether the taker was forced out of a position. */
  readonly liquidation: boolean;
}

/** What happened in one step of a market. */
export interface MarketStep {
  readonly at: Micros;
  readonly trades: readonly MarketTrade[];
  /** In the order of happening; one update number each. */
  readonly changes: readonly LevelChange[];
  /** Whether price or size of the best bid or the best ask changed. */
  readonly touchChanged: boolean;
}

/** State of a derivative. Prices in ticks, open interest in units, rates in 10^-10. */
export interface DerivativeState {
  readonly markTicks: number;
  readonly indexTicks: number;
  readonly fundingRate: number;
  readonly openInterest: number;
}
