import { EXPRESSION_DIGITS_MAX } from "../model/mod.ts";

/**
 * Exact arithmetic on decimal text. No function throws: the result is null if an operand is no decimal number or the
 * result would need more than EXPRESSION_DIGITS_MAX digits. Trailing zeros are kept as on paper: 1.10 + 2 is 3.10, and
 * 1.10 × 2.0 is 2.200.
 */

/** `units` × 10^-`scale`; the scale may be negative. */
interface Fixed {
  readonly units: bigint;
  readonly scale: number;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;
const ZERO: Fixed = { units: 0n, scale: 0 };

/** Sign and digits without leading zeros of a decimal: value = 0.DIGITS × 10^`magnitude`. Zero has no digits. */
interface Digits {
  readonly negative: boolean;
  readonly digits: string;
  readonly magnitude: number;
}

function readDigits(text: string): Digits | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  if (whole.length + fraction.length === 0) return null;
  const all = whole + fraction;
  let start = 0;
  while (start < all.length && all.charCodeAt(start) === 48) start++;
  let end = all.length;
  while (end > start && all.charCodeAt(end - 1) === 48) end--;
  if (start === end) return { negative: false, digits: "", magnitude: 0 };
  return { negative: sign === "-", digits: all.slice(start, end), magnitude: whole.length - start + Number(exponent) };
}

/** Whether text is a decimal number, with an exponent of at most nine digits. */
export function isNumber(text: string): boolean {
  return mayBeNumber(text) && readDigits(text) !== null;
}

/**
 * Whether text may be a number, tested cheaply to save the pattern: it begins with a digit, sign or point, and ends
 * with a digit or point.
 */
export function mayBeNumber(text: string): boolean {
  if (text.length === 0) return false;
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return ((first >= 48 && first <= 57) || first === 45 || first === 43 || first === 46) &&
    ((last >= 48 && last <= 57) || last === 46);
}

/**
 * Returns -1, 0 or 1 if a is less than, equal to or greater than b, exactly, at any length; null if one is no number.
 */
export function compareNumbers(a: string, b: string): -1 | 0 | 1 | null {
  if (!mayBeNumber(a) || !mayBeNumber(b)) return null;
  if (isShortPlain(a) && isShortPlain(b)) {
    const difference = Number(a) - Number(b);
    return difference < 0 ? -1 : difference > 0 ? 1 : difference === 0 ? 0 : null;
  }
  const left = readDigits(a);
  const right = readDigits(b);
  if (left === null || right === null) return null;
  const leftSign = signOf(left);
  const rightSign = signOf(right);
  if (leftSign !== rightSign) return leftSign < rightSign ? -1 : 1;
  if (leftSign === 0) return 0;
  const larger = leftSign;
  const smaller = leftSign === 1 ? -1 : 1;
  if (left.magnitude !== right.magnitude) return left.magnitude > right.magnitude ? larger : smaller;
  if (left.digits === right.digits) return 0;
  return left.digits > right.digits ? larger : smaller;
}

/** Most characters of plain decimals that always convert to different doubles if they differ in value. */
const SHORT_CHARS_MAX = 15;

/** Whether text is an optional minus and few digits and points, so that doubles compare it exactly. */
function isShortPlain(text: string): boolean {
  if (text.length > SHORT_CHARS_MAX) return false;
  for (let i = text.charCodeAt(0) === 45 ? 1 : 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 48 || code > 57) && code !== 46) return false;
  }
  return true;
}

/** Returns the sign of a number: -1, 0 or 1; null if the text is no number. */
export function signOfNumber(text: string): -1 | 0 | 1 | null {
  if (!mayBeNumber(text)) return null;
  const digits = readDigits(text);
  return digits === null ? null : signOf(digits);
}

function signOf(value: Digits): -1 | 0 | 1 {
  return value.digits === "" ? 0 : value.negative ? -1 : 1;
}

function readFixed(text: string): Fixed | null {
  if (!mayBeNumber(text)) return null;
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  if (whole.length + fraction.length === 0) return null;
  if (whole.length + fraction.length > EXPRESSION_DIGITS_MAX) return null;
  const units = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  if (units === 0n) return { units, scale: Math.min(Math.max(scale, 0), EXPRESSION_DIGITS_MAX) };
  if (Math.abs(scale) > EXPRESSION_DIGITS_MAX) return null;
  return { units: sign === "-" ? -units : units, scale };
}

function writeFixed(value: Fixed): string | null {
  const { scale } = value;
  const negative = value.units < 0n;
  const units = (negative ? -value.units : value.units).toString();
  if (units.length + Math.abs(scale) > 2 * EXPRESSION_DIGITS_MAX) return null;
  let text: string;
  if (scale <= 0) text = units === "0" ? units : units + "0".repeat(-scale);
  else {
    const padded = units.padStart(scale + 1, "0");
    text = `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  if (text.length > EXPRESSION_DIGITS_MAX + 1) return null;
  return negative ? `-${text}` : text;
}

function scaled(value: Fixed, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

/** Returns the sum of the terms. */
export function addNumbers(terms: readonly string[]): string | null {
  let sum = ZERO;
  for (const term of terms) {
    const value = readFixed(term);
    if (value === null) return null;
    const scale = Math.max(sum.scale, value.scale);
    sum = { units: scaled(sum, scale) + scaled(value, scale), scale };
  }
  return writeFixed(sum);
}

/** Returns the product of the factors. */
export function multiplyNumbers(factors: readonly string[]): string | null {
  let product: Fixed = { units: 1n, scale: 0 };
  for (const factor of factors) {
    const value = readFixed(factor);
    if (value === null) return null;
    product = { units: product.units * value.units, scale: product.scale + value.scale };
    if (Math.abs(product.scale) > 2 * EXPRESSION_DIGITS_MAX) return null;
    if (product.units.toString(16).length > 2 * EXPRESSION_DIGITS_MAX) return null;
  }
  return writeFixed(product);
}

/** Returns the quotient with exactly `digits` decimals, half rounded away from zero; null if the divisor is zero. */
export function divideNumbers(dividend: string, divisor: string, digits: number): string | null {
  const left = readFixed(dividend);
  const right = readFixed(divisor);
  if (left === null || right === null || right.units === 0n) return null;
  if (digits < 0 || digits > EXPRESSION_DIGITS_MAX) return null;
  const shift = digits + right.scale - left.scale;
  let numerator = left.units;
  let denominator = right.units;
  if (shift >= 0) numerator *= 10n ** BigInt(shift);
  else denominator *= 10n ** BigInt(-shift);
  const negative = (numerator < 0n) !== (denominator < 0n);
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const rounded = (top * 2n + bottom) / (bottom * 2n);
  return writeFixed({ units: negative ? -rounded : rounded, scale: digits });
}

/** Returns the number with its sign inverted and its digits unchanged. */
export function negateNumber(text: string): string | null {
  const sign = signOfNumber(text);
  if (sign === null) return null;
  const bare = withoutSign(text);
  return sign === 1 ? `-${bare}` : bare;
}

/** Returns the number without its sign and its digits unchanged. */
export function absoluteNumber(text: string): string | null {
  return signOfNumber(text) === null ? null : withoutSign(text);
}

function withoutSign(text: string): string {
  return text.startsWith("-") || text.startsWith("+") ? text.slice(1) : text;
}
