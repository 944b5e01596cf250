import { UsageError } from "../service/mod.ts";

/** Reads an ISO day or time, in UTC if it has no zone. Returns µs. */
export function readTime(option: string, text: string): number {
  const ms = Date.parse(/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text);
  if (Number.isNaN(ms)) throw new UsageError(`${option} takes a time such as 2026-11-22T13:00:00Z, not ${text}`);
  return ms * 1000;
}

/** Reads a day such as `2026-11-22`; null if none is given. */
export function readDay(option: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new UsageError(`${option} takes a day such as 2026-11-22, not ${text}`);
}
