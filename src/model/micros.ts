/** A time in integer microseconds since the Unix epoch, UTC. Below 2^53 until the year 2255. */
export type Micros = number;

/**
 * How a time is written: an integer or decimal count of a unit, or ISO 8601 text. `auto`: whichever of these its size or
 * shape tells, for times from 1973 on.
 */
export type TimeUnit = "s" | "ms" | "us" | "ns" | "iso" | "auto";

/** All units, in the order in which documents list them. */
export const TIME_UNITS: readonly TimeUnit[] = ["s", "ms", "us", "ns", "iso", "auto"];

/** How many decimal digits stand between a unit and the microsecond. */
const SHIFT: Readonly<Record<Exclude<TimeUnit, "iso" | "auto">, number>> = { s: 6, ms: 3, us: 0, ns: -3 };

/** Milliseconds from 2001 to 2255: the usual case. */
const MILLISECONDS = /^[1-8]\d{12}$/;
const COUNT = /^(-?)(\d+)(?:\.(\d*))?$/;
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** Days from March 1st of the year 0 to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468;

/**
 * Reads a time from its text; null where the text is not a time in that unit, or one that integers cannot hold: past 2255,
 * and as long before 1970. Digits below the microsecond are cut, not rounded. ISO text without a zone is UTC.
 */
export function microsFromText(text: string, unit: TimeUnit): Micros | null {
  if (unit === "auto") return microsFromText(text, detectUnit(text));
  if (unit === "iso") return microsFromIso(text);
  if (unit === "ms" && MILLISECONDS.test(text)) return Number(text) * 1000;
  const match = COUNT.exec(text);
  if (match === null) return null;
  const shift = SHIFT[unit];
  const fraction = match[3] ?? "";
  const digits = shift >= 0
    ? match[2] + (fraction + "000000").slice(0, shift)
    : match[2].length > -shift
    ? match[2].slice(0, shift)
    : "0";
  const micros = Number(digits);
  if (!Number.isSafeInteger(micros)) return null;
  return match[1] === "-" ? -micros : micros;
}

/** The unit that makes of a count a time of our days: seconds have up to 11 digits, and every finer unit three more. */
function detectUnit(text: string): Exclude<TimeUnit, "auto"> {
  const match = COUNT.exec(text);
  if (match === null) return "iso";
  const digits = match[2].length;
  return digits <= 11 ? "s" : digits <= 14 ? "ms" : digits <= 17 ? "us" : "ns";
}

function microsFromIso(text: string): Micros | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return null;
  const seconds = date.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) -
    zoneSeconds(zone);
  const micros = seconds * 1_000_000 + Number((fraction + "000000").slice(0, 6));
  return Number.isSafeInteger(micros) ? micros : null;
}

/**
 * Reads the usual form, `2026-11-22T20:15:00` with or without a fraction and then `Z`, from bytes of ASCII; null for any
 * other form, which is not to say that it is no time, and for times before 1970.
 */
export function microsFromIsoBytes(bytes: Uint8Array, start: number, end: number): Micros | null {
  const zone = end - 1;
  const length = zone - start;
  if (length < 19 || length > 32 || bytes[zone] !== 90) return null;
  if (bytes[start + 4] !== 45 || bytes[start + 7] !== 45 || bytes[start + 10] !== 84) return null;
  if (bytes[start + 13] !== 58 || bytes[start + 16] !== 58) return null;
  const century = twoDigits(bytes, start);
  const yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  // What is not digits is negative.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) return null;
  const year = century * 100 + yearOfCentury;
  if (year < 1970 || year > 2254 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  let fraction = 0;
  if (length > 19) {
    if (bytes[start + 19] !== 46 || length === 20) return null;
    let weight = 100_000;
    for (let at = start + 20; at < zone; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) return null;
      if (weight >= 1) fraction += digit * weight;
      weight /= 10;
    }
  }
  return (daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
}

/** The number that two digits spell; negative where they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - 48;
  const ones = bytes[at + 1] - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the Gregorian calendar, counted from March on, so that a leap day ends its year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + Math.floor((153 * marchMonth + 2) / 5) + day - 1 - DAYS_TO_EPOCH;
}

function zoneSeconds(zone: string): number {
  if (zone === "Z") return 0;
  const sign = zone[0] === "-" ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
}

/** ISO 8601 text with six digits of fraction: `2026-11-22T20:15:00.123456Z`. */
export function isoFromMicros(micros: Micros): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
