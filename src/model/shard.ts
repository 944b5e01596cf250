import { createHash } from "node:crypto";
import { parseCanonicalSymbol } from "./instrument.ts";

/** One of several equal shares of all streams: `index` counts from 1 to `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Parses a share such as `2/5`; null if the text is not one. */
export function parseShard(text: string): Shard | null {
  const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text);
  if (match === null) return null;
  const [index, count] = [Number(match[1]), Number(match[2])];
  return index <= count ? { index, count } : null;
}

/**
 * Returns the key that assigns a symbol of an exchange to a share. All instruments of one base asset share a key,
 * because their streams belong together (an index carries the name of its spot pair). `isWhole`: the exchange cannot be
 * divided, because one counter runs over all frames of a socket.
 */
export function shardKey(exchange: string, symbol: string, isWhole: boolean): string {
  return isWhole ? exchange : `${exchange} ${parseCanonicalSymbol(symbol)?.base ?? symbol}`;
}

/**
 * Whether a key belongs to a share, by rendezvous hashing (Thaler and Ravishankar, 1998): each share has a weight for
 * each key, and the greatest wins. Adding a share moves only the keys that it wins.
 */
export function isInShard({ index, count }: Shard, key: string): boolean {
  return shareOf(key, count) === index;
}

/** Returns the share that a key belongs to, from 1 to `count`. */
export function shareOf(key: string, count: number): number {
  let best = 1;
  let most = rendezvousWeight(key, 1);
  for (let share = 2; share <= count; share++) {
    const one = rendezvousWeight(key, share);
    if (one > most) [best, most] = [share, one];
  }
  return best;
}

/** Returns what a share is worth to a key, or a member to a share: the greatest wins. Below 2^48. */
export function rendezvousWeight(key: string, share: number): number {
  return createHash("sha256").update(`${share} ${key}`).digest().readUIntBE(0, 6);
}

/** Returns the key of a connection that serves one share of a group: `public#s3` of `public`, `public#s3.2` of `public#2`. */
export function shareConnectionKey(key: string, share: number): string {
  const [connection, ...further] = key.split("#");
  return [`${connection}#s${share}`, ...further].join(".");
}

/** Returns the key that all sockets of a connection share: the second, third … carry `~2`, `~3` … behind it. */
export function familyOf(connection: string): string {
  const at = connection.indexOf("~");
  return at < 0 ? connection : connection.slice(0, at);
}

/** Returns the share that a connection serves; null if it does not serve a single share. */
export function shareOfConnection(key: string): number | null {
  const match = /#s(\d+)/.exec(key);
  return match === null ? null : Number(match[1]);
}
