import type { Decimal } from "../model/mod.ts";

/** A decimal's value in a unique form: sign, and 0.DIGITS × 10^magnitude with no zero at either end of DIGITS. */
interface Scientific {
  readonly sign: -1 | 0 | 1;
  readonly magnitude: number;
  readonly digits: string;
}

const PARTS = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * Compares two decimals exactly, in any spelling: `1.50` and `15e-1` are equal. Negative if the left one is less,
 * positive if it is greater. Texts that are no decimals compare as zero.
 */
export function compareDecimals(left: Decimal, right: Decimal): number {
  if (left === right) return 0;
  const a = scientific(left);
  const b = scientific(right);
  if (a.sign !== b.sign) return a.sign - b.sign;
  if (a.sign === 0) return 0;
  if (a.magnitude !== b.magnitude) return a.magnitude < b.magnitude ? -a.sign : a.sign;
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -a.sign : a.sign;
}

function scientific(text: Decimal): Scientific {
  const match = PARTS.exec(text);
  const whole = match?.[2] ?? "";
  const all = whole + (match?.[3] ?? "");
  const first = all.search(/[1-9]/);
  if (match === null || first < 0) return { sign: 0, magnitude: 0, digits: "" };
  const exponent = match[4] === undefined ? 0 : Number(match[4]);
  return {
    sign: match[1] === "-" ? -1 : 1,
    magnitude: whole.length - first + exponent,
    digits: all.slice(first).replace(/0+$/, ""),
  };
}
