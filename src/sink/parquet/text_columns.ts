import { type DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "../../model/mod.ts";
import type { Column, EncodedColumn } from "./columns.ts";
import { FIRST_CAPACITY, grown, levelsOf, NumberRuns, RunWriter } from "./runs.ts";

/** Longest number as text, in bytes. */
const DIGITS_BYTES_MAX = 26;
/** Longest text that stands as a bound in the footer, in UTF-16 code units. */
const BOUND_CHARS_MAX = 64;

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

/** Null if there is none, or one is too long for the footer. */
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
