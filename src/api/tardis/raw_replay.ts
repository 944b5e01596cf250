import { type ExchangePlan, isoFromMicros, type WireFrame } from "../../model/mod.ts";
import type { LiveFacts } from "../facts.ts";
import { RawFilters, type RawOption } from "./raw_options.ts";

/**
 * Yields the lines of a raw replay, in lists: each frame with its time, and an empty line at the end of a connection.
 */
export async function* rawLines(
  facts: Pick<LiveFacts, "wire" | "exchanges">,
  option: RawOption,
  signal: AbortSignal,
): AsyncIterable<readonly string[]> {
  const { exchange, from, to, disconnects } = option;
  const filters = new RawFilters(option, planNamed(facts, exchange));
  for await (const records of facts.wire({ from, to, signal })) {
    const lines: string[] = [];
    for (const record of records) {
      if (record.kind === "end") {
        if (disconnects && record.end.exchange === exchange) lines.push("");
      } else if (record.frame.exchange === exchange && filters.allows(record.frame)) {
        const line = lineOf(record.frame);
        if (line !== null) lines.push(line);
      }
    }
    if (lines.length > 0) yield lines;
  }
}

/** Returns the instance of a name; null if none is configured. */
export function planNamed({ exchanges }: Pick<LiveFacts, "exchanges">, name: string): ExchangePlan | null {
  return exchanges().find((exchange) => exchange.name === name) ?? null;
}

/**
 * Returns a frame as a line. Its message is the exchange's JSON, digit by digit, or a text if the frame is not JSON.
 */
function lineOf({ at, text }: WireFrame): string | null {
  if (text === null) return null;
  return `{"localTimestamp":"${isoFromMicros(at)}","message":${messageOf(text)}}`;
}

function messageOf(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return JSON.stringify(text);
  }
  // Valid JSON has line breaks only between values.
  return text.replaceAll(/[\r\n]+/g, " ").trim();
}
