import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { KrakenDialect } from "../../src/simulator/kraken.ts";
import { RecordingPeer } from "../support/recording_peer.ts";

const START = 1_770_000_000_000_000;
const SECOND = 1_000_000;

function build(options: { rejects?: readonly string[] } = {}) {
  const dialect = new KrakenDialect({
    symbols: ["BTC/USD", "DOGE/USD"],
    seed: 11,
    rejects: options.rejects ?? [],
    slowAckMs: 0,
    limitsConnections: true,
  });
  const peer = new RecordingPeer();
  const connection = dialect.connect("/v2", peer, START);
  const send = (body: unknown, now = START) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    connection.onText(text, text.length, now);
  };
  const subscribe = (params: unknown, req_id = 1) => send({ method: "subscribe", params, req_id });
  return { dialect, peer, connection, send, subscribe };
}

function run(dialect: KrakenDialect, ticks: number, stepsPerTick = 2): void {
  for (let i = 1; i <= ticks; i++) {
    dialect.advance(stepsPerTick, START + i * SECOND / 100);
    dialect.tick(START + i * SECOND / 100);
  }
}

/** The levels of one side as their text on the wire, in array order: prices and quantities are never read as numbers. */
function levelsOf(text: string, side: "bids" | "asks"): readonly (readonly [string, string])[] {
  const list = new RegExp(`"${side}":\\[(.*?)\\]`).exec(text)?.[1] ?? "";
  return [...list.matchAll(/"price":([^,]+),"qty":([^}]+)\}/g)].map((match) => [match[1], match[2]]);
}

/** Pads to the precision, drops the point and leading zeros: the documented recipe, on text. */
function checksumText(text: string, precision: number): string {
  const [whole, fraction = ""] = text.split(".");
  return (whole + fraction.padEnd(precision, "0")).replace(/^0+/, "");
}

Deno.test("KrakenDialect begins with a status frame whose connection_id exceeds 2^63", () => {
  const { peer } = build();
  const id = /"connection_id":(\d+)/.exec(peer.control[0])?.[1] ?? "0";
  assert.equal(JSON.parse(peer.control[0]).channel, "status");
  assert.ok(BigInt(id) > 2n ** 63n);
});

Deno.test("KrakenDialect acknowledges each symbol under the same req_id and names the symbol it refuses", () => {
  const { peer, subscribe } = build();
  subscribe({ channel: "book", symbol: ["BTC/USD", "XBT/USD", "DOGE/USD"], depth: 25 }, 7);
  const answers = peer.control.slice(1).map((text) => JSON.parse(text));
  assert.deepEqual(answers.map((answer) => answer.success), [true, false, true]);
  assert.ok(
    answers.every((answer) =>
      answer.req_id === 7 && answer.method === "subscribe" && answer.time_in && answer.time_out
    ),
  );
  assert.deepEqual(answers[0].result, { channel: "book", depth: 25, snapshot: true, symbol: "BTC/USD" });
  assert.equal(answers[1].symbol, "XBT/USD");
  assert.equal(answers[1].error, "Currency pair not supported XBT/USD");
  assert.equal("result" in answers[1], false);
});

Deno.test("KrakenDialect refuses malformed requests, wrong options, repeated and rejected subscriptions", () => {
  const { peer, send, subscribe } = build({ rejects: ["DOGE/USD"] });
  send("{");
  send({ method: "follow" });
  subscribe({ channel: "book", symbol: ["BTC/USD"], depth: 11 });
  subscribe({ channel: "gossip", symbol: ["BTC/USD"] });
  subscribe({ channel: "trade", symbol: "BTC/USD" });
  subscribe({ channel: "trade", symbol: ["BTC/USD"] });
  subscribe({ channel: "trade", symbol: ["BTC/USD"] });
  subscribe({ channel: "trade", symbol: ["DOGE/USD"] });
  send({ method: "unsubscribe", params: { channel: "trade", symbol: ["BTC/USD"] } });
  send({ method: "unsubscribe", params: { channel: "trade", symbol: ["BTC/USD"] } });
  const success = peer.control.slice(1).map((text) => JSON.parse(text).success);
  assert.deepEqual(success, [false, false, false, false, false, true, false, false, true, false]);
});

Deno.test("KrakenDialect sends heartbeats each second only after a subscription and only while nothing else is sent", () => {
  const { dialect, peer, connection, send } = build();
  const heartbeats = () => peer.control.filter((text) => text === '{"channel":"heartbeat"}').length;
  connection.onTick(START + 5 * SECOND);
  assert.equal(heartbeats(), 0);
  connection.onText('{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}', 70, START + 5 * SECOND);
  for (let i = 501; i <= 800; i++) connection.onTick(START + i * SECOND / 100);
  assert.equal(heartbeats(), 3);
  send({ method: "subscribe", params: { channel: "book", symbol: ["BTC/USD"] } }, START + 8 * SECOND);
  for (let i = 801; i <= 1100; i++) {
    connection.onTick(START + i * SECOND / 100);
    dialect.advance(2, START + i * SECOND / 100);
    dialect.tick(START + i * SECOND / 100);
  }
  assert.equal(heartbeats(), 3);
});

Deno.test("KrakenDialect answers ping with pong and closes an idle connection without subscription after a minute", () => {
  const { peer, connection, send } = build();
  send({ method: "ping", req_id: 101 }, START + 30 * SECOND);
  const pong = JSON.parse(peer.control[1]);
  assert.deepEqual([pong.method, pong.req_id], ["pong", 101]);
  connection.onTick(START + 89 * SECOND);
  assert.equal(peer.closeCode(), null);
  connection.onTick(START + 90 * SECOND);
  assert.notEqual(peer.closeCode(), null);
});

for (const [symbol, depth] of [["BTC/USD", 10], ["DOGE/USD", 25], ["BTC/USD", 1000]] as const) {
  Deno.test(`KrakenDialect's checksum of ${symbol} at depth ${depth} agrees with a book kept by the documented steps`, () => {
    const { dialect, peer, subscribe } = build();
    subscribe({ channel: "instrument" });
    subscribe({ channel: "book", symbol: [symbol], depth });
    run(dialect, 400, 3);
    const instruments = peer.control.map((text) => JSON.parse(text)).find((frame) => frame.channel === "instrument");
    const pair = instruments.data.pairs.find((row: { symbol: string }) => row.symbol === symbol);
    const book = { asks: new Map<string, string>(), bids: new Map<string, string>() };
    let repeated = 0;
    for (const { text } of peer.data) {
      for (const side of ["asks", "bids"] as const) {
        const levels = levelsOf(text, side);
        if (new Set(levels.map(([price]) => price)).size < levels.length) repeated++;
        for (const [price, qty] of levels) {
          if (Number(qty) === 0) book[side].delete(price);
          else book[side].set(price, qty);
        }
        const sign = side === "asks" ? 1 : -1;
        const kept = [...book[side]].sort(([a], [b]) => sign * (Number(a) - Number(b))).slice(0, depth);
        book[side] = new Map(kept);
      }
      const joined = [...book.asks].slice(0, 10).concat([...book.bids].slice(0, 10)).map(([price, qty]) =>
        checksumText(price, pair.price_precision) + checksumText(qty, pair.qty_precision)
      ).join("");
      assert.equal(JSON.parse(text).data[0].checksum, crc32(joined));
    }
    assert.ok(peer.data.length > 100);
    assert.ok(repeated > 0);
  });
}

Deno.test("KrakenDialect writes numbers as JSON numbers with their digits and without exponents", () => {
  const { dialect, peer, subscribe } = build();
  subscribe({ channel: "trade", symbol: ["BTC/USD", "DOGE/USD"] });
  subscribe({ channel: "ticker", symbol: ["BTC/USD"], event_trigger: "bbo" });
  subscribe({ channel: "ohlc", symbol: ["BTC/USD"], interval: 1 });
  run(dialect, 200);
  assert.deepEqual(
    new Set(peer.data.map(({ text }) => JSON.parse(text).channel)),
    new Set(["trade", "ticker", "ohlc"]),
  );
  for (const { text } of peer.data) {
    for (const match of text.matchAll(/"(?:price|qty|bid|ask|last|volume|open)":([^,}]+)/g)) {
      assert.match(match[1], /^\d+\.\d+$/);
    }
  }
});

Deno.test("KrakenDialect's ticker follows its trigger and trade history comes only when asked for", () => {
  const quiet = build();
  quiet.subscribe({ channel: "ticker", symbol: ["BTC/USD"], snapshot: false });
  quiet.subscribe({ channel: "trade", symbol: ["BTC/USD"] });
  run(quiet.dialect, 300);
  const channels = quiet.peer.data.map(({ text }) => JSON.parse(text).channel);
  const count = (name: string) => channels.filter((channel) => channel === name).length;
  assert.ok(count("ticker") > 0 && count("ticker") <= count("trade"));
  const other = new RecordingPeer();
  const late = quiet.dialect.connect("/v2", other, START);
  const text = '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],"snapshot":true}}';
  late.onText(text, text.length, START);
  const history = JSON.parse(other.data[0].text);
  assert.deepEqual([history.type, history.data.length], ["snapshot", 50]);
  assert.deepEqual(other.data[0].content.events, {});
});
