import {
  API_DEPTH_DEFAULT,
  API_DEPTH_MAX,
  BOOK_STATES,
  CHANNELS,
  GAP_CAUSES,
  GAP_STATES,
  isoFromMicros,
  type Micros,
  parseCanonicalSymbol,
  type StreamState,
} from "../model/mod.ts";
import { healthBody, instanceBody, journalBody, problemBody, sinkBody } from "../telemetry/mod.ts";
import { BACKFILL } from "./backfill.ts";
import { COVERAGE } from "./coverage.ts";
import { type Endpoint, LIST_PARAMETERS, listBody, listSchema, textParameter } from "./endpoint.ts";
import type { LiveFacts } from "./facts.ts";
import type { GapView } from "./gap_board.ts";
import { listOf, nullable, object, oneOf, open, orNull, time, value } from "./json_schema.ts";
import type { Parameter, ParameterValues } from "./parameters.ts";

const STREAM_STATES: readonly StreamState[] = ["pending", "acked", "live", "stale", "rejected"];

const EXCHANGE = textParameter("exchange", "Only this exchange instance");
const SYMBOL = textParameter("symbol", "Only this symbol, canonical or native");
const DEPTH: Parameter = {
  name: "depth",
  in: "query",
  type: "integer",
  min: 0,
  max: API_DEPTH_MAX,
  fallback: API_DEPTH_DEFAULT,
  description: "Levels of each side, best first",
};

const INSTANCE = open(
  "An exchange instance as /healthz shows it: state, connections, books, polls, problems of its own",
);
const LEVELS = listOf(
  listOf(value("string", "Price, then size, with the exchange's digits"), "One level"),
  "Best first",
);

const STREAM = object({
  exchange: value("string", "The exchange instance"),
  connection: value("string", "Key of the connection"),
  channel: oneOf(CHANNELS, "Kind of stream"),
  symbol: value("string", "Canonical symbol"),
  state: oneOf(STREAM_STATES, "`pending`: subscribed to; `acked`: acknowledged, no data yet; `stale`: no data in time"),
  since: time("When the state began"),
  quiet: value("boolean", "Whether it may have no data for hours"),
  last_data: { ...orNull("string", "Receive time of its last data; null before the first"), format: "date-time" },
  last_data_age_ms: orNull("integer", "How long ago that was"),
  missing_since: { ...orNull("string", "Since when its data is missing; null while it comes"), format: "date-time" },
  reason: orNull("string", "The exchange's reason for a rejection; else null"),
});

const BOOK = object({
  exchange: value("string", "The exchange instance"),
  symbol: value("string", "Canonical symbol"),
  native_symbol: value("string", "The exchange's spelling"),
  state: oneOf(BOOK_STATES, "`empty` and `buffering` have no snapshot yet; `broken` waits for a new one"),
  since: { ...orNull("string", "When the state began"), format: "date-time" },
  cause: orNull("string", "Why it is broken; null while it is not"),
  sequence: orNull("string", "Sequence of its last update"),
  exchange_ts: orNull("integer", "Exchange time of its last update, µs"),
  bid_levels: value("integer", "How many bids there are; 0 while the book is not valid"),
  ask_levels: value("integer", "How many asks there are"),
  bids: LEVELS,
  asks: LEVELS,
});

const INSTRUMENT = object({
  exchange: value("string", "The exchange instance"),
  symbol: value("string", "Canonical symbol, or the native one if no map translates it"),
  native_symbol: value("string", "The exchange's spelling"),
  family: orNull("string", "`spot`, `linear`, `inverse` or `option`; null if the symbol is not canonical"),
  base: orNull("string", "Base currency"),
  quote: orNull("string", "Quote currency"),
  settle: orNull("string", "Settlement currency; null for spot"),
  expiry: orNull("string", "Expiry as YYMMDD; null for spot and perpetuals"),
  strike: orNull("string", "Strike price of an option"),
  option_type: orNull("string", "`C` for a call, `P` for a put; null if it is no option"),
  channels: listOf(oneOf(CHANNELS, "Kind of stream"), "Channels that are collected"),
  listed: nullable(open("Fields of its last `instrument` event; null without the channel `instruments`")),
});

const GAP = object({
  exchange: value("string", "The exchange instance"),
  symbol: value("string", "Canonical symbol; empty if the gap concerns a whole connection"),
  gap_id: value("string", "Its identity"),
  state: oneOf(
    GAP_STATES,
    "`opened`: not over; `closed`: over; `filled`: over, and the missing events were backfilled",
  ),
  stream: orNull("string", "The stream's channel; null if the gap concerns a whole connection or frame"),
  cause: oneOf(GAP_CAUSES, "Why something is missing"),
  from: { ...orNull("string", "Receive time of the last good frame before"), format: "date-time" },
  to: { ...orNull("string", "Receive time of the first good frame after; null while it is open"), format: "date-time" },
  told: time("Receive time of its latest event"),
  detail: value("string", "Close code, rejection text, what failed"),
  action: value("string", "What was done about it"),
});

/** Every resource of the API. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    path: "/status",
    id: "getStatus",
    summary: "The status as /healthz shows it",
    parameters: [],
    schema: open("The body of /healthz"),
    answer: ({ status }) => healthBody(status()).body,
  },
  BACKFILL,
  {
    path: "/problems",
    id: "listProblems",
    summary: "Current problems",
    parameters: [],
    schema: object({ problems: listOf(open("scope, name, code, text, since"), "The most serious first") }),
    answer: ({ status }) => ({ problems: status().problems.map(problemBody) }),
  },
  {
    path: "/exchanges",
    id: "listExchanges",
    summary: "Exchange instances with the state of their connections",
    parameters: [],
    schema: object({ exchanges: listOf(INSTANCE, "In the order of the configuration") }),
    answer: ({ status }) => {
      const { instances, now } = status();
      return { exchanges: instances.map((instance) => instanceBody(instance, now)) };
    },
  },
  {
    path: "/exchanges/{exchange}",
    id: "getExchange",
    summary: "One exchange instance",
    parameters: [textParameter("exchange", "Name of the instance", "path")],
    schema: INSTANCE,
    answer: ({ status }, asked) => {
      const { instances, now } = status();
      const found = instances.find(({ name }) => name === asked.text("exchange"));
      return found === undefined ? null : instanceBody(found, now);
    },
  },
  {
    path: "/instruments",
    id: "listInstruments",
    summary: "Collected instruments",
    parameters: [EXCHANGE, SYMBOL, ...LIST_PARAMETERS],
    schema: listSchema("instruments", INSTRUMENT, "By exchange instance"),
    answer: (facts, asked) => {
      const found = facts.exchanges().flatMap(({ name, runnable }) =>
        !isWanted(asked, "exchange", name)
          ? []
          : (runnable?.instruments ?? []).flatMap((instrument) =>
            isWanted(asked, "symbol", instrument.symbol, instrument.native)
              ? [{ exchange: name, instrument, channels: runnable?.channels ?? [] }]
              : []
          )
      );
      return listBody("instruments", found, asked, ({ exchange, instrument, channels }) => {
        const parts = parseCanonicalSymbol(instrument.symbol);
        return {
          exchange,
          symbol: instrument.symbol,
          native_symbol: instrument.native,
          family: instrument.family,
          base: parts?.base ?? null,
          quote: parts?.quote ?? null,
          settle: parts?.settle ?? null,
          expiry: parts?.expiry ?? null,
          strike: parts?.strike ?? null,
          option_type: parts?.optionType ?? null,
          channels,
          listed: facts.instrument(exchange, instrument.symbol),
        };
      });
    },
  },
  {
    path: "/streams",
    id: "listStreams",
    summary: "Streams with their state and the age of their data",
    parameters: [
      EXCHANGE,
      SYMBOL,
      { name: "channel", in: "query", type: "choice", choices: CHANNELS, description: "Only this kind" },
      { name: "state", in: "query", type: "choice", choices: STREAM_STATES, description: "Only those in this state" },
      ...LIST_PARAMETERS,
    ],
    schema: listSchema("streams", STREAM, "By exchange instance and connection"),
    answer: (facts, asked) => {
      const { now } = facts.status();
      const found = namesOf(facts, asked).flatMap((exchange) =>
        [...facts.streams(exchange)].filter(({ stream, state }) =>
          isWanted(asked, "symbol", stream.symbol) && isWanted(asked, "channel", stream.channel) &&
          isWanted(asked, "state", state)
        ).map((stream) => ({ exchange, ...stream }))
      );
      return listBody("streams", found, asked, (entry) => ({
        exchange: entry.exchange,
        connection: entry.connection,
        channel: entry.stream.channel,
        symbol: entry.stream.symbol,
        state: entry.state,
        since: isoFromMicros(entry.since),
        quiet: entry.quiet,
        last_data: isoOrNull(entry.lastDataTs),
        last_data_age_ms: entry.lastDataTs === null ? null : ageMs(now, entry.lastDataTs),
        missing_since: isoOrNull(entry.missingSince),
        reason: entry.reason,
      }));
    },
  },
  {
    path: "/books",
    id: "listBooks",
    summary: "Kept books with their best levels",
    parameters: [EXCHANGE, SYMBOL, DEPTH, ...LIST_PARAMETERS],
    schema: listSchema("books", BOOK, "By exchange instance"),
    answer: (facts, asked) => {
      const symbol = asked.text("symbol");
      const depth = asked.integer("depth");
      const found = namesOf(facts, asked).flatMap((exchange) =>
        [...facts.books(exchange, { symbol, depth })].map((book) => ({ exchange, book }))
      );
      return listBody("books", found, asked, ({ exchange, book }) => ({
        exchange,
        symbol: book.symbol,
        native_symbol: book.native,
        state: book.state,
        since: isoOrNull(book.since),
        cause: book.cause,
        sequence: book.sequence,
        exchange_ts: book.exchangeTs,
        bid_levels: book.bidLevels,
        ask_levels: book.askLevels,
        bids: book.bids,
        asks: book.asks,
      }));
    },
  },
  {
    path: "/gaps",
    id: "listGaps",
    summary: "The latest gaps since the start, the latest first",
    parameters: [
      EXCHANGE,
      SYMBOL,
      { name: "state", in: "query", type: "choice", choices: GAP_STATES, description: "Only those in this state" },
      ...LIST_PARAMETERS,
    ],
    schema: listSchema("gaps", GAP, "One entry for each gap, as its latest event describes it"),
    answer: ({ gaps }, asked) => {
      const found = gaps.all().filter(({ envelope, gap }) =>
        isWanted(asked, "exchange", envelope.exchange) && isWanted(asked, "state", gap.state) &&
        isWanted(asked, "symbol", envelope.symbol, envelope.native_symbol)
      );
      return listBody("gaps", found.reverse(), asked, gapBody);
    },
  },
  COVERAGE,
  {
    path: "/sinks",
    id: "listSinks",
    summary: "Sinks with their lag, and the journal that feeds them",
    parameters: [],
    schema: object({
      sinks: listOf(open("A sink as /healthz shows it"), "In the order of the configuration"),
      journal: nullable(open("The journal as /healthz shows it; null while there is none")),
    }),
    answer: ({ status }) => {
      const { sinks, journal } = status();
      return { sinks: sinks.map(sinkBody), journal: journal === null ? null : journalBody(journal) };
    },
  },
  {
    path: "/plan",
    id: "getPlan",
    summary: "The running plan: connections, the exact subscribe messages, rules, sinks; secrets are hidden",
    parameters: [],
    schema: object({ plan: nullable(open("What `plan --json` prints; null while none runs")) }),
    answer: ({ plan }) => ({ plan: plan() }),
  },
];

/** Returns a gap as the API shows it. */
export function gapBody({ envelope, gap }: GapView): unknown {
  return {
    exchange: envelope.exchange,
    symbol: envelope.symbol,
    gap_id: gap.gap_id,
    state: gap.state,
    stream: gap.stream,
    cause: gap.cause,
    from: isoOrNull(gap.from_ts),
    to: isoOrNull(gap.to_ts),
    told: isoFromMicros(envelope.received_ts),
    detail: gap.detail,
    action: gap.action,
  };
}

function namesOf(facts: LiveFacts, asked: ParameterValues): readonly string[] {
  return facts.exchanges().map(({ name }) => name).filter((name) => isWanted(asked, "exchange", name));
}

/** Whether any of the texts is the requested one, or none was requested. */
function isWanted(asked: ParameterValues, parameter: string, ...texts: readonly string[]): boolean {
  const wanted = asked.text(parameter);
  return wanted === undefined || texts.includes(wanted);
}

function isoOrNull(at: Micros | null): string | null {
  return at === null ? null : isoFromMicros(at);
}

function ageMs(now: Micros, at: Micros): number {
  return Math.max(0, Math.round((now - at) / 1000));
}
