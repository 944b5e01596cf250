import assert from "node:assert/strict";
import { matchConnection, type NormalizedEvent } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { readRecording, type RecordedLine, testOnRecordings } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** The digits behind a key, cut out of the text without a parser: the key occurs once in the frames it is used on. */
function digits(text: string, key: string): string | null {
  const match = new RegExp(`"${key}":"?([-0-9.]+)"?[,}]`).exec(text);
  return match === null ? null : match[1];
}

function levels(text: string, key: string): string[][] {
  const start = text.indexOf(`"${key}":[`);
  const end = text.indexOf("]]", start);
  const inside = text.startsWith("[]", start + key.length + 3) ? "" : text.slice(start, end);
  return [...inside.matchAll(/\["([0-9.]+)","([0-9.]+)"/g)].map(([, price, size]) => [price, size]);
}

/** What a frame has to become, read off its text by patterns; null where it must be filtered. */
function expected(text: string, futures: boolean): unknown {
  const native = /"s":"([A-Z]+)"/.exec(text)?.[1];
  const at = (key: string) => Number(digits(text, key)) * 1000;
  const common = { symbol: futures ? "BTC/USDT:USDT" : "BTC/USDT", native_symbol: native };
  if (text.includes('"e":"trade"')) {
    if (futures && !text.includes('"X":"MARKET"')) return null;
    return {
      channel: "trades",
      ...common,
      exchange_ts: at("T"),
      event: {
        kind: "trade",
        trade_id: digits(text, "t"),
        price: digits(text, "p"),
        size: digits(text, "q"),
        side: text.includes('"m":true') ? "sell" : "buy",
      },
      rule: "trade",
      checksum: null,
      row: 0,
    };
  }
  if (text.includes('"e":"depthUpdate"')) {
    return {
      channel: "book",
      ...common,
      exchange_ts: at("E"),
      event: {
        kind: "book_delta",
        bids: levels(text, "b"),
        asks: levels(text, "a"),
        first_sequence: digits(text, "U"),
        last_sequence: digits(text, "u"),
        previous_sequence: futures ? digits(text, "pu") : null,
      },
      rule: "book",
      checksum: null,
      row: 0,
    };
  }
  return {
    channel: "quotes",
    ...common,
    exchange_ts: futures ? at("E") : null,
    event: {
      kind: "quote",
      bid_price: digits(text, "b"),
      bid_size: digits(text, "B"),
      ask_price: digits(text, "a"),
      ask_size: digits(text, "A"),
    },
    rule: "quote",
    checksum: null,
    row: 0,
  };
}

/** Reads all frames, compares each with what the patterns say, and counts events by kind. */
function check(
  lines: readonly RecordedLine[],
  futures: boolean,
): { counts: Record<string, number>; filtered: number } {
  const { frames } = loadShipped(futures ? "binance-usdm" : "binance");
  const connectionId = matchConnection(frames, lines[0].url ?? "");
  assert.ok(connectionId !== null);
  const normalizer = new FrameReader(frames);
  const counts: Record<string, number> = {};
  let filtered = 0;
  const decoder = new TextDecoder();
  for (const line of lines) {
    if (line.dir !== "in") continue;
    const read = normalizer.read({
      session: 1,
      connectionId,
      payload: line.payload,
      binary: false,
      receivedTs: line.t,
    });
    const text = decoder.decode(line.payload);
    assert.equal(read.faults.length, 0, text);
    const wanted = expected(text, futures);
    if (wanted === null) {
      assert.equal(read.events.length, 0);
      filtered++;
      continue;
    }
    assertSame(read.events, wanted, text);
    const { kind } = read.events[0].event;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return { counts, filtered };
}

/** Exact equality; JSON text stands in for deepEqual because there are a hundred thousand frames. */
function assertSame(events: readonly NormalizedEvent[], wanted: unknown, text: string): void {
  if (JSON.stringify(events) !== JSON.stringify([wanted])) assert.deepEqual(events, [wanted], text);
}

testOnRecordings(
  ["binance-usdm-20240808-btcusdt"],
  "read() gives every trade, quote and delta of the USD-M recording to the digit",
  () => {
    const lines = readRecording("binance-usdm-20240808-btcusdt");
    assert.ok(lines !== null);
    const { counts, filtered } = check(lines, true);
    assert.deepEqual({ ...counts, trade: counts.trade + filtered }, { book_delta: 6551, quote: 66089, trade: 21313 });
    console.log(
      `binance-usdm: ${counts.trade} trades of 21313 (${filtered} filtered), ${counts.quote} quotes, ${counts.book_delta} deltas`,
    );
  },
);

testOnRecordings(
  ["binance-20240808-btcusdt"],
  "read() gives every trade, quote and delta of the spot recording to the digit",
  () => {
    const lines = readRecording("binance-20240808-btcusdt");
    assert.ok(lines !== null);
    assert.deepEqual(check(lines, false), { counts: { book_delta: 3451, quote: 28040, trade: 9757 }, filtered: 0 });
  },
);
