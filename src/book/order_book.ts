import { type Decimal, doubleFromDecimal, isZero, type Level } from "../model/mod.ts";
import { compareDecimals } from "./decimal_order.ts";

/** The two sides of a book. */
export type BookSide = "bid" | "ask";

/** Both sides of a book as lists, best first. */
export interface BookLevels {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/**
 * The levels of one instrument's book. Prices are told apart as exact decimals, whatever their spelling; the texts are
 * kept as they came, a changed level with its latest spelling. A size of zero removes a level, and removing what is not
 * there does nothing: exchanges send such deletes of levels that they never showed.
 */
export class OrderBook {
  readonly #bids = new SideLevels(1);
  readonly #asks = new SideLevels(-1);

  /** How many levels there are on both sides. */
  get size(): number {
    return this.#bids.size + this.#asks.size;
  }

  /** Whether the best bid is at or above the best ask: no exchange leaves such a book standing. */
  get isCrossed(): boolean {
    const bid = this.#bids.at(0);
    const ask = this.#asks.at(0);
    if (bid === undefined || ask === undefined) return false;
    const distance = this.#bids.bestKey + this.#asks.bestKey;
    return distance > 0 || (distance === 0 && compareDecimals(bid[0], ask[0]) >= 0);
  }

  /** Takes the place of all levels. Lists may be in any order; of a price that is given twice the last one counts. */
  applySnapshot(bids: readonly Level[], asks: readonly Level[]): void {
    this.#bids.replace(bids);
    this.#asks.replace(asks);
  }

  /** Sets the absolute sizes of levels, in the order given. */
  applyDelta(bids: readonly Level[], asks: readonly Level[]): void {
    for (let i = 0; i < bids.length; i++) this.#bids.set(bids[i]);
    for (let i = 0; i < asks.length; i++) this.#asks.set(asks[i]);
  }

  /** How many levels a side has. */
  depth(side: BookSide): number {
    return this.#side(side).size;
  }

  /** The level at a rank, 0 being the best; undefined past the last one. */
  at(side: BookSide, rank: number): Level | undefined {
    return this.#side(side).at(rank);
  }

  /** The best level of a side; undefined where it is empty. */
  best(side: BookSide): Level | undefined {
    return this.#side(side).at(0);
  }

  /** The best `count` levels of a side, best first. */
  top(side: BookSide, count: number): readonly Level[] {
    return this.#side(side).top(count);
  }

  /** All levels, best first. */
  levels(): BookLevels {
    return { bids: this.#bids.top(Infinity), asks: this.#asks.top(Infinity) };
  }

  /** Cuts each side to its best `depth` levels. */
  truncate(depth: number): void {
    this.#bids.truncate(depth);
    this.#asks.truncate(depth);
  }

  clear(): void {
    this.#bids.truncate(0);
    this.#asks.truncate(0);
  }

  #side(side: BookSide): SideLevels {
    return side === "bid" ? this.#bids : this.#asks;
  }
}

/**
 * One side, sorted with the best level last: changes happen near the best price, and there an array is cheap to change.
 * Beside each level stands its price as a double (of asks the negative one), which decides nearly every comparison:
 * rounding keeps the order, so only equal doubles need their texts compared.
 */
class SideLevels {
  readonly #sign: 1 | -1;
  #keys: number[] = [];
  #levels: Level[] = [];

  /** `sign`: 1 where high prices are better, -1 where low ones are. */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  get size(): number {
    return this.#levels.length;
  }

  /** The best level's price as a double, of asks the negative one; NaN where there is none. */
  get bestKey(): number {
    return this.#keys.at(-1) ?? NaN;
  }

  at(rank: number): Level | undefined {
    return this.#levels[this.#levels.length - 1 - rank];
  }

  top(count: number): readonly Level[] {
    const { length } = this.#levels;
    return this.#levels.slice(Math.max(0, length - count)).reverse();
  }

  truncate(depth: number): void {
    const excess = this.#levels.length - depth;
    if (excess <= 0) return;
    this.#levels.splice(0, excess);
    this.#keys.splice(0, excess);
  }

  replace(levels: readonly Level[]): void {
    const sign = this.#sign;
    if (this.#replaceOrdered(levels)) return;
    const sorted = levels.filter(([, size]) => !isZero(size)).map((level) => ({
      key: sign * doubleFromDecimal(level[0]),
      level,
    }));
    sorted.sort((left, right) => left.key - right.key || sign * compareDecimals(left.level[0], right.level[0]));
    this.#keys = [];
    this.#levels = [];
    for (let i = 0; i < sorted.length; i++) {
      const { key, level } = sorted[i];
      const next = sorted[i + 1];
      // The sort is stable: of equal prices the later one of the list stands last.
      if (next !== undefined && next.key === key && compareDecimals(next.level[0], level[0]) === 0) continue;
      this.#keys.push(key);
      this.#levels.push(level);
    }
  }

  /** The usual case: best first, each price once. False where the list is not so. */
  #replaceOrdered(levels: readonly Level[]): boolean {
    const count = levels.length;
    const keys = new Array<number>(count);
    const ordered = new Array<Level>(count);
    for (let i = 0; i < count; i++) {
      const key = this.#sign * doubleFromDecimal(levels[i][0]);
      if (isZero(levels[i][1]) || (i > 0 && !(key < keys[count - i]))) return false;
      keys[count - 1 - i] = key;
      ordered[count - 1 - i] = levels[i];
    }
    this.#keys = keys;
    this.#levels = ordered;
    return true;
  }

  set(level: Level): void {
    const [price, size] = level;
    const key = this.#sign * doubleFromDecimal(price);
    const place = this.#search(key, price);
    if (isZero(size)) {
      if (place >= 0) this.#remove(place);
    } else if (place >= 0) this.#levels[place] = level;
    else this.#insert(~place, key, level);
  }

  /** The index of a price, or the complement of the index where it would stand. */
  #search(key: number, price: Decimal): number {
    const keys = this.#keys;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = keys[middle];
      const order = other === key ? this.#sign * compareDecimals(this.#levels[middle][0], price) : other - key;
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return ~low;
  }

  #insert(index: number, key: number, level: Level): void {
    const keys = this.#keys;
    const levels = this.#levels;
    if (keys.length - index > MOVED_MAX) {
      keys.splice(index, 0, key);
      levels.splice(index, 0, level);
      return;
    }
    keys.push(key);
    levels.push(level);
    for (let i = keys.length - 1; i > index; i--) {
      keys[i] = keys[i - 1];
      levels[i] = levels[i - 1];
    }
    keys[index] = key;
    levels[index] = level;
  }

  #remove(index: number): void {
    const keys = this.#keys;
    const levels = this.#levels;
    const last = keys.length - 1;
    if (last - index > MOVED_MAX) {
      keys.splice(index, 1);
      levels.splice(index, 1);
      return;
    }
    for (let i = index; i < last; i++) {
      keys[i] = keys[i + 1];
      levels[i] = levels[i + 1];
    }
    keys.pop();
    levels.pop();
  }
}

/** Up to so many levels that are better than a new or removed one are moved one by one, which needs no list of its own. */
const MOVED_MAX = 64;
