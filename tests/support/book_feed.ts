import { type BookUpdate, checksumOf, OrderBook } from "../../src/book/mod.ts";
import type { BookRule, Level } from "../../src/model/mod.ts";

/** An exchange's book that moves at random, numbered and summed as a rule says; never crossed. */
export class BookFeed {
  readonly #rule: BookRule;
  readonly #random: () => number;
  readonly #book = new OrderBook();
  #sequence = 1000;

  constructor(rule: BookRule, random: () => number) {
    this.#rule = rule;
    this.#random = random;
    const side = (sign: number) =>
      Array.from({ length: 20 }, (_, rank): Level => [this.#price(sign * (rank + 1)), this.#size()]);
    this.#book.applySnapshot(side(-1), side(1));
  }

  get sequence(): string {
    return String(this.#sequence);
  }

  /** The book as text, for comparison. */
  get text(): string {
    return JSON.stringify(this.#book.levels());
  }

  /** The whole book as it stands. */
  snapshot(): BookUpdate {
    const levels = this.#book.levels();
    return {
      event: { kind: "book_snapshot", ...levels, sequence: this.sequence },
      exchangeTs: this.#sequence,
      checksum: this.#checksum(),
    };
  }

  /** The next change. */
  delta(): BookUpdate {
    const previous = this.#sequence;
    const count = 1 + Math.floor(this.#random() * 3);
    this.#sequence += count;
    const side = (sign: number) =>
      Array.from({ length: count }, (): Level => {
        const size = this.#random() < 0.3 ? "0" : this.#size();
        return [this.#price(sign * (1 + Math.floor(this.#random() * 20))), size];
      });
    const [bids, asks] = [side(-1), side(1)];
    this.#book.applyDelta(bids, asks);
    return {
      event: {
        kind: "book_delta",
        bids,
        asks,
        first_sequence: String(previous + (this.#rule.sequence === "overlap" ? 0 : 1)),
        last_sequence: this.sequence,
        previous_sequence: String(previous),
      },
      exchangeTs: this.#sequence,
      checksum: this.#checksum(),
    };
  }

  #checksum(): string | null {
    const { checksum } = this.#rule;
    return checksum === null ? null : String(checksumOf(this.#book, checksum, { price: 1, size: 3 }));
  }

  #price(ticks: number): string {
    return (500 + ticks / 2).toFixed(1);
  }

  #size(): string {
    return (1 + Math.floor(this.#random() * 9000)).toFixed(3).slice(0, 5) + "1";
  }
}
