/**
 * Growable columns that turn into Parquet values. Events repeat much (all levels of a book event share its times and
 * sequences), so a column keeps runs: a value and how often it stands in a row. Memory is that of the runs alone.
 * Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { FIRST_CAPACITY, grown, levelsOf, NumberRuns, RunWriter } from "./runs.ts";

/** A column's values, ready for a page. Numbers are little-endian. */
export interface EncodedColumn {
  /** Values that are not null, PLAIN; or indexes into the dictionary as RLE runs behind their bit width. */
  readonly values: Uint8Array;
  readonly dictionary: { readonly values: Uint8Array; readonly count: number } | null;
  /** Definition levels (0 null, 1 there) as RLE runs; null for a column that is never null. */
  readonly levels: Uint8Array | null;
  readonly nulls: number;
  readonly min: number | null;
  readonly max: number | null;
  /** First and last text in the order of their UTF-8 bytes; null if it is not known. */
  readonly words: { readonly first: string; readonly last: string } | null;
}

/** A column under construction. */
export interface Column {
  /** Memory it holds, or needs when it is encoded if that is more, in bytes. */
  readonly bytes: number;
  /** The values; good until the column is cleared. */
  encode(): EncodedColumn;
  /** Forgets all values and keeps the room. */
  clear(): void;
}

/** Integers below 2^53 (INT64), null allowed where the column is nullable. */
export class IntegerColumn implements Column {
  readonly #runs = new NumberRuns();
  readonly #nullable: boolean;
  /** Encoded values; its room is kept. */
  #words = new Uint32Array(0);

  constructor(nullable: boolean) {
    this.#nullable = nullable;
  }

  append(value: number | null, count: number): void {
    this.#runs.append(value ?? NaN, count);
  }

  get bytes(): number {
    return this.#runs.bytes;
  }

  clear(): void {
    this.#runs.clear();
  }

  encode(): EncodedColumn {
    const runs = this.#runs;
    const { levels, nulls } = levelsOf(runs, this.#nullable);
    const count = (runs.rows - nulls) * 2;
    if (this.#words.length < count) this.#words = new Uint32Array(count);
    const words = this.#words.subarray(0, count);
    let at = 0;
    let min = Infinity;
    let max = -Infinity;
    for (let run = 0; run < runs.length; run++) {
      const value = runs.value(run);
      if (Number.isNaN(value)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
      const low = value >>> 0;
      const high = Math.floor(value / 4294967296) >>> 0;
      for (let left = runs.count(run); left > 0; left--) {
        words[at++] = low;
        words[at++] = high;
      }
    }
    return { values: bytesOf(words), dictionary: null, levels, nulls, words: null, ...range(min, max) };
  }
}

/** Numbers as DOUBLE; NaN stands for null if the column is nullable. */
export class DoubleColumn implements Column {
  #values = new Float64Array(FIRST_CAPACITY);
  #rows = 0;
  #nans = 0;
  readonly #nullable: boolean;

  constructor(nullable: boolean) {
    this.#nullable = nullable;
  }

  append(value: number): void {
    if (this.#rows === this.#values.length) this.#values = grown(this.#values, Float64Array);
    if (Number.isNaN(value)) this.#nans++;
    this.#values[this.#rows++] = value;
  }

  get bytes(): number {
    return this.#rows * 8;
  }

  clear(): void {
    this.#rows = 0;
    this.#nans = 0;
  }

  encode(): EncodedColumn {
    const values = this.#values.subarray(0, this.#rows);
    const nulls = this.#nullable ? this.#nans : 0;
    const levels = new RunWriter(1);
    if (nulls === 0) levels.append(1, this.#rows);
    else for (const value of values) levels.append(Number.isNaN(value) ? 0 : 1, 1);
    const present = nulls === 0 ? values : values.filter((value) => !Number.isNaN(value));
    let min = Infinity;
    let max = -Infinity;
    for (let at = 0; at < present.length; at++) {
      const value = present[at];
      if (value < min) min = value;
      if (value > max) max = value;
    }
    return {
      values: bytesOf(present),
      dictionary: null,
      levels: this.#nullable ? levels.finish() : null,
      nulls,
      words: null,
      ...range(min, max),
    };
  }
}

/** Booleans, null allowed. */
export class BooleanColumn implements Column {
  readonly #runs = new NumberRuns();
  readonly #nullable: boolean;

  constructor(nullable: boolean) {
    this.#nullable = nullable;
  }

  append(value: boolean | null, count: number): void {
    this.#runs.append(value === null ? NaN : value ? 1 : 0, count);
  }

  get bytes(): number {
    return this.#runs.bytes;
  }

  clear(): void {
    this.#runs.clear();
  }

  encode(): EncodedColumn {
    const runs = this.#runs;
    const { levels, nulls } = levelsOf(runs, this.#nullable);
    const values = new Uint8Array((runs.rows - nulls + 7) >> 3);
    let at = 0;
    for (let run = 0; run < runs.length; run++) {
      const value = runs.value(run);
      if (Number.isNaN(value)) continue;
      for (let left = runs.count(run); left > 0; left--, at++) {
        if (value === 1) values[at >> 3] |= 1 << (at & 7);
      }
    }
    return { values, dictionary: null, levels, nulls, words: null, min: null, max: null };
  }
}

function range(min: number, max: number): { min: number | null; max: number | null } {
  return min <= max ? { min, max } : { min: null, max: null };
}

function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
