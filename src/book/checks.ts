import type { BookRule } from "../model/mod.ts";
import { checksumOf, learnDigits, type NumberDigits } from "./checksum.ts";
import type { OrderBook } from "./order_book.ts";

const NO_DIGITS: NumberDigits = { price: 0, size: 0 };

/** Checks one book: the exchange's checksums and, if the rule wants it, crossed sides. */
export class BookChecks {
  readonly #rule: BookRule;
  readonly #book: OrderBook;
  /** Decimals of the instrument, learned from its first padded checksum; null before. */
  #digits: NumberDigits | null = null;

  constructor(rule: BookRule, book: OrderBook) {
    this.#rule = rule;
    this.#book = book;
  }

  get digits(): NumberDigits | null {
    return this.#digits;
  }

  restoreDigits(digits: NumberDigits | null): void {
    this.#digits = digits;
  }

  /** Returns how the exchange's checksum and ours differ; null if they agree. */
  checksumFault(checksum: string, isSnapshot: boolean): string | null {
    const { checksum: rule } = this.#rule;
    if (rule === null || rule.absent.includes(checksum)) return null;
    const expected = Number(checksum);
    if (rule.numbers === "padded" && (this.#digits === null || isSnapshot)) {
      // The precision belongs to the instrument: once found it stays, unless a snapshot proves it wrong.
      if (this.#digits !== null && checksumOf(this.#book, rule, this.#digits) === expected) return null;
      const digits = learnDigits(this.#book, rule, expected);
      if (digits !== null) {
        this.#digits = digits;
        return null;
      }
    } else if (checksumOf(this.#book, rule, this.#digits ?? NO_DIGITS) === expected) return null;
    return `checksum ${checksumOf(this.#book, rule, this.#digits ?? NO_DIGITS)} instead of ${checksum}`;
  }

  /** Returns how the sides cross; null if they do not, or the rule allows it. */
  crossFault(): string | null {
    if (this.#rule.crossed !== "resync" || !this.#book.isCrossed) return null;
    return `crossed: bid ${this.#book.best("bid")?.[0]} and ask ${this.#book.best("ask")?.[0]}`;
  }
}
