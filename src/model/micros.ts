/** A time in integer microseconds since the Unix epoch, UTC. Below 2^53 until the year 2255. */
export type Micros = number;

/**
 * How a time is written: an integer or decimal count of a unit, or ISO 8601 text. `auto` detects the unit by size and
 * shape, for times from 1973 on.
 */
export type TimeUnit = "s" | "ms" | "us" | "ns" | "iso" | "auto";

/** All units, in the order in which documents list them. */
export const TIME_UNITS: readonly TimeUnit[] = ["s", "ms", "us", "ns", "iso", "auto"];

/** How many decimal digits stand between a unit and the microsecond. */
const SHIFT: Readonly<Record<Exclude<TimeUnit, "iso" | "auto">, number>> = { s: 6, ms: 3, us: 0, ns: -3 };

/** Milliseconds from 2001 to 2255: the usual case. */
const MILLISECONDS = /^[1-8]\d{12}$/;
/** A count of a unit, as JSON or a person writes a number: sign, digits, fraction and exponent. */
const COUNT = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,9}))?$/;
/**
 * ISO 8601 in its extended or its basic form: a date by month and day, by day of the year, or by week; behind `T`, `t` or
 * a space a time to any precision with a fraction of its last part; `Z`, `z`, or an offset with or without minutes.
 */
const ISO = new RegExp(
  /^([+-]\d{6}|\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d)|-?(\d{3})|-?[Ww](\d\d)-?([1-7]))/.source +
    /(?:[Tt ](\d\d)(?::?(\d\d)(?::?(\d\d))?)?(?:[.,](\d+))?)?/.source +
    /(?:[Zz]|([+\u2212-])(\d\d)(?::?(\d\d))?)?$/.source,
);

/** Days from March 1st of the year 0 to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468;

/**
 * Parses a time; null if the text is not a time in that unit, or outside the range that integers hold (1684 to 2255).
 * Digits below the microsecond are truncated. ISO text without a zone is UTC; a leap second counts as the second after
 * it.
 */
export function microsFromText(text: string, unit: TimeUnit): Micros | null {
  if (unit === "auto") return microsFromText(text, detectUnit(text));
  if (unit === "iso") return microsFromIso(text);
  if (unit === "ms" && MILLISECONDS.test(text)) return Number(text) * 1000;
  const count = readCount(text);
  if (count === null) return null;
  const width = count.point + SHIFT[unit];
  const cut = width <= 0 ? "0" : count.digits.slice(0, width);
  if (width > MICROS_DIGITS_MAX && count.digits !== "") return null;
  const micros = Number(cut.padEnd(width, "0"));
  if (!Number.isSafeInteger(micros)) return null;
  return count.isNegative && micros > 0 ? -micros : micros;
}

/** Digits of 2^53 - 1. */
const MICROS_DIGITS_MAX = 16;

/** A count: 0.DIGITS × 10^`point`, without leading zeros; a count of zero has no digits. */
interface Count {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly point: number;
}

function readCount(text: string): Count | null {
  const match = COUNT.exec(text);
  if (match === null) return null;
  const whole = match[2] ?? "";
  const all = whole + (match[3] ?? match[4] ?? "");
  const digits = all.replace(/^0+/, "");
  const point = whole.length - (all.length - digits.length) + Number(match[5] ?? 0);
  return { isNegative: match[1] === "-", digits, point: digits === "" ? 0 : point };
}

/**
 * Returns the unit in which a count is a present-day time: seconds have up to 11 digits, each finer unit three more.
 */
function detectUnit(text: string): Exclude<TimeUnit, "auto"> {
  const count = readCount(text);
  if (count === null) return "iso";
  const { point } = count;
  return point <= 11 ? "s" : point <= 14 ? "ms" : point <= 17 ? "us" : "ns";
}

function microsFromIso(text: string): Micros | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [
    ,
    year,
    month,
    day,
    basicMonth,
    basicDay,
    dayOfYear,
    week,
    weekday,
    hour = "0",
    minute,
    second,
    fraction = "",
  ] = match;
  const days = dayOfYear !== undefined
    ? dayOfOrdinal(Number(year), Number(dayOfYear))
    : week !== undefined
    ? dayOfWeek(Number(year), Number(week), Number(weekday))
    : dayOfMonth(Number(year), Number(month ?? basicMonth), Number(day ?? basicDay));
  const offset = zoneSeconds(match[13], match[14] ?? "0", match[15] ?? "0");
  if (days === null || offset === null) return null;
  const [minutes, seconds] = [Number(minute ?? 0), Number(second ?? 0)];
  const isMidnight = hour === "24" && minutes === 0 && seconds === 0 && Number(fraction) === 0;
  if ((Number(hour) > 23 && !isMidnight) || minutes > 59 || seconds > 60) return null;
  const whole = days * 86_400 + Number(hour) * 3600 + minutes * 60 + seconds - offset;
  const part = second !== undefined ? 1 : minute !== undefined ? 60 : 3600;
  const micros = whole * 1_000_000 + fractionMicros(fraction, part);
  return Number.isSafeInteger(micros) ? micros : null;
}

/** Returns a decimal fraction of `seconds` in microseconds, truncated. */
function fractionMicros(fraction: string, seconds: number): number {
  if (seconds === 1) return Number((fraction + "000000").slice(0, 6));
  // Twelve digits and four of the factor are exact in a double.
  return Math.floor(Number((fraction + "000000000000").slice(0, 12)) * seconds / 1_000_000);
}

function dayOfMonth(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return null;
  return daysSinceEpoch(year, month, day);
}

/** The day of an ordinal date, which counts the days of its year from 1. */
function dayOfOrdinal(year: number, day: number): number | null {
  return day < 1 || day > (daysOfMonth(year, 2) === 29 ? 366 : 365) ? null : daysSinceEpoch(year, 1, 1) + day - 1;
}

/** The day of a week date: week 1 holds January 4th, and weeks begin on Monday. */
function dayOfWeek(year: number, week: number, weekday: number): number | null {
  const firstOf = (of: number) => {
    const fourth = daysSinceEpoch(of, 1, 4);
    return fourth - (((fourth + 3) % 7) + 7) % 7;
  };
  const day = firstOf(year) + (week - 1) * 7;
  return week < 1 || day >= firstOf(year + 1) ? null : day + weekday - 1;
}

/**
 * Parses the usual form, `2026-11-22T20:15:00Z` with or without a fraction, from ASCII bytes. Null for any other form
 * (which may still be a time) and for times before 1970.
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
  // Anything but digits gives a negative number.
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

/** Returns the number of two digits; negative if they are not digits. */
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

/** Returns the seconds that a zone is ahead of UTC; null if it is not a valid offset. */
function zoneSeconds(sign: string | undefined, hours: string, minutes: string): number | null {
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  return (sign === undefined || sign === "+" ? 1 : -1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

/** Returns ISO 8601 text with six digits of fraction: `2026-11-22T20:15:00.123456Z`. */
export function isoFromMicros(micros: Micros): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
