import type { Decimal } from "../model/mod.ts";

/** A decimal as `units` × 10^-`scale`. */
export interface Exact {
  readonly units: bigint;
  /** Number of decimals, as written. */
  readonly scale: number;
}

export const NOTHING: Exact = { units: 0n, scale: 0 };

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Returns the number; null if the text is no decimal or its exponent has more than three digits. */
export function exactOf(text: Decimal): Exact | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const units = BigInt(`${whole}${fraction}` || "0");
  const scale = fraction.length - Number(exponent);
  const signed = sign === "-" ? -units : units;
  return scale >= 0 ? { units: signed, scale } : { units: signed * 10n ** BigInt(-scale), scale: 0 };
}

/** Returns the sum, with the larger number of decimals of the two. */
export function addExact(left: Exact, right: Exact): Exact {
  const scale = Math.max(left.scale, right.scale);
  return { units: unitsAt(left, scale) + unitsAt(right, scale), scale };
}

/** Returns the number as text, with all its decimals and without an exponent. */
export function exactText({ units, scale }: Exact): Decimal {
  const sign = units < 0n ? "-" : "";
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Returns a key that is equal for equal numbers in any spelling. */
export function exactKey({ units, scale }: Exact): string {
  let [rest, zeros] = [units, scale];
  while (zeros > 0 && rest % 10n === 0n) [rest, zeros] = [rest / 10n, zeros - 1];
  return `${rest}e${zeros}`;
}

function unitsAt({ units, scale }: Exact, wanted: number): bigint {
  return wanted === scale ? units : units * 10n ** BigInt(wanted - scale);
}
