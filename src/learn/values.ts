/** A parsed JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is a decimal: a number, or a text of one. */
export function isDecimal(value: Json | undefined): boolean {
  return typeof value === "number" || (typeof value === "string" && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value));
}

/** Endings of symbols. */
const QUOTES =
  "USDT|USDC|USD|EUR|GBP|JPY|KRW|TRY|BRL|AUD|SGD|NZD|CHF|CAD|IDR|MXN|ARS|BUSD|TUSD|DAI|BTC|XBT|ETH|BNB|PERP|PERPETUAL|SWAP";
const SYMBOL = new RegExp(
  `^(?:t|\\.)?(?:[A-Z0-9]{2,12}[-_/:]?(?:${QUOTES})(?:[-_]?(?:PERP|PERPETUAL|SWAP|\\d{2,6}|\\d{1,2}[A-Z]{3}\\d{2}))?|[A-Z]{2,8}-\\d{1,2}[A-Z]{3}\\d{2}(?:-\\d+(?:-[CP])?)?|[A-Z]{2,6}-[A-Z]{2,6}(?:-[A-Z0-9]+)*)$`,
  "i",
);

/** Whether a text looks like the symbol of an instrument. */
export function isSymbol(text: string): boolean {
  return text.length <= 40 && SYMBOL.test(text) && /[A-Z]/i.test(text);
}

/** Returns a text without separators and case, to find one spelling of a symbol in another. */
export function bare(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/** Whether a value may be a time within a day of `near`, in µs. */
export function timeNear(value: Json | undefined, near: number): boolean {
  const DAY_US = 86_400_000_000;
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value)) {
    const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value.replace(" ", "T")}Z`);
    return Math.abs(ms * 1000 - near) < DAY_US;
  }
  if (!isDecimal(value)) return false;
  const count = Number(value);
  return [1_000_000, 1_000, 1, 0.001].some((unit) => Math.abs(count * unit - near) < DAY_US);
}

/** Stands for the symbol in a pattern: a private-use character that no message contains. */
export const SYMBOL_MARK = "\u{E000}";

/** Returns a text with `SYMBOL_MARK` in place of its symbol. */
export function kindText(text: string, symbols: readonly string[]): string {
  const plain = text.toLowerCase();
  for (const symbol of symbols) {
    const pattern = new RegExp(`(^|[^a-z0-9])(${[...symbol].join("[-_/:]?")})(?=[^a-z0-9]|$)`);
    const match = pattern.exec(plain) ?? (text.length > symbol.length ? new RegExp(`()(${symbol})`).exec(plain) : null);
    if (match === null) continue;
    const at = match.index + match[1].length;
    return `${text.slice(0, at)}${SYMBOL_MARK}${text.slice(at + match[2].length)}`;
  }
  return text;
}
