import assert from "node:assert/strict";
import fc from "fast-check";
import { readRecordingFile } from "../../src/cli/recording.ts";
import { loadDescriptor } from "../../src/config/mod.ts";
import { deriveRecord, Pipeline } from "../../src/derive/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { draftDescriptor, type LearnedFrame } from "../../src/learn/mod.ts";
import { loadDescriptorNamed } from "../../src/service/mod.ts";
import type { FramePlan } from "../../src/model/mod.ts";
import { recordingPath, testOnRecordings } from "../support/recordings.ts";

/** 2026-11-22T00:00:00Z, µs. */
const AT = 1_795_305_600_000_000;
const SHIPPED_DIR = new URL("../../config", import.meta.url).pathname;

function load(text: string) {
  return loadDescriptor({ file: { path: "draft.toml", text }, readText: () => null, environment: () => undefined });
}

function draft(
  frames: readonly unknown[],
  rest: { readonly urls?: readonly string[]; readonly sent?: readonly string[] } = {},
) {
  const learned = frames.map((frame): LearnedFrame => ({
    text: typeof frame === "string" ? frame : JSON.stringify(frame),
    at: AT,
  }));
  return draftDescriptor({ name: "drafted", urls: [], sent: [], ...rest, frames: learned });
}

/** The events of frames by a plan, as short texts. */
function eventsOf(plan: FramePlan, frames: readonly LearnedFrame[]): readonly string[] {
  const pipeline = new Pipeline([{ ...plan, books: [] }], { enabled: false, windowSeconds: 1, keysMax: 1 });
  const connection = plan.connections[0].id;
  const head = { exchange: plan.exchange, connection, url: "", descriptorHash: "", planHash: null, streams: [] };
  deriveRecord(pipeline, 1, { kind: "opened", at: AT, ...head });
  return frames.flatMap(({ text, at }, index) => {
    const payload = new TextEncoder().encode(text);
    const { envelopes } = deriveRecord(pipeline, index + 2, { kind: "frame", session: 1, at, binary: false, payload });
    return envelopes.flatMap(({ event, native_symbol }) => {
      if (event.kind === "trade") {
        return [`trade ${native_symbol} ${event.price} ${event.size} ${event.side} ${event.trade_id}`];
      }
      if (event.kind === "book_delta" || event.kind === "book_snapshot") {
        return [`book ${native_symbol} ${event.bids} ${event.asks}`];
      }
      return [];
    });
  });
}

Deno.test("draftDescriptor() tells channels apart and says of every field whether it is sure", () => {
  const trade = (index: number, symbol: string) => ({
    topic: `fills.${symbol}`,
    data: [{
      ts: AT / 1000 + index,
      symbol,
      price: "100.5",
      qty: `${index + 1}`,
      side: "Sell",
      tradeId: `${9000 + index}`,
    }],
  });
  const book = (type: string, symbol: string) => ({
    topic: `depth.${symbol}`,
    type,
    data: { symbol, bids: [["99", "1"]], asks: [["101", "2"]], ts: AT / 1000 },
  });
  const text = draft([
    { op: "subscribed", topic: "fills.BTC-USDT" },
    ...[1, 2, 3].flatMap((index) => [trade(index, "BTC-USDT"), trade(index, "ETH-USDT")]),
    ...["snapshot", "delta", "delta"].map((type) => book(type, "BTC-USDT")),
  ], { urls: ["wss://host/ws?token=1"], sent: ['{"op":"subscribe","args":["fills.BTC-USDT","depth.BTC-USDT"]}'] });
  const { frames, issues } = load(text);
  assert.deepEqual(issues.filter(({ severity }) => severity === "error"), [], text);
  assert.match(text, /urls = \["wss:\/\/host\/ws"\]/, "a query may hold what is nobody's business");
  assert.match(text, /emit\('\{"op":"subscribe","args":\["\{ch\}\.\{symbol\}"\]\}'\)/);
  assert.match(text, /when = \{ "\/topic" = \{ prefix = "fills\." \} \}/);
  assert.match(text, /snapshot = "root\.type == 'snapshot'" {2}# SURE/);
  assert.match(text, /# SURE: .*exchange_ts/);
  assert.ok(frames !== null);
  const learned = [trade(7, "XRP-USDT"), book("delta", "XRP-USDT")].map((frame) => ({
    text: JSON.stringify(frame),
    at: AT,
  }));
  assert.deepEqual(eventsOf(frames, learned), ["trade XRP-USDT 100.5 8 sell 9007", "book XRP-USDT 99,1 101,2"]);
});

Deno.test("draftDescriptor() always gives a descriptor that validates, whatever the frames are", () => {
  const frame = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.record({
      e: fc.constantFrom("trade", "book", "'\\\"", "\n*", "a/b~c"),
      s: fc.constantFrom("BTCUSDT", "ETH-USD", "", "x'y"),
      p: fc.oneof(fc.double(), fc.string(), fc.constant("1.5")),
      q: fc.constantFrom("1", 2, null),
      S: fc.constantFrom("buy", "Sell", true),
      "b": fc.array(fc.tuple(fc.constant("1"), fc.constant("2")), { maxLength: 2 }),
      "a": fc.array(fc.tuple(fc.constant("1"), fc.constant("2")), { maxLength: 2 }),
      "k'\\ /~*": fc.string(),
    }, { requiredKeys: [] }),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.string(), { maxLength: 2 }), (frames, sent) => {
      const text = draft(frames, { sent });
      const errors = load(text).issues.filter(({ severity }) => severity === "error");
      assert.deepEqual(errors.map(({ message }) => message), [], text);
    }),
    {
      numRuns: 60,
      // A text that reads like a pattern of symbols is a text.
      examples: [[[{ e: "\n*", b: [], a: [] }, { e: "\n*", b: [["1", "2"]], a: [] }], []]],
    },
  );
});

for (
  const [name, exchange, share] of [
    ["binance-20211012-ws1", "binance", 1],
    ["okx-20220513-ws1", "okx", 1],
    ["bybit-20260809-ws1", "bybit", 1],
    ["coinbase-20210417-ws1", "coinbase", 1],
  ] as const
) {
  testOnRecordings([name], `a draft of ${exchange} reads trades and books as the shipped descriptor does`, async () => {
    const frames: LearnedFrame[] = [];
    const urls: string[] = [];
    for await (const line of readRecordingFile(denoHost(), recordingPath(name))) {
      if (line.dir === "open") urls.push(line.url);
      if (line.dir === "in") frames.push({ text: new TextDecoder().decode(line.payload), at: line.t });
      if (frames.length >= 3_000) break;
    }
    const drafted = load(draftDescriptor({ name: exchange, urls, frames, sent: [] })).frames;
    const context = { host: denoHost(), version: "0", shippedDir: SHIPPED_DIR };
    const shipped = loadDescriptorNamed(context, exchange).frames;
    assert.ok(drafted !== null && shipped !== null);
    const mine = new Set(eventsOf(drafted, frames));
    const sides = (text: string) => text.replace(/^(trade .*) (?:buy|sell|unknown) /, "$1 ");
    const unsided = new Set([...mine].map(sides));
    // The recording's connection may be a later one of the descriptor; its events are then compared where there are any.
    const wanted = eventsOf({ ...shipped, connections: connectionsFor(shipped, urls[0]) }, frames).map(sides);
    assert.ok(wanted.length > 20, `${wanted.length}`);
    const found = wanted.filter((text) => unsided.has(text)).length;
    assert.ok(
      found >= wanted.length * share,
      `${found} of ${wanted.length}: ${wanted.find((text) => !unsided.has(text))}`,
    );
  });
}

/** The connection of an address first. */
function connectionsFor({ connections }: FramePlan, url: string): FramePlan["connections"] {
  const path = new URL(url).pathname;
  const named = connections.filter(({ urls }) => urls.some((one) => one.endsWith(path)));
  return [...named, ...connections.filter((one) => !named.includes(one))];
}
