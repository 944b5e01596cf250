import { type ChecksumRule, type Decimal, SCALE_TEXT, unreachable, writeDecimal } from "../model/mod.ts";
import type { BookSide, OrderBook } from "./order_book.ts";

/** Number of decimals of an instrument's prices and sizes. */
export interface NumberDigits {
  readonly price: number;
  readonly size: number;
}

/** Most decimals that are tried to find those of an instrument from a padded checksum. */
const DIGITS_TRIED_MAX = 12;

/** Returns the CRC32 (IEEE) of a book's best levels, as the rule writes them. */
export function checksumOf(book: OrderBook, rule: ChecksumRule, digits: NumberDigits): number {
  const text = new ChecksumText(book, rule, digits);
  const bids = Math.min(rule.depth, book.depth("bid"));
  const asks = Math.min(rule.depth, book.depth("ask"));
  switch (rule.order) {
    case "asks_bids":
      for (let rank = 0; rank < asks; rank++) text.add("ask", rank);
      for (let rank = 0; rank < bids; rank++) text.add("bid", rank);
      break;
    case "bids_asks":
      for (let rank = 0; rank < bids; rank++) text.add("bid", rank);
      for (let rank = 0; rank < asks; rank++) text.add("ask", rank);
      break;
    case "interleaved":
      // Bid, ask, bid, ask; then the rest of the longer side.
      for (let rank = 0; rank < Math.max(bids, asks); rank++) {
        if (rank < bids) text.add("bid", rank);
        if (rank < asks) text.add("ask", rank);
      }
      break;
    default:
      return unreachable(rule.order);
  }
  return rule.signed ? text.crc : text.crc >>> 0;
}

/** The CRC32 of levels written one after the other. Creates no text, because it runs with every frame. */
class ChecksumText {
  readonly #book: OrderBook;
  readonly #rule: ChecksumRule;
  readonly #digits: NumberDigits;
  readonly #crc = new Crc32();
  #previous: "bid" | "ask" | null = null;

  constructor(book: OrderBook, rule: ChecksumRule, digits: NumberDigits) {
    this.#book = book;
    this.#rule = rule;
    this.#digits = digits;
  }

  get crc(): number {
    return this.#crc.value;
  }

  /** Adds the level at a rank, which must exist. */
  add(side: BookSide, rank: number): void {
    const levels = this.#book.side(side);
    const slot = levels.slotAt(rank);
    const { digits } = levels;
    const { separator, separators, negativeAsks } = this.#rule;
    if (this.#previous !== null) {
      this.#crc.text((this.#previous === side ? separators?.level : separators?.side) ?? separator);
    }
    this.#previous = side;
    if (this.#isNumber(digits.priceScale(slot))) {
      this.#number(digits.price(slot), digits.priceScale(slot), this.#digits.price);
    } else this.#spelled(digits.priceText(slot), this.#digits.price);
    this.#crc.text(separator);
    const isNumber = this.#isNumber(digits.sizeScale(slot));
    const isNegative = isNumber ? digits.size(slot) < 0 : digits.sizeText(slot).startsWith("-");
    if (side === "ask" && negativeAsks && !isNegative) this.#crc.text("-");
    if (isNumber) this.#number(digits.size(slot), digits.sizeScale(slot), this.#digits.size);
    else this.#spelled(digits.sizeText(slot), this.#digits.size);
  }

  /** Whether a number is added without creating its text. */
  #isNumber(scale: number): boolean {
    return scale !== SCALE_TEXT && this.#rule.numbers !== "shortest";
  }

  #number(coefficient: number, scale: number, digits: number): void {
    if (this.#rule.numbers === "as_received") this.#crc.number(coefficient, scale);
    else if (coefficient !== 0) {
      this.#crc.number(coefficient, 0);
      this.#crc.zeros(digits - scale);
    }
  }

  #spelled(text: Decimal, digits: number): void {
    switch (this.#rule.numbers) {
      case "as_received":
        return this.#crc.text(text);
      case "shortest":
        return this.#crc.text(String(Number(text)));
      case "padded":
        return this.#crc.padded(isPlain(text) ? text : plainText(text), digits);
      default:
        return unreachable(this.#rule.numbers);
    }
  }
}

/** CRC32 as in IEEE 802.3, character by character; the texts of numbers are ASCII. */
class Crc32 {
  #register = -1;
  readonly #scratch = new Uint8Array(NUMBER_BYTES_MAX);

  get value(): number {
    return ~this.#register;
  }

  text(text: string): void {
    let register = this.#register;
    for (let i = 0; i < text.length; i++) {
      register = TABLE[(register ^ text.charCodeAt(i)) & 0xff] ^ (register >>> 8);
    }
    this.#register = register;
  }

  /** Adds the digits of a coefficient with `scale` decimals. */
  number(coefficient: number, scale: number): void {
    const scratch = this.#scratch;
    const end = writeDecimal(scratch, 0, coefficient, scale);
    let register = this.#register;
    for (let i = 0; i < end; i++) register = TABLE[(register ^ scratch[i]) & 0xff] ^ (register >>> 8);
    this.#register = register;
  }

  zeros(count: number): void {
    let register = this.#register;
    for (let i = 0; i < count; i++) register = TABLE[(register ^ ZERO) & 0xff] ^ (register >>> 8);
    this.#register = register;
  }

  /**
   * Adds a number padded to `digits` decimals, without point and leading zeros: `0.05005` with 7 decimals is `500500`.
   */
  padded(text: Decimal, digits: number): void {
    let register = this.#register;
    let begun = false;
    let point = -1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === POINT) point = i;
      else if (begun || code !== ZERO) {
        begun = true;
        register = TABLE[(register ^ code) & 0xff] ^ (register >>> 8);
      }
    }
    const missing = begun ? digits - (point < 0 ? 0 : text.length - point - 1) : 0;
    this.#register = register;
    this.zeros(missing);
  }
}

/** Longest number as text. */
const NUMBER_BYTES_MAX = 26;
const POINT = 46;
const ZERO = 48;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * Returns the decimals with which a book has the checksum that came with it; null if none do. Exchanges that pad
 * numbers in checksums but not in frames do not send an instrument's decimals, but its first checksum reveals them.
 */
export function learnDigits(book: OrderBook, rule: ChecksumRule, expected: number): NumberDigits | null {
  const seen = seenDigits(book, rule);
  for (let price = seen.price; price <= Math.max(seen.price, DIGITS_TRIED_MAX); price++) {
    for (let size = seen.size; size <= Math.max(seen.size, DIGITS_TRIED_MAX); size++) {
      const digits = { price: rule.priceDigits ?? price, size: rule.sizeDigits ?? size };
      if (checksumOf(book, rule, digits) === expected) return digits;
      if (rule.sizeDigits !== null) break;
    }
    if (rule.priceDigits !== null) break;
  }
  return null;
}

/** Returns the most decimals in the best levels of a book. */
export function seenDigits(book: OrderBook, rule: ChecksumRule): NumberDigits {
  let price = 0;
  let size = 0;
  for (const side of ["bid", "ask"] as const) {
    const levels = book.side(side);
    const { digits } = levels;
    levels.each(rule.depth, (slot) => {
      const [priceScale, sizeScale] = [digits.priceScale(slot), digits.sizeScale(slot)];
      price = Math.max(price, priceScale === SCALE_TEXT ? decimalsOf(digits.priceText(slot)) : priceScale);
      size = Math.max(size, sizeScale === SCALE_TEXT ? decimalsOf(digits.sizeText(slot)) : sizeScale);
    });
  }
  return { price: rule.priceDigits ?? price, size: rule.sizeDigits ?? size };
}

function decimalsOf(text: Decimal): number {
  const plain = isPlain(text) ? text : plainText(text);
  const point = plain.indexOf(".");
  return point < 0 ? 0 : plain.length - point - 1;
}

function isPlain(text: Decimal): boolean {
  return !text.includes("e") && !text.includes("E");
}

/** Returns `1.5e-3` as `0.0015`: JSON numbers may have an exponent. */
function plainText(text: Decimal): string {
  const at = text.search(/[eE]/);
  const exponent = Number(text.slice(at + 1));
  const [whole, fraction = ""] = text.slice(0, at).split(".");
  if (Math.abs(exponent) > 64) return text.slice(0, at);
  return exponent < 0
    ? `${whole.padStart(1 - exponent, "0").slice(0, exponent)}.${
      whole.padStart(1 - exponent, "0").slice(exponent)
    }${fraction}`
    : `${whole}${fraction.padEnd(exponent, "0").slice(0, exponent)}${
      fraction.length > exponent ? `.${fraction.slice(exponent)}` : ""
    }`;
}
