/** A decimal held as a count of its last digit's unit: 1.50 with two decimals is 150. */
export type Units = number | bigint;

/** Decimal text with exactly `decimals` digits of fraction: (150, 2) is `1.50`; (7, 0) is `7`. */
export function fixedText(units: Units, decimals: number): string {
  const negative = units < 0;
  const digits = String(negative ? -units : units).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const text = decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
  return negative ? `-${text}` : text;
}

/** Decimal text without trailing zeros and without a bare point: (150, 2) is `1.5`; (100, 2) is `1`. */
export function trimmedText(units: Units, decimals: number): string {
  const text = fixedText(units, decimals);
  if (decimals === 0) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}

/** As `trimmedText`, but with at least one digit of fraction, as float formatters print: (100, 2) is `1.0`. */
export function floatText(units: Units, decimals: number): string {
  const text = trimmedText(units, decimals);
  return text.includes(".") ? text : `${text}.0`;
}

/** Text with `decimals` digits of fraction, filled up with zeros from `from` digits: (150, 2, 8) is `1.50000000`. Digits past them are cut off. */
export function paddedText(units: Units, from: number, decimals: number): string {
  const text = fixedText(units, from);
  if (from > decimals) return text.slice(0, text.length - (from - decimals));
  return from === 0 ? `${text}.${"0".repeat(decimals)}` : text + "0".repeat(decimals - from);
}

/** The product of a price and a size as bigint, with the sum of both scales: nothing is rounded. */
export function notional(price: number, size: number): bigint {
  return BigInt(price) * BigInt(size);
}
