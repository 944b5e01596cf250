import assert from "node:assert/strict";
import { matchAnswer, matchConnection, type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { loadShipped, type ShippedFrames } from "../support/shipped_descriptor.ts";

/** Recordings of a current protocol version, and how many events of each kind and control frames they hold. */
const RECORDINGS: readonly {
  readonly exchange: string;
  readonly files: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}[] = [
  {
    exchange: "binance",
    files: ["binance-20211012-ws1", "binance-20211012-http"],
    counts: { book_delta: 177, book_snapshot: 4, candle: 2, quote: 84, trade: 2 },
  },
  {
    exchange: "binance",
    files: ["binance-20240808-btcusdt"],
    counts: { book_delta: 3451, book_snapshot: 1, quote: 28040, trade: 9757 },
  },
  {
    exchange: "binance-usdm",
    files: ["binance-usdm-20210722-ws1", "binance-usdm-20210722-http"],
    counts: { book_delta: 764, book_snapshot: 4, candle: 67, quote: 613, trade: 91 },
  },
  {
    exchange: "binance-usdm",
    files: ["binance-usdm-20240808-btcusdt"],
    counts: { book_delta: 6551, book_snapshot: 1, quote: 66089, trade: 21313 },
  },
  {
    exchange: "hyperliquid",
    files: ["hyperliquid-20250126-btcusd"],
    counts: { book_snapshot: 46, trade: 34 },
  },
  {
    exchange: "bybit",
    files: ["bybit-20260809-ws1"],
    counts: {
      "control ack": 17,
      book_delta: 1594,
      book_snapshot: 4,
      candle: 75,
      derivative_ticker: 192,
      ticker: 81,
      trade: 327,
    },
  },
  {
    exchange: "bybit",
    files: ["bybit-20260809-ws2"],
    counts: { "control ack": 7, book_delta: 548, book_snapshot: 2, candle: 25, ticker: 81, trade: 20 },
  },
  {
    exchange: "coinbase",
    files: ["coinbase-20210417-ws1"],
    counts: {
      "control last_match": 10,
      "control subscriptions": 3,
      book_delta: 9719,
      book_snapshot: 10,
      quote: 107,
      ticker: 107,
      trade: 97,
    },
  },
  {
    exchange: "binance-coinm",
    files: ["binance-coinm-20210722-ws1", "binance-coinm-20210722-http"],
    counts: { book_delta: 2047, book_snapshot: 10, candle: 33, quote: 2240, trade: 51 },
  },
  {
    exchange: "binance-coinm",
    files: ["binance-coinm-20240808-btcusdperp"],
    counts: { book_delta: 26847, book_snapshot: 1, quote: 19136, trade: 2286 },
  },
  {
    exchange: "bitstamp",
    files: ["bitstamp-20220105-ws1", "bitstamp-20220105-http"],
    counts: { "control ack": 20, book_delta: 717, book_snapshot: 10, trade: 10 },
  },
  {
    exchange: "deribit",
    files: ["deribit-20210722-ws1"],
    counts: {
      "control ack": 1,
      "empty quote": 7,
      book_delta: 36,
      book_snapshot: 10,
      option_summary: 89,
      quote: 89,
      ticker: 89,
    },
  },
  {
    exchange: "delta",
    files: ["delta-20211129-ws1"],
    counts: { "control ack": 1, book_snapshot: 309 },
  },
  {
    exchange: "kucoin",
    files: ["kucoin-20210425-ws1", "kucoin-20210425-http"],
    counts: {
      "control recorded_answer": 14,
      book_delta: 3853,
      book_snapshot: 9,
      candle: 6,
      quote: 830,
      trade: 18,
    },
  },
  {
    exchange: "coinbase-advanced",
    files: ["coinbase-advanced-20260809-ws1"],
    counts: {
      "control ack": 5,
      "control heartbeat": 25,
      book_delta: 773,
      book_snapshot: 2,
      candle: 204,
      quote: 160,
      ticker: 160,
      trade: 79,
    },
  },
  {
    exchange: "bitfinex",
    files: ["bitfinex-20210417-ws1"],
    counts: {
      "control ack": 21,
      "control conf": 1,
      "control heartbeat": 42,
      "control trade_history": 7,
      "control welcome": 1,
      book_delta: 1593,
      book_snapshot: 7,
      quote: 21,
      ticker: 21,
    },
  },
  {
    exchange: "bitmex",
    files: ["bitmex-20210722-ws1"],
    counts: {
      "control ack": 30,
      "control history": 20,
      "control welcome": 1,
      book_delta: 1969,
      book_snapshot: 10,
      quote: 426,
      trade: 17,
    },
  },
  {
    exchange: "okx",
    files: ["okx-20220513-ws1"],
    counts: { "control ack": 18, book_delta: 287, book_snapshot: 3, derivative_ticker: 3, ticker: 28, trade: 74 },
  },
  {
    exchange: "binance-us",
    files: ["binance-us-20211012-ws1", "binance-us-20211012-http"],
    counts: { book_delta: 336, book_snapshot: 4, candle: 5, quote: 128, trade: 11 },
  },
  {
    exchange: "binance-tr",
    files: ["binance-tr-20230410-ws1", "binance-tr-20230410-http"],
    counts: { book_delta: 84, book_snapshot: 3, candle: 8, quote: 47 },
  },
  {
    exchange: "hitbtc",
    files: ["hitbtc-20210715-ws1"],
    counts: { "control history": 20, "control v2_answer": 40, book_delta: 517, book_snapshot: 20, ticker: 203 },
  },
  {
    exchange: "poloniex",
    files: ["poloniex-20220821-ws1"],
    counts: { "control ack": 2, book_delta: 283, book_snapshot: 11, trade: 6 },
  },
  {
    exchange: "okcoin",
    files: ["okcoin-20230527-ws1"],
    counts: { "control ack": 40, book_delta: 2, book_snapshot: 4, candle: 12, ticker: 8, trade: 4 },
  },
  { exchange: "bithumb", files: ["bithumb-20210601-ws1"], counts: { "control legacy_answer": 2, trade: 7 } },
];

/** What became of all frames of some recordings. */
class Account {
  frames = 0;
  matched = 0;
  control = 0;
  readonly unmatched: string[] = [];
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};

  add(read: NormalizedFrame): void {
    this.frames++;
    const told = read.faults.filter(({ code }) => code !== "empty_quote");
    // A market without orders is no fault of the descriptor.
    if (told.length < read.faults.length) this.#count("empty quote");
    const faults = told.map(({ code, where, example }) => `${code} ${where}: ${example}`);
    if (read.signal !== null) {
      this.control++;
      this.#count(`control ${read.rule}`);
    } else if (read.rule !== null) this.matched++;
    else if (told[0]?.code === "unmatched") this.unmatched.push(...faults);
    if (told.length > 0 && told[0].code !== "unmatched") this.faults.push(...faults);
    for (const { event } of read.events) this.#count(event.kind);
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

/** Reads the recordings as one; null where they are absent. */
function readAll({ frames, requests }: ShippedFrames, files: readonly string[]): Account | null {
  const normalizer = new FrameReader(frames);
  const account = new Account();
  for (const file of files) {
    const lines = readRecording(file);
    if (lines === null) return null;
    let connectionId = "";
    let session = 0;
    for (const { t, dir, url, payload, binary } of lines) {
      if (dir === "open") {
        session++;
        const matched = matchConnection(frames, url ?? "");
        assert.ok(matched !== null, `No connection for ${url}`);
        connectionId = matched;
      } else if (dir === "in") {
        account.add(normalizer.read({ session, connectionId, payload, binary, receivedTs: t }));
      } else if (dir === "http" && url !== null) {
        const request = requests.find(({ match }) => matchAnswer(match, url) !== null);
        if (request === undefined) continue;
        const native = matchAnswer(request.match, url) ?? "";
        account.add(normalizer.readHttp({ session, request: request.name, native, body: payload, receivedTs: t }));
      }
    }
  }
  return account;
}

for (const { exchange, files, counts } of RECORDINGS) {
  testOnRecordings(files, `the shipped descriptor of ${exchange} accounts for every frame of ${files[0]}`, () => {
    const account = readAll(loadShipped(exchange), files);
    assert.ok(account !== null);
    assert.deepEqual(account.faults.slice(0, 5), []);
    assert.deepEqual(account.unmatched.slice(0, 5), []);
    assert.equal(account.matched + account.control, account.frames);
    assert.deepEqual(account.counts, counts);
  });
}
