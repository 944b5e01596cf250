import { RETRY_AFTER_MS_MAX } from "../model/mod.ts";

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const IMF_DATE = /^[A-Za-z]{3}, (\d{2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/**
 * Returns the ms to wait by a `Retry-After` header: delay seconds or an HTTP date (RFC 9110 sections 10.2.3 and 5.6.7,
 * the fixed-length form that senders must use). A past date gives 0. Null if the header is absent or malformed.
 */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX);
  const match = IMF_DATE.exec(text);
  if (match === null) return null;
  const [, day, monthName, year, hour, minute, second] = match;
  const month = MONTHS.indexOf(monthName);
  if (month < 0 || month % 3 !== 0) return null;
  const dateMs = Date.UTC(Number(year), month / 3, Number(day), Number(hour), Number(minute), Number(second));
  return Math.min(Math.max(0, dateMs - nowMs), RETRY_AFTER_MS_MAX);
}
