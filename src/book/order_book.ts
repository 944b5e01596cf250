import { compareNumbers, type Level, LevelColumns, levelRange, type LevelSource, SCALE_TEXT } from "../model/mod.ts";
import { compareDecimals } from "./decimal_order.ts";
import { SideLevels } from "./side_levels.ts";

/** The two sides of a book. */
export type BookSide = "bid" | "ask";

/** Both sides of a book as lists, best first. */
export interface BookLevels {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/**
 * The levels of one instrument's book. Prices are compared as exact decimals, in any spelling; digits are kept as
 * received, for a changed level those of the change. A size of zero removes a level. Removing a missing level does
 * nothing, because exchanges send such deletes for levels that they never showed.
 */
export class OrderBook {
  readonly #bids = new SideLevels(1);
  readonly #asks = new SideLevels(-1);

  /** Number of levels on both sides. */
  get size(): number {
    return this.#bids.size + this.#asks.size;
  }

  /** Whether the best bid is at or above the best ask, which cannot be in a real book. */
  get isCrossed(): boolean {
    if (this.#bids.size === 0 || this.#asks.size === 0) return false;
    const distance = this.#bids.bestKey + this.#asks.bestKey;
    return distance > 0 || (distance === 0 && this.#compareBest() >= 0);
  }

  /** Replaces all levels. Lists may be in any order; of a repeated price the last one counts. */
  applySnapshot(bids: LevelSource, asks: LevelSource): void {
    this.#bids.replace(levelRange(bids));
    this.#asks.replace(levelRange(asks));
  }

  /** Sets the absolute sizes of levels, in the order given. */
  applyDelta(bids: LevelSource, asks: LevelSource): void {
    this.#bids.change(levelRange(bids));
    this.#asks.change(levelRange(asks));
  }

  /** Returns the number of levels of a side. */
  depth(side: BookSide): number {
    return this.side(side).size;
  }

  /** Returns the level at a rank, 0 being the best; undefined past the last one. */
  at(side: BookSide, rank: number): Level | undefined {
    return this.side(side).at(rank);
  }

  /** Returns the best level of a side; undefined if it is empty. */
  best(side: BookSide): Level | undefined {
    return this.side(side).at(0);
  }

  /** Returns the best `count` levels of a side, best first. */
  top(side: BookSide, count: number): readonly Level[] {
    const levels = this.side(side);
    const list: Level[] = [];
    levels.each(count, (slot) => list.push(levels.digits.level(slot)));
    return list;
  }

  /** Returns all levels, best first. */
  levels(): BookLevels {
    return { bids: this.top("bid", Infinity), asks: this.top("ask", Infinity) };
  }

  /** Copies the levels of a side into columns, best first. */
  copy(side: BookSide): LevelColumns {
    const { digits, size } = this.side(side);
    const copied = new LevelColumns(size);
    this.side(side).each(size, (slot) => digits.copyTo(copied, slot));
    return copied;
  }

  /** Cuts each side to its best `depth` levels. */
  truncate(depth: number): void {
    this.#bids.truncate(depth);
    this.#asks.truncate(depth);
  }

  clear(): void {
    this.#bids.clear();
    this.#asks.clear();
  }

  /** Returns a side's levels, read-only. */
  side(side: BookSide): SideLevels {
    return side === "bid" ? this.#bids : this.#asks;
  }

  /** Compares the best bid and the best ask exactly; both must exist. */
  #compareBest(): number {
    const [bids, asks] = [this.#bids.digits, this.#asks.digits];
    const [bid, ask] = [this.#bids.slotAt(0), this.#asks.slotAt(0)];
    const [bidScale, askScale] = [bids.priceScale(bid), asks.priceScale(ask)];
    return bidScale === SCALE_TEXT || askScale === SCALE_TEXT
      ? compareDecimals(bids.priceText(bid), asks.priceText(ask))
      : compareNumbers(bids.price(bid), bidScale, asks.price(ask), askScale);
  }
}
