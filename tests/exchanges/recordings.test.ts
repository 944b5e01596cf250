import assert from "node:assert/strict";
import { matchConnection, Normalizer } from "../../src/normalize/mod.ts";
import { readRecording } from "../support/recordings.ts";
import { loadShipped } from "./shipped.ts";

/** What each recording must become: events by kind, and frames that only control rules match, by rule. */
interface Expected {
  readonly exchange: string;
  readonly recording: string;
  readonly events: Readonly<Record<string, number>>;
  readonly controls: Readonly<Record<string, number>>;
}

const RECORDINGS: readonly Expected[] = [
  {
    exchange: "binance",
    recording: "binance-20211012-ws1",
    events: { book_delta: 177, quote: 84, trade: 2, candle: 2 },
    controls: {},
  },
  {
    exchange: "binance",
    recording: "binance-20211012-http",
    events: { book_snapshot: 4 },
    controls: {},
  },
  {
    exchange: "binance",
    recording: "binance-20240808-btcusdt",
    events: { book_snapshot: 1, book_delta: 3451, quote: 28040, trade: 9757 },
    controls: {},
  },
  {
    exchange: "binance-usdm",
    recording: "binance-usdm-20210722-ws1",
    events: { quote: 613, book_delta: 764, candle: 67, trade: 91 },
    controls: {},
  },
  {
    exchange: "binance-usdm",
    recording: "binance-usdm-20210722-http",
    events: { book_snapshot: 4 },
    controls: {},
  },
  {
    exchange: "binance-usdm",
    recording: "binance-usdm-20240808-btcusdt",
    events: { book_snapshot: 1, book_delta: 6551, quote: 66089, trade: 21313 },
    controls: {},
  },
  {
    exchange: "okx",
    recording: "okx-20220513-ws1",
    events: { ticker: 28, trade: 74, book_snapshot: 3, book_delta: 287 },
    controls: { ack: 18 },
  },
  {
    exchange: "bybit",
    recording: "bybit-20260809-ws1",
    events: { ticker: 81, derivative_ticker: 192, book_snapshot: 4, book_delta: 1594, candle: 75, trade: 327 },
    controls: { ack: 17 },
  },
  {
    exchange: "bybit",
    recording: "bybit-20260809-ws2",
    events: { ticker: 81, book_snapshot: 2, book_delta: 548, candle: 25, trade: 20 },
    controls: { ack: 7 },
  },
  {
    exchange: "coinbase",
    recording: "coinbase-20210417-ws1",
    events: { book_snapshot: 10, quote: 107, ticker: 107, book_delta: 9719, trade: 97 },
    controls: { subscriptions: 3, last_match: 10 },
  },
  {
    exchange: "coinbase",
    recording: "coinbase-advanced-20260809-ws1",
    events: { book_snapshot: 2, book_delta: 773, candle: 204, quote: 160, ticker: 160, trade: 79 },
    controls: { ack: 5, heartbeat: 25 },
  },
];

/** Reads a recording with a shipped descriptor and counts; every frame has to be matched and without fault. */
function readAll(exchange: string, recording: string): Omit<Expected, "exchange" | "recording"> | null {
  const lines = readRecording(recording);
  if (lines === null) return null;
  const { frames, requests } = loadShipped(exchange);
  assert.ok(frames !== null);
  const normalizer = new Normalizer(frames);
  const events: Record<string, number> = {};
  const controls: Record<string, number> = {};
  let connectionId: string | null = null;
  for (const [session, line] of lines.entries()) {
    if (line.dir === "open") {
      connectionId = matchConnection(frames, line.url ?? "");
      assert.ok(connectionId !== null, `connection of ${line.url}`);
    }
    const request = line.dir === "http"
      ? requests.find(({ match }) => line.url?.includes(match.pathPrefix))
      : undefined;
    if (line.dir !== "in" && request === undefined) continue;
    const common = { receivedTs: line.t, session: line.dir === "http" ? null : session };
    const read = request === undefined
      ? normalizer.read({
        ...common,
        session: 1,
        connectionId: connectionId ?? "",
        payload: line.payload,
        binary: line.binary,
      })
      : normalizer.readHttp({
        ...common,
        request: request.name,
        native: new URL(line.url ?? "").searchParams.get(request.match.symbolParameter ?? "") ?? "",
        body: line.payload,
      });
    const text = new TextDecoder().decode(line.payload).slice(0, 300);
    assert.deepEqual(read.faults, [], text);
    if (read.signal !== null) controls[read.signal.rule] = (controls[read.signal.rule] ?? 0) + 1;
    else assert.ok(read.rule !== null, text);
    for (const { event } of read.events) events[event.kind] = (events[event.kind] ?? 0) + 1;
  }
  return { events, controls };
}

for (const { exchange, recording, events, controls } of RECORDINGS) {
  Deno.test(`${exchange} accounts for every frame of ${recording}`, () => {
    const counted = readAll(exchange, recording);
    if (counted !== null) assert.deepEqual(counted, { events, controls });
  });
}
