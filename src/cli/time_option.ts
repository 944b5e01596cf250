import { UsageError } from "../service/mod.ts";

/** Reads an ISO time, as a day or to the second, in UTC where it names no zone; in µs. */
export function readTime(option: string, text: string): number {
  const ms = Date.parse(/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text);
  if (Number.isNaN(ms)) throw new UsageError(`${option} takes a time such as 2026-11-22T13:00:00Z, not ${text}`);
  return ms * 1000;
}
