import type { Level } from "../event_values.ts";
import { DigitsColumn } from "./digits_column.ts";

/** Price levels of many book sides, back to back. */
export class LevelColumns {
  readonly prices: DigitsColumn;
  readonly sizes: DigitsColumn;

  /** `levels` is the initial capacity. */
  constructor(levels?: number) {
    this.prices = new DigitsColumn(levels);
    this.sizes = new DigitsColumn(levels);
  }

  get length(): number {
    return this.prices.length;
  }

  append(price: string, size: string): void {
    this.prices.append(price);
    this.sizes.append(size);
  }

  copyRange(from: LevelColumns, start: number, end: number): void {
    this.prices.copyRange(from.prices, start, end);
    this.sizes.copyRange(from.sizes, start, end);
  }

  /** Returns a level as texts. */
  level(row: number): Level {
    return [this.prices.text(row) ?? "", this.sizes.text(row) ?? ""];
  }

  get bytes(): number {
    return this.prices.bytes + this.sizes.bytes;
  }

  /** Removes all levels from row `length` on. */
  truncate(length: number): void {
    this.prices.length = length;
    this.sizes.length = length;
  }

  clear(): void {
    this.prices.clear();
    this.sizes.clear();
  }
}

/** The rows `[start, end)` of level columns: one side of a book event. Read it before its columns are cleared. */
export interface LevelRange {
  readonly levels: LevelColumns;
  readonly start: number;
  readonly end: number;
}

/** One side of a book event: rows of columns, or texts. */
export type LevelSource = LevelRange | readonly Level[];

/** An event whose levels may be rows of columns. */
export type WithLevelSource<E> = E extends { readonly bids: readonly Level[]; readonly asks: readonly Level[] }
  ? Omit<E, "bids" | "asks"> & { readonly bids: LevelSource; readonly asks: LevelSource }
  : E;

/** Returns levels as rows of columns, without a copy if they are columns already. */
export function levelRange(source: LevelSource): LevelRange {
  if ("levels" in source) return source;
  const levels = new LevelColumns();
  for (const [price, size] of source) levels.append(price, size);
  return { levels, start: 0, end: levels.length };
}

/** Copies levels into new columns, which nobody clears. */
export function copyLevels(source: LevelSource): LevelRange {
  const { levels, start, end } = levelRange(source);
  const own = new LevelColumns(end - start);
  own.copyRange(levels, start, end);
  return { levels: own, start: 0, end: own.length };
}

/** Returns the levels as texts. */
export function levelTexts(source: LevelSource): readonly Level[] {
  if (!("levels" in source)) return source;
  const { levels, start, end } = source;
  return Array.from({ length: end - start }, (_, at) => levels.level(start + at));
}

/** One side of each event of a table: a range of the batch's levels. */
export class LevelsColumn {
  readonly levels: LevelColumns;
  starts = new Uint32Array(16);
  ends = new Uint32Array(16);
  length = 0;

  constructor(levels: LevelColumns) {
    this.levels = levels;
  }

  append(source: LevelSource): void {
    const first = this.levels.length;
    if ("levels" in source) this.levels.copyRange(source.levels, source.start, source.end);
    else for (let i = 0; i < source.length; i++) this.levels.append(source[i][0], source[i][1]);
    this.appendRange(first, this.levels.length);
  }

  /** Appends a side whose levels are in the batch's level columns already. */
  appendRange(start: number, end: number): void {
    if (this.length === this.starts.length) {
      this.starts = grown(this.starts);
      this.ends = grown(this.ends);
    }
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  get(row: number): readonly Level[] {
    return levelTexts(this.range(row));
  }

  range(row: number): LevelRange {
    return { levels: this.levels, start: this.starts[row], end: this.ends[row] };
  }

  /** How many levels an event has on this side. */
  count(row: number): number {
    return this.ends[row] - this.starts[row];
  }

  copy(from: LevelsColumn, row: number): void {
    const start = this.levels.length;
    this.levels.copyRange(from.levels, from.starts[row], from.ends[row]);
    this.appendRange(start, this.levels.length);
  }

  clear(): void {
    this.length = 0;
  }
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
