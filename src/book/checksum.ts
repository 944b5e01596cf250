import { crc32 } from "node:zlib";
import { type ChecksumRule, type Decimal, type Level, unreachable } from "../model/mod.ts";
import type { OrderBook } from "./order_book.ts";

/** How many decimals prices and sizes of an instrument are written with. */
export interface NumberDigits {
  readonly price: number;
  readonly size: number;
}

/** Decimals that are tried where a padded checksum does not say how many an instrument has. */
const DIGITS_TRIED_MAX = 12;

/** The CRC32 (IEEE) of a book's best levels, as the rule writes them. */
export function checksumOf(book: OrderBook, rule: ChecksumRule, digits: NumberDigits): number {
  const value = crc32(checksumText(book, rule, digits));
  return rule.signed ? value | 0 : value >>> 0;
}

/** The text whose CRC32 is taken. */
export function checksumText(book: OrderBook, rule: ChecksumRule, digits: NumberDigits): string {
  const { depth, order, separator } = rule;
  const bids = Math.min(depth, book.depth("bid"));
  const asks = Math.min(depth, book.depth("ask"));
  let text = "";
  const add = (level: Level | undefined, isAsk: boolean) => {
    if (level === undefined) return;
    if (separator !== "" && text !== "") text += separator;
    text += numberText(level[0], rule, digits.price) + separator;
    const size = numberText(level[1], rule, digits.size);
    text += isAsk && rule.negativeAsks ? negative(size) : size;
  };
  switch (order) {
    case "asks_bids":
      for (let rank = 0; rank < asks; rank++) add(book.at("ask", rank), true);
      for (let rank = 0; rank < bids; rank++) add(book.at("bid", rank), false);
      return text;
    case "bids_asks":
      for (let rank = 0; rank < bids; rank++) add(book.at("bid", rank), false);
      for (let rank = 0; rank < asks; rank++) add(book.at("ask", rank), true);
      return text;
    case "interleaved":
      // Bid, ask, bid, ask; when a side runs out the other goes on alone.
      for (let rank = 0; rank < Math.max(bids, asks); rank++) {
        if (rank < bids) add(book.at("bid", rank), false);
        if (rank < asks) add(book.at("ask", rank), true);
      }
      return text;
    default:
      return unreachable(order);
  }
}

/**
 * The decimals with which a book gives the checksum that came with it; null where none do. Exchanges that pad numbers in
 * checksums and not in frames do not say in the frame how many digits an instrument has, but its first checksum tells.
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

/** The most decimals that the best levels of a book are written with. */
export function seenDigits(book: OrderBook, rule: ChecksumRule): NumberDigits {
  let price = 0;
  let size = 0;
  for (const side of ["bid", "ask"] as const) {
    for (let rank = 0; rank < rule.depth; rank++) {
      const level = book.at(side, rank);
      if (level === undefined) break;
      price = Math.max(price, decimalsOf(level[0]));
      size = Math.max(size, decimalsOf(level[1]));
    }
  }
  return { price: rule.priceDigits ?? price, size: rule.sizeDigits ?? size };
}

function numberText(text: Decimal, rule: ChecksumRule, digits: number): string {
  switch (rule.numbers) {
    case "as_received":
      return text;
    case "shortest":
      return String(Number(text));
    case "padded":
      return padded(text, digits);
    default:
      return unreachable(rule.numbers);
  }
}

/** `0.05005` with 7 decimals is `500500`: as many decimals as the instrument has, no point, no leading zeros. */
function padded(text: Decimal, digits: number): string {
  const plain = isPlain(text) ? text : plainText(text);
  const point = plain.indexOf(".");
  const whole = point < 0 ? plain : plain.slice(0, point);
  const fraction = point < 0 ? "" : plain.slice(point + 1);
  const all = whole + fraction.padEnd(digits, "0");
  let start = 0;
  while (start < all.length && all.charCodeAt(start) === 48) start++;
  return all.slice(start);
}

function decimalsOf(text: Decimal): number {
  const plain = isPlain(text) ? text : plainText(text);
  const point = plain.indexOf(".");
  return point < 0 ? 0 : plain.length - point - 1;
}

function isPlain(text: Decimal): boolean {
  return !text.includes("e") && !text.includes("E");
}

/** `1.5e-3` as `0.0015`: JSON numbers may come with an exponent. */
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

function negative(text: string): string {
  return text.startsWith("-") ? text : `-${text}`;
}
