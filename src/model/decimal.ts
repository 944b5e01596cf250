/**
 * A decimal number as text, with the digits as the exchange sent them: optional sign, digits, optional fraction,
 * optional exponent. Trailing zeros are kept.
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
