import {
  type DerivativeTicker,
  type Envelope,
  type JournalRecord,
  type Micros,
  microsFromText,
} from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { readShared } from "./recordings.ts";
import type { ShippedFrames } from "./shipped_descriptor.ts";

/** Kinds of the expected objects that are compared. */
export const COMPARED_KINDS = [
  "trade",
  "book_change",
  "derivative_ticker",
  "option_summary",
  "book_ticker",
  "liquidation",
] as const;
export type ComparedKind = typeof COMPARED_KINDS[number];

/** One message with what a proven mapper makes of it. */
export interface ConformanceLine {
  readonly case: string;
  readonly seq: number;
  readonly index: number;
  readonly mapperFrom: string | null;
  readonly localTimestamp: string;
  readonly message: unknown;
  readonly normalized: readonly Readonly<Record<string, unknown>>[];
}

/** Where the messages of an exchange come from and how they are fed. */
export interface ConformanceSubject {
  /** Name in the cases. */
  readonly exchange: string;
  readonly versions: readonly (string | null)[];
  readonly shipped: ShippedFrames;
  readonly connectionId: string;
  /** The REST answer that a synthetic message stands for; null where it is none. */
  readonly restAnswer?: (
    message: unknown,
  ) => { readonly request: string; readonly native: string; readonly body: unknown } | null;
}

/** How one kind came out for one message. */
export interface Comparison {
  readonly exchange: string;
  readonly case: string;
  readonly index: number;
  readonly kind: ComparedKind;
  readonly passed: boolean;
  readonly expected: readonly unknown[];
  readonly actual: readonly unknown[];
}

/** The shared file of an exchange's messages. */
export function conformanceFile({ exchange }: Pick<ConformanceSubject, "exchange">): URL {
  return new URL(`../../../shared/conformance/${exchange}.jsonl`, import.meta.url);
}

/** The lines of an exchange in the current protocol versions; null where the shared folder is absent. */
export function readConformance(subject: ConformanceSubject): ConformanceLine[] | null {
  const bytes = readShared(conformanceFile(subject));
  if (bytes === null) return null;
  const lines: ConformanceLine[] = new TextDecoder().decode(bytes).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter(({ mapperFrom }) => subject.versions.includes(mapperFrom));
}

/** Feeds each case to a fresh pipeline and compares what it gives, kind by kind. */
export function compareCases(subject: ConformanceSubject, lines: readonly ConformanceLine[]): Comparison[] {
  const comparisons: Comparison[] = [];
  let feed = new CaseFeed(subject);
  for (const line of lines) {
    if (line.seq === 0) feed = new CaseFeed(subject);
    const events = feed.read(line.message);
    const local = microsOf(line.localTimestamp);
    const actual = events.map((event) => comparable(event, local)).filter((one) => one !== null);
    const expected = line.normalized.map((one) => ({ ...one, timestamp: microsOf(String(one.timestamp)) }));
    for (const kind of COMPARED_KINDS) {
      const wanted = expected.flatMap((one) => Reflect.get(one, "type") === kind ? [sorted(one)] : []);
      const given = kind === "derivative_ticker"
        ? wanted.map((one) => feed.stateLike(one))
        : actual.flatMap((one) => one.type === kind ? [sorted(one)] : []);
      if (wanted.length === 0 && given.length === 0) continue;
      comparisons.push({
        exchange: subject.exchange,
        case: line.case,
        index: line.index,
        kind,
        passed: JSON.stringify(wanted) === JSON.stringify(given),
        expected: wanted,
        actual: given,
      });
    }
  }
  return comparisons;
}

/** The fields of a derivative's state as the cases spell them, and as events do. */
const STATE_FIELDS = {
  fundingRate: "funding_rate",
  fundingTimestamp: "next_funding_ts",
  indexPrice: "index_price",
  lastPrice: "last_price",
  markPrice: "mark_price",
  openInterest: "open_interest",
  predictedFundingRate: "predicted_funding_rate",
} as const satisfies Readonly<Record<string, keyof DerivativeTicker>>;

/** One case: a session of its own, with the state of derivatives put together from what each frame carried. */
class CaseFeed {
  readonly #pipeline: Pipeline;
  readonly #subject: ConformanceSubject;
  readonly #states = new Map<string, Map<keyof DerivativeTicker, string | number>>();
  #offset = 1;

  constructor(subject: ConformanceSubject) {
    this.#subject = subject;
    this.#pipeline = new Pipeline([subject.shipped.frames], { enabled: false, windowSeconds: 1, keysMax: 1 });
    this.#process({
      kind: "opened",
      at: 0,
      exchange: subject.shipped.frames.exchange,
      connection: subject.connectionId,
      url: "",
      descriptorHash: "",
      planHash: null,
      streams: [],
    });
  }

  /** Gives a message, or the REST answer that it stands for, to the pipeline. */
  read(message: unknown): readonly Envelope[] {
    const encoder = new TextEncoder();
    const rest = this.#subject.restAnswer?.(message) ?? null;
    if (rest === null) {
      const payload = encoder.encode(JSON.stringify(message));
      return this.#process({ kind: "frame", session: 1, at: 0, binary: false, payload });
    }
    return this.#process({
      kind: "http",
      planHash: null,
      at: 0,
      exchange: this.#subject.shipped.frames.exchange,
      session: 1,
      request: rest.request,
      native: rest.native,
      url: "",
      status: 200,
      body: encoder.encode(JSON.stringify(rest.body)),
    });
  }

  /** What is known of the symbol of an expected state, in its form. The mapper emits the whole, an event what came. */
  stateLike(expected: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const known = this.#states.get(String(expected.symbol));
    const fields = Object.entries(STATE_FIELDS).map(([field, name]) => {
      const value = known?.get(name) ?? null;
      if (value === null) return [field, null];
      return [field, typeof value === "number" ? isoOf(value) : Number(value)];
    });
    return sorted({ ...expected, ...Object.fromEntries(fields) });
  }

  #process(record: JournalRecord): readonly Envelope[] {
    const { envelopes } = this.#pipeline.process(this.#offset++, record);
    for (const { event, native_symbol } of envelopes) {
      if (event.kind !== "derivative_ticker") continue;
      const symbol = native_symbol.toUpperCase();
      const known = this.#states.get(symbol) ?? new Map<keyof DerivativeTicker, string | number>();
      this.#states.set(symbol, known);
      for (const name of Object.values(STATE_FIELDS)) {
        const value = event[name];
        if (value !== null) known.set(name, value);
      }
    }
    return envelopes;
  }
}

/** A time as the cases write it: three digits of a second. */
function isoOf(micros: Micros): string {
  return new Date(micros / 1000).toISOString();
}

function microsOf(iso: string): Micros {
  const micros = microsFromText(iso, "iso");
  if (micros === null) throw new Error(`Not a time: ${iso}`);
  return micros;
}

/** Our event as the cases spell it, with numbers for prices and sizes; null for kinds that are not compared. */
function comparable(found: Envelope, local: Micros): Readonly<Record<string, unknown>> | null {
  const common = { symbol: found.native_symbol.toUpperCase(), timestamp: found.exchange_ts ?? local };
  const { event } = found;
  switch (event.kind) {
    case "trade":
      return {
        type: "trade",
        ...common,
        id: event.trade_id,
        price: +event.price,
        amount: +event.size,
        side: event.side,
      };
    case "liquidation":
      return {
        type: "liquidation",
        ...common,
        id: event.id,
        price: +event.price,
        amount: +event.size,
        side: event.side,
      };
    case "option_summary":
      return {
        type: "option_summary",
        ...common,
        optionType: event.option_type,
        strikePrice: numberOrNull(event.strike_price),
        expirationDate: event.expiration_ts === null ? null : isoOf(event.expiration_ts),
        bestBidPrice: numberOrNull(event.bid_price),
        bestBidAmount: numberOrNull(event.bid_size),
        bestBidIV: numberOrNull(event.bid_iv),
        bestAskPrice: numberOrNull(event.ask_price),
        bestAskAmount: numberOrNull(event.ask_size),
        bestAskIV: numberOrNull(event.ask_iv),
        lastPrice: numberOrNull(event.last_price),
        openInterest: numberOrNull(event.open_interest),
        markPrice: numberOrNull(event.mark_price),
        markIV: numberOrNull(event.mark_iv),
        delta: numberOrNull(event.delta),
        gamma: numberOrNull(event.gamma),
        vega: numberOrNull(event.vega),
        theta: numberOrNull(event.theta),
        rho: numberOrNull(event.rho),
        underlyingPrice: numberOrNull(event.underlying_price),
        underlyingIndex: event.underlying_index ?? "",
      };
    case "quote":
      return {
        type: "book_ticker",
        ...common,
        askAmount: numberOrNull(event.ask_size),
        askPrice: numberOrNull(event.ask_price),
        bidAmount: numberOrNull(event.bid_size),
        bidPrice: numberOrNull(event.bid_price),
      };
    case "book_snapshot":
    case "book_delta": {
      const levels = (side: typeof event.bids) => side.map(([price, size]) => ({ amount: +size, price: +price }));
      const isSnapshot = event.kind === "book_snapshot";
      return { type: "book_change", ...common, isSnapshot, bids: levels(event.bids), asks: levels(event.asks) };
    }
    default:
      return null;
  }
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** The fields that are compared, in one order. */
function sorted(one: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { exchange: _exchange, localTimestamp: _local, ...rest } = one;
  const fields = Object.entries(rest).map(([name, value]): [string, unknown] => [
    name,
    Array.isArray(value)
      ? inOrder(value)
      : name === "fundingTimestamp" && value !== null
      ? microsOf(String(value))
      : value,
  ]);
  return Object.fromEntries(fields.sort(([left], [right]) => left < right ? -1 : 1));
}

/** Levels by price: their order within a message says nothing. */
function inOrder(levels: readonly { readonly price: number; readonly amount: number }[]): readonly unknown[] {
  return levels.map(({ price, amount }) => ({ amount, price })).sort((left, right) => left.price - right.price);
}

/** A table exchange × kind × passed/total, as text. */
export function conformanceTable(comparisons: readonly Comparison[]): string {
  const exchanges = [...new Set(comparisons.map(({ exchange }) => exchange))];
  const lines = exchanges.map((exchange) => {
    const cells = COMPARED_KINDS.map((kind) => {
      const found = comparisons.filter((one) => one.exchange === exchange && one.kind === kind);
      return (found.length === 0 ? "–" : `${found.filter(({ passed }) => passed).length}/${found.length}`).padStart(18);
    });
    return exchange.padEnd(18) + cells.join("");
  });
  return ["exchange".padEnd(18) + COMPARED_KINDS.map((kind) => kind.padStart(18)).join(""), ...lines].join("\n");
}
