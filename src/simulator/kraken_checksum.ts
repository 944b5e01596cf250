import { crc32 } from "node:zlib";
import type { BookLevel } from "./order_book.ts";

/** Levels a side that the checksum covers, whatever the depth subscribed to. */
const CHECKSUM_LEVELS = 10;

/**
 * The v2 book checksum: for the ten best asks and then the ten best bids, price and size written with all digits of
 * their precision, without point and leading zeros, joined; CRC-32, unsigned. A count of ticks or units written in
 * decimal is exactly that text.
 */
export function krakenChecksum(asks: readonly BookLevel[], bids: readonly BookLevel[]): number {
  let text = "";
  for (const side of [asks, bids]) {
    for (const level of side.slice(0, CHECKSUM_LEVELS)) text += `${level.price}${level.size}`;
  }
  return crc32(text);
}
