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
  symbol: value("string", "Canonical symbol; empty where the streams of a channel are one entry"),
  streams: value("integer", "How many streams the entry is about"),
  days: listOf(
    object({
      date: value("string", "Day (UTC)"),
      share: orNull("number", "Part of the day in which nothing is missing, 0 to 1; null without a certificate"),
      gaps: orNull("integer", "Gaps of that day; null without a certificate"),
      is_settled: value("boolean", "Whether what the next day tells of this one is in it"),
    }),
    "The oldest first",
  ),
});

/** Coverage of the last days. */
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
      description: "One entry a stream (also where it is not given), or a channel with the mean of its streams",
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
    unreadable: listOf(value("string", "Why a certificate could not be read"), "The first of those that are left out"),
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

/** The days before the present one, the oldest first. */
function daysBefore(now: Micros, count: number): readonly string[] {
  const today = Math.floor(now / DAY_US);
  return Array.from(
    { length: count },
    (_, at) => new Date((today - count + at) * (DAY_US / 1000)).toISOString().slice(0, 10),
  );
}

/** One entry a channel of an exchange: the mean of the streams that are known of a day, and all their gaps. */
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
    // A mean of what is not all whole never rounds to the whole.
    share: days.every(({ share }) => share >= 1)
      ? 1
      : Math.min(1 - Number.EPSILON, sum(({ share }) => share) / days.length),
    gaps: sum(({ gaps }) => gaps),
    isSettled: days.every(({ isSettled }) => isSettled),
  };
}
