import { type ExchangePlan, isoFromMicros, type WireFrame } from "../../model/mod.ts";
import type { LiveFacts } from "../facts.ts";
import { RawFilters, type RawOption } from "./raw_options.ts";

/** The lines of a raw replay, in lists: a frame with its time; an empty line where a connection ended. */
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
      } else if (record.frame.exchange === exchange && filters.lets(record.frame)) {
        const line = lineOf(record.frame);
        if (line !== null) lines.push(line);
      }
    }
    if (lines.length > 0) yield lines;
  }
}

/** The instance of a name; null where none is configured. */
export function planNamed({ exchanges }: Pick<LiveFacts, "exchanges">, name: string): ExchangePlan | null {
  return exchanges().find((exchange) => exchange.name === name) ?? null;
}

/** A frame as a line. Its message is the exchange's JSON, digit by digit; one that is none is a text. */
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
  // Line breaks of JSON stand between its values alone.
  return text.replaceAll(/[\r\n]+/g, " ").trim();
}
