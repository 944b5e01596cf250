/** The two sides of a book. */
export type BookSide = "bid" | "ask";

/** A price level: price in ticks, size in units; a changed level is a new object, so that identity shows a change. */
export interface BookLevel {
  readonly price: number;
  readonly size: number;
}

/** A change of one level: `size` is absolute, 0 removes the level. */
export interface LevelChange {
  readonly side: BookSide;
  readonly price: number;
  readonly size: number;
}

/** An order book by price level; both sides best first. */
export class OrderBook {
  readonly #bids: BookLevel[] = [];
  readonly #asks: BookLevel[] = [];

  /** Levels of a side, best first; the array changes with the book. */
  levels(side: BookSide): readonly BookLevel[] {
    return side === "bid" ? this.#bids : this.#asks;
  }

  /** Size at a price; 0 if there is no level. */
  sizeAt(side: BookSide, price: number): number {
    const levels = this.levels(side);
    const level = levels[findLevel(levels, side, price)];
    return level !== undefined && level.price === price ? level.size : 0;
  }

  /** Sets the absolute size of a level; 0 removes it, and removing what is not there does nothing. */
  apply(change: LevelChange): void {
    const levels = change.side === "bid" ? this.#bids : this.#asks;
    const index = findLevel(levels, change.side, change.price);
    const found = index < levels.length && levels[index].price === change.price;
    if (change.size === 0) {
      if (found) levels.splice(index, 1);
    } else if (found) levels[index] = { price: change.price, size: change.size };
    else levels.splice(index, 0, { price: change.price, size: change.size });
  }
}

/** Returns the index of the level at `price`, or the index at which to insert it. */
function findLevel(levels: readonly BookLevel[], side: BookSide, price: number): number {
  let low = 0;
  let high = levels.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const better = side === "bid" ? levels[middle].price > price : levels[middle].price < price;
    if (better) low = middle + 1;
    else high = middle;
  }
  return low;
}
