/**
 * Growable columns that turn into Parquet values. Events repeat much (all levels of a book event share its times and
 * sequences), so a column keeps runs: a value and how often it stands in a row. Memory is that of the runs alone.
 * Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { type DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "../../model/mod.ts";

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
  /** First and last text in the order of their UTF-8 bytes; null where it is not known. */
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

const FIRST_CAPACITY = 32;
/** Longest number as text, in bytes. */
const DIGITS_BYTES_MAX = 26;
/** Longest text that stands as a bound in the footer, in UTF-16 code units. */
const BOUND_CHARS_MAX = 64;

/** Runs of numbers; NaN stands for null. */
class NumberRuns {
  #values = new Float64Array(FIRST_CAPACITY);
  #counts = new Uint32Array(FIRST_CAPACITY);
  #length = 0;
  rows = 0;

  append(value: number, count: number): void {
    this.rows += count;
    const last = this.#length - 1;
    if (last >= 0 && Object.is(this.#values[last], value)) {
      this.#counts[last] += count;
      return;
    }
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length] = value;
    this.#counts[this.#length] = count;
    this.#length++;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#length * 12;
  }

  clear(): void {
    this.#length = 0;
    this.rows = 0;
  }

  value(run: number): number {
    return this.#values[run];
  }

  count(run: number): number {
    return this.#counts[run];
  }

  #grow(): void {
    this.#values = grown(this.#values, Float64Array);
    this.#counts = grown(this.#counts, Uint32Array);
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(array: T, make: new (length: number) => T): T {
  const larger = new make(array.length * 2);
  larger.set(array);
  return larger;
}

/** Writes RLE runs of the RLE/bit-packing hybrid; equal neighbours become one run. */
class RunWriter {
  #bytes = new Uint8Array(64);
  #length = 0;
  readonly #width: number;
  #value = -1;
  #count = 0;

  /** `bits` is the width of a value; its first bytes, where given, stand before the runs. */
  constructor(bits: number, head: readonly number[] = []) {
    this.#width = (bits + 7) >> 3;
    for (const byte of head) this.#push(byte);
  }

  append(value: number, count: number): void {
    if (count === 0) return;
    if (value === this.#value) {
      this.#count += count;
      return;
    }
    this.#end();
    this.#value = value;
    this.#count = count;
  }

  finish(): Uint8Array {
    this.#end();
    return this.#bytes.subarray(0, this.#length);
  }

  #end(): void {
    if (this.#count === 0) return;
    let header = this.#count * 2;
    for (; header > 127; header = Math.floor(header / 128)) this.#push((header % 128) | 128);
    this.#push(header);
    for (let byte = 0; byte < this.#width; byte++) this.#push((this.#value >>> (byte * 8)) & 255);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = grown(this.#bytes, Uint8Array);
    this.#bytes[this.#length++] = byte;
  }
}

function levelsOf(runs: NumberRuns, nullable: boolean): { levels: Uint8Array | null; nulls: number } {
  if (!nullable) return { levels: null, nulls: 0 };
  const writer = new RunWriter(1);
  let nulls = 0;
  for (let run = 0; run < runs.length; run++) {
    const isNull = Number.isNaN(runs.value(run));
    if (isNull) nulls += runs.count(run);
    writer.append(isNull ? 0 : 1, runs.count(run));
  }
  return { levels: writer.finish(), nulls };
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

/** Numbers as DOUBLE; NaN stands for null where the column is nullable. */
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

/** Text that repeats little (ids, sequences, payloads), PLAIN; null allowed where the column is nullable. */
export class TextColumn implements Column {
  readonly #runs = new NumberRuns();
  #bytes = new Uint8Array(FIRST_CAPACITY * 8);
  #length = 0;
  #last: string | null = null;
  /** The number that was added last, where `#last` is null. */
  #lastCoefficient = NaN;
  #lastScale = 0;
  #lastRun = -1;
  #lastBytes = 0;
  #encodedBytes = 0;
  readonly #nullable: boolean;

  constructor(nullable: boolean) {
    this.#nullable = nullable;
  }

  append(text: string | null, count: number): void {
    if (text === null) {
      this.#runs.append(NaN, count);
      return;
    }
    if (text !== this.#last || this.#runs.length !== this.#lastRun) {
      this.#store(text);
      this.#last = text;
    }
    this.#repeat(count);
  }

  /** Adds the text in a row of a column without making it, where it is a number. */
  appendDigits(from: DigitsColumn, row: number, count: number): void {
    const scale = from.scales[row];
    if (scale === SCALE_NULL || scale === SCALE_TEXT) return this.append(from.text(row), count);
    const coefficient = from.coefficients[row];
    const isLast = this.#last === null && this.#lastCoefficient === coefficient && this.#lastScale === scale;
    if (!isLast || this.#runs.length !== this.#lastRun) {
      this.#room(DIGITS_BYTES_MAX);
      const start = this.#length + 4;
      this.#close(writeDecimal(this.#bytes, start, coefficient, scale) - start);
      this.#last = null;
      this.#lastCoefficient = coefficient;
      this.#lastScale = scale;
    }
    this.#repeat(count);
  }

  #repeat(count: number): void {
    this.#encodedBytes += this.#lastBytes * count;
    this.#runs.append(this.#length, count);
    this.#lastRun = this.#runs.length;
  }

  get bytes(): number {
    return Math.max(this.#length, this.#encodedBytes) + this.#runs.bytes;
  }

  clear(): void {
    this.#runs.clear();
    this.#length = 0;
    this.#last = null;
    this.#lastCoefficient = NaN;
    this.#lastRun = -1;
    this.#encodedBytes = 0;
  }

  encode(): EncodedColumn {
    const runs = this.#runs;
    const { levels, nulls } = levelsOf(runs, this.#nullable);
    const size = this.#encodedBytes;
    if (size === this.#length) {
      return {
        values: this.#bytes.subarray(0, size),
        dictionary: null,
        levels,
        nulls,
        words: null,
        min: null,
        max: null,
      };
    }
    const values = new Uint8Array(size);
    let at = 0;
    this.#eachRun((start, end, count) => {
      const piece = this.#bytes.subarray(start, end);
      for (let left = count; left > 0; left--, at += piece.length) values.set(piece, at);
    });
    return { values, dictionary: null, levels, nulls, words: null, min: null, max: null };
  }

  #eachRun(call: (start: number, end: number, count: number) => void): void {
    let start = 0;
    for (let run = 0; run < this.#runs.length; run++) {
      const end = this.#runs.value(run);
      if (Number.isNaN(end)) continue;
      call(start, end, this.#runs.count(run));
      start = end;
    }
  }

  #store(text: string): void {
    this.#room(text.length * 3);
    this.#close(writeText(text, this.#bytes, this.#length + 4));
  }

  /** Makes room for a text of so many bytes and its length. */
  #room(textBytes: number): void {
    while (this.#length + textBytes + 4 > this.#bytes.length) this.#bytes = grown(this.#bytes, Uint8Array);
  }

  /** Ends a text that was written: its length stands before it. */
  #close(length: number): void {
    const at = this.#length;
    for (let byte = 0; byte < 4; byte++) this.#bytes[at + byte] = (length >>> (byte * 8)) & 255;
    this.#length = at + 4 + length;
    this.#lastBytes = 4 + length;
  }
}

function writeText(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return new TextEncoder().encodeInto(text, into.subarray(at)).written;
    into[at + i] = code;
  }
  return text.length;
}

/** Text from a small set (symbols, sides, causes), by dictionary; null allowed where the column is nullable. */
export class WordColumn implements Column {
  readonly #runs = new NumberRuns();
  readonly #indexes = new Map<string, number>();
  readonly #words = new TextColumn(false);
  #last: string | null = null;
  #lastIndex = 0;
  readonly #nullable: boolean;

  constructor(nullable: boolean) {
    this.#nullable = nullable;
  }

  append(text: string | null, count: number): void {
    if (text === null) {
      this.#runs.append(NaN, count);
      return;
    }
    if (text !== this.#last) {
      this.#lastIndex = this.#indexOf(text);
      this.#last = text;
    }
    this.#runs.append(this.#lastIndex, count);
  }

  #indexOf(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    const index = this.#indexes.size;
    this.#indexes.set(text, index);
    this.#words.append(text, 1);
    return index;
  }

  get bytes(): number {
    return this.#runs.bytes + this.#words.bytes * 2;
  }

  clear(): void {
    this.#runs.clear();
    this.#indexes.clear();
    this.#words.clear();
    this.#last = null;
  }

  encode(): EncodedColumn {
    const runs = this.#runs;
    const { levels, nulls } = levelsOf(runs, this.#nullable);
    const bits = Math.max(1, 32 - Math.clz32(Math.max(0, this.#indexes.size - 1)));
    const values = new RunWriter(bits, [bits]);
    for (let run = 0; run < runs.length; run++) {
      const index = runs.value(run);
      if (!Number.isNaN(index)) values.append(index, runs.count(run));
    }
    const words = this.#words.encode().values;
    return {
      values: values.finish(),
      dictionary: { values: words, count: this.#indexes.size },
      levels,
      nulls,
      words: firstAndLast(this.#indexes.keys()),
      min: null,
      max: null,
    };
  }
}

/** Null where there is none, or where one is so long that it is not worth its place in every footer. */
function firstAndLast(words: Iterable<string>): { first: string; last: string } | null {
  let first: string | null = null;
  let last: string | null = null;
  for (const word of words) {
    // What is no text cannot be told in UTF-8 and is written as something else.
    if (word.length > BOUND_CHARS_MAX || /\p{Surrogate}/u.test(word)) return null;
    if (first === null || compareBytes(word, first) < 0) first = word;
    if (last === null || compareBytes(word, last) > 0) last = word;
  }
  return first === null || last === null ? null : { first, last };
}

/** Orders texts as the bytes of their UTF-8 are ordered: by code points. */
export function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    // Code units of surrogates stand below some of the first plane, their code points above all of it.
    const [aHigh, bHigh] = [isSurrogate(a), isSurrogate(b)];
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1;
  }
  return left.length - right.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function range(min: number, max: number): { min: number | null; max: number | null } {
  return min <= max ? { min, max } : { min: null, max: null };
}

function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
