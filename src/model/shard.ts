import { createHash } from "node:crypto";
import { parseCanonicalSymbol } from "./instrument.ts";

/** One of several equal shares of all streams: `index` counts from 1 to `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Reads a share as `2/5`; null where the text is none. */
export function parseShard(text: string): Shard | null {
  const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text);
  if (match === null) return null;
  const [index, count] = [Number(match[1]), Number(match[2])];
  return index <= count ? { index, count } : null;
}

/**
 * Returns what decides into which share a symbol of an exchange falls: all instruments of one base asset belong together,
 * as their streams do (an index carries the name of its spot pair). `isWhole`: the exchange's streams cannot be told
 * apart, because one counter runs over all of a socket's frames.
 */
export function shardKey(exchange: string, symbol: string, isWhole: boolean): string {
  return isWhole ? exchange : `${exchange} ${parseCanonicalSymbol(symbol)?.base ?? symbol}`;
}

/**
 * Whether a key falls into a share, by rendezvous hashing (Thaler and Ravishankar, 1998): each share has a weight for each
 * key, and the greatest wins. With one share more only the keys that it wins move.
 */
export function isInShard({ index, count }: Shard, key: string): boolean {
  return shareOf(key, count) === index;
}

/** Returns the share of `count` that a key falls into, from 1. */
export function shareOf(key: string, count: number): number {
  let best = 1;
  let most = weight(key, 1);
  for (let share = 2; share <= count; share++) {
    const one = weight(key, share);
    if (one > most) [best, most] = [share, one];
  }
  return best;
}

function weight(key: string, share: number): number {
  return createHash("sha256").update(`${share} ${key}`).digest().readUIntBE(0, 6);
}

/** Returns the key of a connection that serves one share of a group: `public#s3` of `public`, `public#s3.2` of `public#2`. */
export function shareConnectionKey(key: string, share: number): string {
  const [connection, ...further] = key.split("#");
  return [`${connection}#s${share}`, ...further].join(".");
}

/** Returns the share that a connection serves; null where it serves none alone. */
export function shareOfConnection(key: string): number | null {
  const match = /#s(\d+)/.exec(key);
  return match === null ? null : Number(match[1]);
}
