/** Decimals in all spellings out of a number, and their exact value. */

const DECIMALS_MAX = 60;

/** A decimal made of a seed: plain ones mostly, now and then with an exponent, a sign, zeros in front or many digits. */
export function randomDecimal(seed: number): string {
  let state = seed | 0;
  const next = (below: number) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
  const digits = (count: number) => Array.from({ length: count }, () => next(10)).join("");
  const whole = next(4) === 0 ? "0" : String(next(10 ** (1 + next(9))));
  let text = next(8) === 0 ? digits(1 + next(20)) : whole;
  if (next(3) > 0) text += `.${digits(1 + next(next(6) === 0 ? 24 : 10))}`;
  if (next(12) === 0) text = `${["-", "+", "0"][next(3)]}${text}`;
  if (next(20) === 0) text += `${["e", "E"][next(2)]}${["", "-", "+"][next(3)]}${next(20)}`;
  return text;
}

/** A decimal's exact value in units of 10^-DECIMALS_MAX; null where the text is no decimal or too fine. */
export function exactDecimal(text: string): bigint | null {
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, number, exponent = "0"] = match;
  const [whole, fraction = ""] = number.split(".");
  const shift = DECIMALS_MAX - fraction.length + Number(exponent);
  if (shift < 0 || shift > 400) return null;
  const value = BigInt(whole + fraction) * 10n ** BigInt(shift);
  return sign === "-" ? -value : value;
}
