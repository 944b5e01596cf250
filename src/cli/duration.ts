import { UsageError } from "../service/mod.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads `30s`, `500ms`, `2m`, `1h` or a bare number of seconds; returns ms. Throws a `UsageError`. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  if (match === null) throw new UsageError(`Not a duration: ${text}; write it as 30s, 500ms, 2m or 1h`);
  return Math.round(Number(match[1]) * UNITS[match[2] ?? "s"]);
}
