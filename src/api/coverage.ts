import {
  API_COVERAGE_DAYS_DEFAULT,
  API_COVERAGE_DAYS_MAX,
  CHANNELS,
  type CoverageDay,
  type CoverageRow,
  type Micros,
} from "../model/mod.ts";
import { type Endpoint, LIST_PARAMETERS, listBody, listSchema, textParameter } from "./endpoint.ts";
import { listOf, object, oneOf, orNull, value } from "./json_schema.ts";

const DAY_US = 86_400_000_000;
const CHANNELS_AND_RAW = [...CHANNELS, "raw"];

const ROW = object({
  sink: value("string", "The sink whose archive is certified"),
  exchange: value("string", "The exchange instance"),
  channel: oneOf(CHANNELS_AND_RAW, "Kind of stream; `raw`: frames without event rules"),
  symbol: value("string", "Canonical symbol; empty if the entry merges the streams of a channel"),
  streams: value("integer", "How many streams the entry merges"),
  days: listOf(
    object({
      date: value("string", "Day (UTC)"),
      share: orNull("number", "Part of the day without a gap, 0 to 1; null without a certificate"),
      gaps: orNull("integer", "Gaps of that day; null without a certificate"),
      is_settled: value("boolean", "Whether the next day can no longer change it"),
    }),
    "The oldest first",
  ),
});

/** Endpoint of the coverage of the last days. */
export const COVERAGE: Endpoint = {
  path: "/coverage",
  id: "listCoverage",
  summary: "Which part of each of the last days is complete, as the certificates say",
  parameters: [
    textParameter("exchange", "Only this exchange instance"),
    textParameter("symbol", "Only this canonical symbol"),
    { name: "channel", in: "query", type: "choice", choices: CHANNELS_AND_RAW, description: "Only this kind" },
    {
      name: "by",
      in: "query",
      type: "choice",
      choices: ["stream", "channel"],
      description:
        "`stream` (default): one entry for each stream; `channel`: one for each channel, with the mean of its streams",
    },
    {
      name: "days",
      in: "query",
      type: "integer",
      min: 1,
      max: API_COVERAGE_DAYS_MAX,
      fallback: API_COVERAGE_DAYS_DEFAULT,
      description: "How many days before today",
    },
    ...LIST_PARAMETERS,
  ],
  schema: listSchema("coverage", ROW, "By sink, exchange, channel and symbol", {
    unreadable: listOf(
      value("string", "Why a certificate could not be read"),
      "Errors of unreadable certificates; at most the first few",
    ),
  }),
  answer: async (facts, asked) => {
    const dates = daysBefore(facts.status().now, asked.integer("days"));
    const { days, rows, unreadable } = await facts.coverage(dates);
    const [exchange, channel, symbol] = [asked.text("exchange"), asked.text("channel"), asked.text("symbol")];
    const wanted = rows.filter((row) =>
      (exchange === undefined || row.exchange === exchange) && (channel === undefined || row.channel === channel) &&
      (symbol === undefined || row.symbol === symbol)
    );
    const entries = asked.text("by") === "channel"
      ? byChannel(wanted)
      : wanted.map((row): Entry => ({ ...row, streams: 1 }));
    const body = listBody("coverage", entries, asked, (entry) => ({
      sink: entry.sink,
      exchange: entry.exchange,
      channel: entry.channel,
      symbol: entry.symbol,
      streams: entry.streams,
      days: days.map((date, at) => dayBody(date, entry.days[at])),
    }));
    return { ...body, unreadable };
  },
};

type Entry = CoverageRow & { readonly streams: number };

function dayBody(date: string, day: CoverageDay | null) {
  return { date, share: day?.share ?? null, gaps: day?.gaps ?? null, is_settled: day?.isSettled ?? false };
}

/** Returns the days before today, the oldest first. */
function daysBefore(now: Micros, count: number): readonly string[] {
  const today = Math.floor(now / DAY_US);
  return Array.from(
    { length: count },
    (_, at) => new Date((today - count + at) * (DAY_US / 1000)).toISOString().slice(0, 10),
  );
}

/** Merges the streams of each channel of an exchange: the mean of their shares of a day, the sum of their gaps. */
function byChannel(rows: readonly CoverageRow[]): readonly Entry[] {
  const groups = Map.groupBy(rows, ({ sink, exchange, channel }) => JSON.stringify([sink, exchange, channel]));
  return [...groups.values()].map((group) => ({
    ...group[0],
    symbol: "",
    streams: group.length,
    days: group[0].days.map((_, at) => together(group.flatMap(({ days }) => days[at] ?? []))),
  }));
}

function together(days: readonly CoverageDay[]): CoverageDay | null {
  if (days.length === 0) return null;
  const sum = (pick: (day: CoverageDay) => number) => days.reduce((total, day) => total + pick(day), 0);
  return {
    // A mean below 1 must not round to 1.
    share: days.every(({ share }) => share >= 1)
      ? 1
      : Math.min(1 - Number.EPSILON, sum(({ share }) => share) / days.length),
    gaps: sum(({ gaps }) => gaps),
    isSettled: days.every(({ isSettled }) => isSettled),
  };
}
