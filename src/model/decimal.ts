/**
 * A decimal number as text, with the exchange's digits: optional sign, digits, optional fraction, optional exponent.
 * Trailing zeros are kept.
 */
export type Decimal = string;

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Whether text is a decimal number. `NaN`, `Infinity`, hexadecimal and empty text are not. */
export function isDecimal(text: string): boolean {
  const length = text.length;
  if (length === 0) return false;
  let dots = 0;
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) digits++;
    else if (code === 46) dots++;
    else if (i > 0 || code !== 45) return DECIMAL.test(text);
  }
  return digits > 0 && dots <= 1;
}

/** Whether a decimal's value is zero, whatever its spelling: `0`, `0.000`, `-0`, `0e5`. */
export function isZero(text: Decimal): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 49 && code <= 57) return false;
    if (code === 101 || code === 69) return true;
  }
  return true;
}

const SPELLED_INTEGER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,4}))?$/;
/** Most digits of an integer that is written with an exponent. */
const INTEGER_DIGITS_MAX = 400;

/**
 * Returns the digits of an integer, however it is written: `1e3` and `1000.0` give `1000`. Returns plain digits
 * unchanged, and null for anything but an integer.
 */
export function integerText(text: string): string | null {
  if (isPlainInteger(text)) return text;
  const match = SPELLED_INTEGER.exec(text);
  if (match === null) return null;
  const whole = match[2] ?? "";
  const all = whole + (match[3] ?? match[4] ?? "");
  const digits = all.replace(/^0+/, "");
  if (digits === "") return "0";
  const point = whole.length - (all.length - digits.length) + Number(match[5] ?? 0);
  if (point > INTEGER_DIGITS_MAX || point <= 0 || /[1-9]/.test(digits.slice(point))) return null;
  return (match[1] === "-" ? "-" : "") + digits.slice(0, point).padEnd(point, "0");
}

/** Whether text is digits alone, with an optional minus sign. */
function isPlainInteger(text: string): boolean {
  const length = text.length;
  const start = text.charCodeAt(0) === 45 ? 1 : 0;
  for (let at = start; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return length > start;
}

const POWERS_OF_TEN = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Most digits that always give an integer below 2^53. */
const EXACT_DIGITS = 15;

/**
 * Returns the double nearest to a decimal, as `Number` does. Up to 15 digits without an exponent are read in one pass:
 * digits and power of ten are then exact doubles, so their quotient is correctly rounded (W. D. Clinger, "How to read
 * floating point numbers accurately", 1990, section 3); anything else is left to `Number`.
 */
export function doubleFromDecimal(text: Decimal): number {
  const length = text.length;
  let digits = 0;
  let count = 0;
  let fraction = -1;
  const isNegative = text.charCodeAt(0) === 45;
  for (let at = isNegative ? 1 : 0; at < length; at++) {
    const code = text.charCodeAt(at) - 48;
    if (code >= 0 && code <= 9) {
      digits = digits * 10 + code;
      count++;
    } else if (code === -2 && fraction < 0) fraction = at;
    else return Number(text);
  }
  if (count === 0 || count > EXACT_DIGITS) return Number(text);
  const value = fraction < 0 ? digits : digits / POWERS_OF_TEN[length - 1 - fraction];
  return isNegative ? -value : value;
}
