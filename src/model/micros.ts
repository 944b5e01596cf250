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
