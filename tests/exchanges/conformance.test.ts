import assert from "node:assert/strict";
import type { Level, MarketEvent } from "../../src/model/mod.ts";
import { type NormalizedEvent, Normalizer } from "../../src/normalize/mod.ts";
import { readShared } from "../support/recordings.ts";
import { loadShipped } from "./shipped.ts";

/** One line of a conformance file, as its README has it. */
interface Line {
  readonly case: string;
  readonly seq: number;
  readonly mapperFrom: string | null;
  readonly message: Record<string, unknown>;
  readonly normalized: readonly Record<string, unknown>[];
}

/** A file of cases, the descriptor and connection that read it, and the first date of the protocol that is current. */
interface Suite {
  readonly file: string;
  readonly exchange: string;
  readonly connection: (message: Record<string, unknown>) => string;
  readonly from: string;
}

const SUITES: readonly Suite[] = [
  { file: "binance", exchange: "binance", connection: () => "public", from: "" },
  { file: "binance-futures", exchange: "binance-usdm", connection: () => "public", from: "" },
  { file: "coinbase", exchange: "coinbase", connection: () => "exchange", from: "" },
  { file: "kraken", exchange: "kraken", connection: () => "public", from: "2026" },
  { file: "okex", exchange: "okx", connection: () => "public", from: "2021-12-23" },
  { file: "okex-swap", exchange: "okx", connection: () => "public", from: "2021-12-23" },
  { file: "okex-futures", exchange: "okx", connection: () => "public", from: "2021-12-23" },
  { file: "bybit-spot", exchange: "bybit", connection: () => "spot", from: "2023-04-05" },
  {
    file: "bybit",
    exchange: "bybit",
    connection: ({ topic }) => /USDT|PERP/.test(String(topic)) ? "linear" : "inverse",
    from: "2023-04-05",
  },
];

/** Where we differ, and why. A line `file case seq`; every one has to differ, so none outlives its reason. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  "binance merge buffered depth changes into normalized snapshots #1 0": "deltas are passed on, not held back",
  "binance merge buffered depth changes into normalized snapshots #1 1": "the snapshot stays as it came, unmerged",
  "binance map binance messages #7 0": "deltas are passed on, not held back",
  "binance map binance messages #7 1": "the snapshot stays as it came, unmerged",
  "binance-futures map binance futures update that directly continues the snapshot #1 0":
    "deltas are passed on, not held back",
  "binance-futures map binance futures update that directly continues the snapshot #1 1":
    "the snapshot stays as it came, unmerged",
  "okex-swap map okex-swap messages [3] #2 1": "quotes come from bbo-tbt, as in the mapper of 2022-05-06 and later",
  "okex-futures map okex-futures messages [3] #8 0": "no exchange sends it: a poll wrapped by the recorder",
  "okex-futures map okex-futures messages [3] #9 0":
    "its first frame is emitted: that it repeats history is not documented",
  "bybit-spot map bybit spot messages [2] #3 1": "one-sided deltas of depth 1 are not sent any more",
};

/** The kinds that are compared, in the form of the cases; amounts and prices as numbers. */
type Compared = Record<string, unknown>;

function ours({ event, native_symbol: symbol, exchange_ts }: NormalizedEvent): readonly Compared[] {
  const time = exchange_ts === null ? {} : { timestamp: Math.floor(exchange_ts / 1000) };
  const made = compared(event);
  return made === null ? [] : [{ ...made, symbol, ...time }];
}

function compared(event: MarketEvent): Compared | null {
  switch (event.kind) {
    case "trade":
      return { type: "trade", id: event.trade_id, ...priced(event), side: event.side };
    case "liquidation":
      return { type: "liquidation", id: event.id, ...priced(event), side: event.side };
    case "quote":
      return {
        type: "book_ticker",
        bidPrice: numberOf(event.bid_price),
        bidAmount: numberOf(event.bid_size),
        askPrice: numberOf(event.ask_price),
        askAmount: numberOf(event.ask_size),
      };
    case "book_snapshot":
    case "book_delta":
      return {
        type: "book_change",
        isSnapshot: event.kind === "book_snapshot",
        bids: levels(event.bids),
        asks: levels(event.asks),
      };
    default:
      return null;
  }
}

function priced(event: { readonly price: string; readonly size: string }): Compared {
  return { price: Number(event.price), amount: Number(event.size) };
}

function levels(side: readonly Level[]): readonly Compared[] {
  return side.map(([price, amount]) => ({ price: Number(price), amount: Number(amount) }));
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** The expected event without what is not compared; its time only where ours has one. */
function theirs(event: Record<string, unknown>, timed: boolean): Compared {
  const { exchange: _exchange, localTimestamp: _local, timestamp, ...rest } = event;
  return timed ? { ...rest, timestamp: Date.parse(String(timestamp)) } : rest;
}

const KINDS = ["trade", "book_change", "book_ticker", "liquidation"];

function readCases(suite: Suite): Line[] | null {
  const bytes = readShared(new URL(`../../../shared/conformance/${suite.file}.jsonl`, import.meta.url));
  if (bytes === null) return null;
  const lines: Line[] = new TextDecoder().decode(bytes).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter(({ mapperFrom }) => (mapperFrom ?? "9") >= suite.from);
}

/** What the descriptor makes of one message; messages that stand for REST answers are read as such. */
function read(normalizer: Normalizer, suite: Suite, line: Line): readonly Compared[] {
  const { stream, data } = line.message as { readonly stream?: string; readonly data?: unknown };
  const body = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const isSnapshot = stream?.endsWith("@depthSnapshot") ?? false;
  const result = isSnapshot
    ? normalizer.readHttp({
      session: 1,
      request: "depth_snapshot",
      native: stream?.split("@")[0].toUpperCase() ?? "",
      body: body(data),
      receivedTs: 0,
    })
    : normalizer.read({
      session: 1,
      connectionId: suite.connection(line.message),
      payload: body(line.message),
      binary: false,
      receivedTs: 0,
    });
  return result.events.flatMap(ours);
}

for (const suite of SUITES) {
  Deno.test(`${suite.exchange} gives what the cases of ${suite.file} expect`, () => {
    const lines = readCases(suite);
    if (lines === null) return;
    const { frames } = loadShipped(suite.exchange);
    assert.ok(frames !== null);
    const normalizers = new Map<string, Normalizer>();
    let same = 0;
    for (const line of lines) {
      const key = `${suite.file} ${line.case} ${line.seq}`;
      const normalizer = normalizers.get(line.case) ?? new Normalizer(frames);
      normalizers.set(line.case, normalizer);
      const made = read(normalizer, suite, line);
      const expected = line.normalized.filter(({ type }) => KINDS.includes(String(type)))
        .map((event, index) => theirs(event, made[index]?.timestamp !== undefined));
      if (key in DEVIATIONS) {
        assert.notDeepEqual(made, expected, `${key} no longer differs: ${DEVIATIONS[key]}`);
        continue;
      }
      assert.deepEqual(made, expected, key);
      same++;
    }
    console.log(`${suite.file}: ${same} of ${lines.length} messages alike, ${lines.length - same} deviations`);
  });
}
