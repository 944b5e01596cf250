import { type Decimal, isZero } from "../decimal.ts";

/** Scale that marks null. */
export const SCALE_NULL = 254;
/** Scale that marks a value kept as text: its coefficient is the text's index in the side table. */
export const SCALE_TEXT = 255;
/** Most decimals of a number: 10^22 is the largest power of ten that a double holds exactly. */
const SCALE_MAX = 22;
/** Longest text that is stored as a number: sign, point, and a zero before SCALE_MAX decimals. */
const NUMBER_BYTES_MAX = SCALE_MAX + 3;
/** Initial capacity of a column, in rows. */
const FIRST_ROWS = 16;

/** Ranges of fewer rows are copied one by one, which allocates no view. */
const COPIED_AT_ONCE_MIN = 24;

/** Buffer for the characters of the text being read. */
const SCRATCH = new Uint8Array(NUMBER_BYTES_MAX);
const POWERS_OF_TEN = Float64Array.from({ length: SCALE_MAX + 1 }, (_, exponent) => Number(`1e${exponent}`));
const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/**
 * Texts that are mostly decimal numbers: prices, sizes, ids, sequences. A plainly written number (no exponent, no plus
 * sign, no leading zeros, not `-0`, digits whose value is below 2^53, at most 22 decimals) is stored as an integer
 * coefficient and a scale, which keep every digit: `0.050` is 50 with scale 3. Any other text is kept in a side table.
 * Appending a number allocates nothing.
 */
export class DigitsColumn {
  /** The digits as an integer; for texts the index into the side table. Valid up to `length`. */
  coefficients: Float64Array<ArrayBuffer>;
  /** Number of decimals, or SCALE_NULL or SCALE_TEXT. Valid up to `length`. */
  scales: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly #texts: string[] = [];
  /** Characters in the side table plus one per text; 0 if it is empty. */
  textChars = 0;

  /** `rows` is the initial capacity. */
  constructor(rows = FIRST_ROWS) {
    this.coefficients = new Float64Array(rows);
    this.scales = new Uint8Array(rows);
  }

  /** Appends a text, or null. */
  append(text: string | null): void {
    if (text === null) return this.appendNull();
    const { length } = text;
    if (length > NUMBER_BYTES_MAX) return this.#appendText(text);
    const scratch = SCRATCH;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      scratch[i] = code < 128 ? code : 0;
    }
    if (!this.appendBytes(scratch, 0, length)) this.#appendText(text);
  }

  /**
   * Appends the number whose ASCII text is `[start, end)`. Returns false and appends nothing if it is not written
   * plainly.
   */
  appendBytes(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > NUMBER_BYTES_MAX) return false;
    const isNegative = bytes[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    let value = 0;
    let point = end;
    for (let at = first; at < end; at++) {
      const digit = bytes[at] - ZERO;
      if (digit >= 0 && digit <= 9) value = value * 10 + digit;
      else if (digit === POINT - ZERO && point === end) point = at;
      else return false;
    }
    const scale = point === end ? 0 : end - point - 1;
    if (point === first || point === end - 1 || scale > SCALE_MAX || value > Number.MAX_SAFE_INTEGER) return false;
    if (bytes[first] === ZERO && point > first + 1) return false;
    if (isNegative && value === 0) return false;
    this.appendNumber(isNegative ? -value : value, scale);
    return true;
  }

  /** Appends a coefficient and its scale. */
  appendNumber(coefficient: number, scale: number): void {
    const at = this.length;
    if (at === this.scales.length) this.#grow(at + 1);
    this.coefficients[at] = coefficient;
    this.scales[at] = scale;
    this.length = at + 1;
  }

  appendNull(): void {
    this.appendNumber(0, SCALE_NULL);
  }

  /** Appends the value in a row of another column. */
  copy(from: DigitsColumn, row: number): void {
    const scale = from.scales[row];
    if (scale === SCALE_TEXT) this.#appendText(from.#texts[from.coefficients[row]]);
    else this.appendNumber(from.coefficients[row], scale);
  }

  /** Appends the rows `[start, end)` of another column. */
  copyRange(from: DigitsColumn, start: number, end: number): void {
    const count = end - start;
    if (this.length + count > this.scales.length) this.#grow(this.length + count);
    if (from.textChars > 0 || count < COPIED_AT_ONCE_MIN) {
      for (let row = start; row < end; row++) this.copy(from, row);
      return;
    }
    this.coefficients.set(from.coefficients.subarray(start, end), this.length);
    this.scales.set(from.scales.subarray(start, end), this.length);
    this.length += count;
  }

  /** Returns the text with its original digits; null if the value is null. */
  text(row: number): string | null {
    const scale = this.scales[row];
    const coefficient = this.coefficients[row];
    if (scale === SCALE_NULL) return null;
    return scale === SCALE_TEXT ? this.#texts[coefficient] : decimalText(coefficient, scale);
  }

  /** Whether the value is null. */
  isNull(row: number): boolean {
    return this.scales[row] === SCALE_NULL;
  }

  /** Whether the value is zero, whatever its spelling. */
  isZero(row: number): boolean {
    const scale = this.scales[row];
    if (scale === SCALE_NULL) return false;
    return scale === SCALE_TEXT ? isZero(this.#texts[this.coefficients[row]]) : this.coefficients[row] === 0;
  }

  /** Sets a row to null. */
  setNull(row: number): void {
    this.scales[row] = SCALE_NULL;
  }

  /** Returns the nearest double; NaN if the value is null or its text is no number. */
  double(row: number): number {
    const scale = this.scales[row];
    const coefficient = this.coefficients[row];
    if (scale === 0) return coefficient;
    // Both are exact, so the quotient is the correctly rounded one.
    if (scale <= SCALE_MAX) return coefficient / POWERS_OF_TEN[scale];
    return scale === SCALE_NULL ? NaN : Number(this.#texts[coefficient]);
  }

  /** Returns the text of a value kept as text; null for numbers and nulls. */
  spelling(row: number): string | null {
    return this.scales[row] === SCALE_TEXT ? this.#texts[this.coefficients[row]] : null;
  }

  /** Estimated memory of the rows, in bytes. */
  get bytes(): number {
    return this.length * 9 + this.textChars * 2;
  }

  /** Removes all rows and keeps the capacity. */
  clear(): void {
    this.length = 0;
    this.textChars = 0;
    if (this.#texts.length > 0) this.#texts.length = 0;
  }

  #appendText(text: string): void {
    this.appendNumber(this.#texts.push(text) - 1, SCALE_TEXT);
    this.textChars += text.length + 1;
  }

  #grow(rows: number): void {
    const coefficients = new Float64Array(Math.max(FIRST_ROWS, this.coefficients.length * 2, rows));
    coefficients.set(this.coefficients);
    this.coefficients = coefficients;
    const scales = new Uint8Array(coefficients.length);
    scales.set(this.scales);
    this.scales = scales;
  }
}

/** Returns the digits of a coefficient with `scale` decimals. */
export function decimalText(coefficient: number, scale: number): Decimal {
  const digits = String(coefficient);
  if (scale === 0) return digits;
  const isNegative = coefficient < 0;
  const whole = (isNegative ? digits.slice(1) : digits).padStart(scale + 1, "0");
  const point = whole.length - scale;
  return `${isNegative ? "-" : ""}${whole.slice(0, point)}.${whole.slice(point)}`;
}

/**
 * Writes the digits of a coefficient with `scale` decimals as ASCII and returns where they end. `bytes` must have room
 * for 26 bytes at `at`.
 */
export function writeDecimal(bytes: Uint8Array, at: number, coefficient: number, scale: number): number {
  let value = coefficient;
  let start = at;
  if (value < 0) {
    bytes[start++] = MINUS;
    value = -value;
  }
  let length = digitCount(value);
  if (length <= scale) length = scale + 1;
  const end = start + length + (scale > 0 ? 1 : 0);
  let place = end - 1;
  let left = scale;
  // Integers of 32 bits are divided much faster.
  for (; value > 0x7fffffff; left--) {
    if (left === 0 && scale > 0) bytes[place--] = POINT;
    const rest = Math.floor(value / 10);
    bytes[place--] = ZERO + (value - rest * 10);
    value = rest;
  }
  let small = value | 0;
  for (; place >= start; left--) {
    if (left === 0 && scale > 0) bytes[place--] = POINT;
    const rest = (small / 10) | 0;
    bytes[place--] = ZERO + (small - rest * 10);
    small = rest;
  }
  return end;
}

function digitCount(value: number): number {
  let count = 1;
  while (count < POWERS_OF_TEN.length && value >= POWERS_OF_TEN[count]) count++;
  return count;
}

/**
 * Compares two numbers exactly, each given as coefficient and scale; negative if the left one is less. Neither scale
 * may be SCALE_NULL or SCALE_TEXT.
 */
export function compareNumbers(left: number, leftScale: number, right: number, rightScale: number): number {
  if (leftScale === rightScale) return left - right;
  const rough = left / POWERS_OF_TEN[leftScale] - right / POWERS_OF_TEN[rightScale];
  if (rough !== 0) return rough;
  const shift = leftScale - rightScale;
  const exact = shift > 0
    ? BigInt(left) - BigInt(right) * 10n ** BigInt(shift)
    : BigInt(left) * 10n ** BigInt(-shift) - BigInt(right);
  return exact > 0n ? 1 : exact < 0n ? -1 : 0;
}
