import type { DigitsColumn, Level, LevelRange } from "../model/mod.ts";
import { LevelSlots } from "./level_slots.ts";

/** Most levels of one run; a full one is split in two. */
const RUN_LEVELS_MAX = 128;

/** Consecutive levels, worst first. */
class Run {
  /** Prices as doubles, negated for asks. */
  readonly keys = new Float64Array(RUN_LEVELS_MAX);
  readonly slots = new Uint32Array(RUN_LEVELS_MAX);
  length = 0;

  insert(place: number, key: number, slot: number): void {
    const { keys, slots } = this;
    // Most changes are near the best price, which is at the end, so little has to move.
    for (let i = this.length; i > place; i--) {
      keys[i] = keys[i - 1];
      slots[i] = slots[i - 1];
    }
    keys[place] = key;
    slots[place] = slot;
    this.length++;
  }

  remove(place: number): void {
    const { keys, slots } = this;
    const last = this.length - 1;
    for (let i = place; i < last; i++) {
      keys[i] = keys[i + 1];
      slots[i] = slots[i + 1];
    }
    this.length = last;
  }
}

/**
 * One side of a book in sorted runs, the best level last. A level is found by binary search over the runs and within
 * one, and a change moves at most the levels of its run. The digits of a level are in a slot that it keeps for its
 * life. Each slot has the price as a double too (negated for asks), which decides nearly every comparison: rounding
 * keeps the order, so only for equal doubles are digits compared.
 */
export class SideLevels {
  readonly #sign: 1 | -1;
  /** Empty only if the side is. */
  #runs: Run[] = [];
  /** The worst key of each run, in one list, so that the binary search over runs touches no run. */
  #heads: number[] = [];
  readonly #slots = new LevelSlots();
  #size = 0;
  /** Result of the last `#search`: run, and index in it. */
  #run = 0;
  #place = 0;

  /** `sign`: 1 if high prices are better, -1 if low ones are. */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  get size(): number {
    return this.#size;
  }

  /** The digits of the levels, by slot. */
  get digits(): LevelSlots {
    return this.#slots;
  }

  /** The best level's price as a double, negated for asks; NaN if the side is empty. */
  get bestKey(): number {
    const last = this.#runs.at(-1);
    return last === undefined ? NaN : last.keys[last.length - 1];
  }

  /** Returns the slot of the level at a rank, 0 being the best; -1 past the last one. */
  slotAt(rank: number): number {
    let left = rank;
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at];
      if (left < run.length) return run.slots[run.length - 1 - left];
      left -= run.length;
    }
    return -1;
  }

  /** Returns the level at a rank as texts; undefined past the last one. */
  at(rank: number): Level | undefined {
    const slot = this.slotAt(rank);
    return slot < 0 ? undefined : this.#slots.level(slot);
  }

  /** Calls `visit` with the slots of the best `count` levels, best first. */
  each(count: number, visit: (slot: number) => void): void {
    let left = Math.min(count, this.#size);
    for (let at = this.#runs.length - 1; left > 0; at--) {
      const { slots, length } = this.#runs[at];
      for (let place = length - 1; place >= 0 && left > 0; place--, left--) visit(slots[place]);
    }
  }

  /** Cuts the side to its best `depth` levels. */
  truncate(depth: number): void {
    while (this.#size > depth) {
      const [worst] = this.#runs;
      const excess = Math.min(worst.length, this.#size - depth);
      for (let place = 0; place < excess; place++) this.#slots.free(worst.slots[place]);
      worst.keys.copyWithin(0, excess, worst.length);
      worst.slots.copyWithin(0, excess, worst.length);
      worst.length -= excess;
      this.#size -= excess;
      if (worst.length === 0) this.#dropRun(0);
      else this.#heads[0] = worst.keys[0];
    }
  }

  clear(): void {
    this.#runs = [];
    this.#heads = [];
    this.#slots.clear();
    this.#size = 0;
  }

  /** Replaces all levels. They may be in any order; of a repeated price the last one counts. */
  replace({ levels, start, end }: LevelRange): void {
    this.clear();
    const { prices, sizes } = levels;
    // Lists come best first: read from the end, every level is better than all before.
    for (let row = end - 1; row >= start; row--) {
      if (sizes.isZero(row)) continue;
      const key = this.#sign * prices.double(row);
      if (!this.#search(key, prices, row)) this.#insert(key, this.#slots.allocate(levels, row));
    }
  }

  /** Sets the absolute sizes of levels, in the order given. */
  change({ levels, start, end }: LevelRange): void {
    const { prices, sizes } = levels;
    for (let row = start; row < end; row++) {
      const key = this.#sign * prices.double(row);
      const isFound = this.#search(key, prices, row);
      if (sizes.isZero(row)) {
        if (isFound) this.#remove();
      } else if (isFound) this.#slots.set(this.#runs[this.#run].slots[this.#place], levels, row);
      else this.#insert(key, this.#slots.allocate(levels, row));
    }
  }

  /** Finds a price; if it is missing, `#run` and `#place` are where it would be inserted. */
  #search(key: number, prices: DigitsColumn, row: number): boolean {
    const runs = this.#runs;
    const heads = this.#heads;
    const last = heads.length - 1;
    if (last < 0) {
      this.#run = 0;
      this.#place = 0;
      return false;
    }
    let at = last;
    // The last run that begins at or below the price; prices with equal doubles may be in two runs.
    if (key <= heads[last]) {
      let low = 0;
      let high = last;
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        const head = heads[middle];
        if (head < key || (head === key && this.#compare(runs[middle], 0, prices, row) <= 0)) low = middle;
        else high = middle - 1;
      }
      at = low;
    }
    const run = runs[at];
    const keys = run.keys;
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = keys[middle];
      const order = other === key ? this.#compare(run, middle, prices, row) : other - key;
      if (order === 0) {
        this.#run = at;
        this.#place = middle;
        return true;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.#run = at;
    this.#place = low;
    return false;
  }

  /** Compares a level of a run with a price of the same double; negative if the level is worse. */
  #compare(run: Run, place: number, prices: DigitsColumn, row: number): number {
    return this.#sign * this.#slots.comparePrice(run.slots[place], prices, row);
  }

  #insert(key: number, slot: number): void {
    const runs = this.#runs;
    this.#size++;
    if (runs.length === 0) {
      runs.push(new Run());
      this.#heads.push(key);
    }
    let run = runs[this.#run];
    if (run.length === RUN_LEVELS_MAX) run = this.#split(run);
    run.insert(this.#place, key, slot);
    if (this.#place === 0) this.#heads[this.#run] = key;
  }

  /** Splits a full run; returns the one that now contains the found place. */
  #split(run: Run): Run {
    const better = new Run();
    // Levels appended at the best end usually continue there, so the full run stays full.
    const keep = this.#place === RUN_LEVELS_MAX ? RUN_LEVELS_MAX : RUN_LEVELS_MAX / 2;
    better.keys.set(run.keys.subarray(keep));
    better.slots.set(run.slots.subarray(keep));
    better.length = RUN_LEVELS_MAX - keep;
    run.length = keep;
    this.#runs.splice(this.#run + 1, 0, better);
    this.#heads.splice(this.#run + 1, 0, better.keys[0]);
    if (this.#place < keep) return run;
    this.#run++;
    this.#place -= keep;
    return better;
  }

  #remove(): void {
    const run = this.#runs[this.#run];
    this.#slots.free(run.slots[this.#place]);
    run.remove(this.#place);
    this.#size--;
    if (run.length === 0) this.#dropRun(this.#run);
    else if (this.#place === 0) this.#heads[this.#run] = run.keys[0];
  }

  #dropRun(at: number): void {
    this.#runs.splice(at, 1);
    this.#heads.splice(at, 1);
  }
}
