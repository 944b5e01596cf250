import type { BookLevel, BookSide, LevelChange, OrderBook } from "./order_book.ts";

/** Keeps the best `depth` levels of a book as last published, to find the changes since. */
export class BookWindow {
  readonly #book: OrderBook;
  readonly #depth: number;
  #bids: readonly BookLevel[] = [];
  #asks: readonly BookLevel[] = [];

  constructor(book: OrderBook, depth: number) {
    this.#book = book;
    this.#depth = depth;
    this.reset();
  }

  /** The published levels of a side, best first. */
  levels(side: BookSide): readonly BookLevel[] {
    return side === "bid" ? this.#bids : this.#asks;
  }

  /** Marks the current book as published. */
  reset(): void {
    this.#bids = this.#book.levels("bid").slice(0, this.#depth);
    this.#asks = this.#book.levels("ask").slice(0, this.#depth);
  }

  /**
   * Publishes the current book and returns the changes since the last publication, bids first. With `deletesLeaving`, a
   * level that left the window is removed (size 0). Without it, only levels that left the book are, and the reader must
   * cut its copy to the depth.
   */
  advance(deletesLeaving: boolean): readonly LevelChange[] {
    const before = { bid: this.#bids, ask: this.#asks };
    this.reset();
    const changes: LevelChange[] = [];
    this.#compare("bid", before.bid, { deletesLeaving, changes });
    this.#compare("ask", before.ask, { deletesLeaving, changes });
    return changes;
  }

  /** Compares two lists in the same order. */
  #compare(
    side: BookSide,
    before: readonly BookLevel[],
    { deletesLeaving, changes }: { readonly deletesLeaving: boolean; readonly changes: LevelChange[] },
  ): void {
    const after = this.levels(side);
    let i = 0;
    let j = 0;
    while (i < before.length || j < after.length) {
      const old = before[i];
      const now = after[j];
      if (old === now) {
        i++;
        j++;
      } else if (old !== undefined && (now === undefined || isBetter(side, old.price, now.price))) {
        if (deletesLeaving || this.#book.sizeAt(side, old.price) === 0) {
          changes.push({ side, price: old.price, size: 0 });
        }
        i++;
      } else {
        changes.push({ side, price: now.price, size: now.size });
        if (old !== undefined && old.price === now.price) i++;
        j++;
      }
    }
  }
}

function isBetter(side: BookSide, left: number, right: number): boolean {
  return side === "bid" ? left > right : left < right;
}
