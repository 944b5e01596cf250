import assert from "node:assert/strict";
import { BinanceDialect } from "../../src/simulator/binance.ts";
import { RecordingPeer } from "../support/recording_peer.ts";

const START = 1_770_000_000_000_000;
const SECOND = 1_000_000;

function build(options: { rejects?: readonly string[]; slowAckMs?: number; target?: string } = {}) {
  const dialect = new BinanceDialect({
    symbols: ["BTC/USDT", "ETH/USDT"],
    seed: 3,
    rejects: options.rejects ?? [],
    slowAckMs: options.slowAckMs ?? 0,
    limitsConnections: true,
  });
  const peer = new RecordingPeer();
  const connection = dialect.connect(options.target ?? "/stream", peer, START);
  const send = (body: unknown, now = START) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    connection.onText(text, new TextEncoder().encode(text).length, now);
  };
  return { dialect, peer, connection, send };
}

interface Depth {
  readonly U: number;
  readonly u: number;
  readonly b: readonly [string, string][];
  readonly a: readonly [string, string][];
}

Deno.test("BinanceDialect acknowledges a request once, by its id, with a null result", () => {
  const { peer, send } = build();
  send({ method: "SUBSCRIBE", params: ["btcusdt@trade", "nosuch@trade", "btcusdt@nothing"], id: 7 });
  send({ method: "LIST_SUBSCRIPTIONS", id: "list1" });
  send({ method: "UNSUBSCRIBE", params: ["btcusdt@trade"], id: null });
  assert.deepEqual(peer.control, [
    '{"result":null,"id":7}',
    '{"result":["btcusdt@trade","nosuch@trade","btcusdt@nothing"],"id":"list1"}',
    '{"result":null,"id":null}',
  ]);
});

Deno.test("BinanceDialect answers malformed requests with code and msg and without a result", () => {
  const cases: readonly (readonly [unknown, number])[] = [
    ["{", 3],
    [{ method: "SUBSCRIBE", params: "btcusdt@trade", id: 1 }, 2],
    [{ method: "FOLLOW", params: [], id: 1 }, 2],
    [{ method: "SUBSCRIBE", params: [], id: 1, depth: 3 }, 0],
    [{ method: "SUBSCRIBE", params: [], id: "x".repeat(37) }, 2],
    [{ params: [], id: 1 }, 2],
  ];
  for (const [body, code] of cases) {
    const { peer, send } = build();
    send(body);
    const answer = JSON.parse(peer.control[0]);
    assert.equal(answer.code, code, JSON.stringify(body));
    assert.equal(typeof answer.msg, "string");
    assert.equal("result" in answer, false);
    assert.equal(peer.closeCode(), null);
  }
});

Deno.test("BinanceDialect closes with 3001 when a request reaches 4096 bytes and not one byte before", () => {
  const padded = (bytes: number) => {
    const text = '{"method":"LIST_SUBSCRIPTIONS","id":1}';
    return text.slice(0, -1) + " ".repeat(bytes - text.length) + "}";
  };
  const short = build();
  short.send(padded(4095));
  assert.equal(short.peer.closeCode(), null);
  const long = build();
  long.send(padded(4096));
  assert.equal(long.peer.closeCode(), 3001);
});

Deno.test("BinanceDialect disconnects at the sixth message of a second, pongs counted, and not when they are spread", () => {
  const burst = build();
  for (let i = 0; i < 4; i++) burst.send({ method: "LIST_SUBSCRIPTIONS", id: i });
  burst.connection.onPong(START);
  assert.equal(burst.peer.closeCode(), null);
  burst.send({ method: "LIST_SUBSCRIPTIONS", id: 9 });
  assert.equal(burst.peer.closeCode(), 1008);
  const spread = build();
  for (let i = 0; i < 50; i++) spread.send({ method: "LIST_SUBSCRIPTIONS", id: i }, START + i * SECOND / 5);
  assert.equal(spread.peer.closeCode(), null);
});

Deno.test("BinanceDialect refuses the 1025th stream of a connection", () => {
  const { peer, connection } = build();
  const send = (from: number, count: number, id: number) => {
    const params = Array.from({ length: count }, (_, i) => `s${from + i}@trade`);
    const text = JSON.stringify({ method: "SUBSCRIBE", params, id });
    assert.ok(text.length < 4096);
    connection.onText(text, text.length, START + id * SECOND);
  };
  for (let i = 0; i < 8; i++) send(i * 128, 128, i);
  assert.equal(peer.control[7], '{"result":null,"id":7}');
  send(1024, 1, 8);
  assert.equal(JSON.parse(peer.control[8]).code, 2);
});

Deno.test("BinanceDialect pings each 20 s and drops a client that has not answered within a minute", () => {
  const { peer, connection } = build();
  connection.onTick(START + 19 * SECOND);
  assert.equal(peer.pings, 0);
  connection.onTick(START + 20 * SECOND);
  connection.onPong(START + 21 * SECOND);
  connection.onTick(START + 40 * SECOND);
  assert.equal(peer.pings, 2);
  connection.onTick(START + 100 * SECOND);
  assert.equal(peer.closeCode(), null);
  connection.onTick(START + 101 * SECOND);
  assert.equal(peer.closeCode(), 1008);
});

Deno.test("BinanceDialect's depth snapshot and deltas rebuild the book by the documented steps", () => {
  const { dialect, peer, send } = build();
  send({ method: "SUBSCRIBE", params: ["btcusdt@depth@100ms"], id: 1 });
  let snapshot = { lastUpdateId: 0, bids: [] as [string, string][], asks: [] as [string, string][] };
  for (let i = 1; i <= 400; i++) {
    dialect.advance(3, START + i * SECOND / 100);
    if (i === 155) snapshot = JSON.parse(dialect.answer("/api/v3/depth?symbol=BTCUSDT&limit=5000", START).body);
    dialect.tick(START + i * SECOND / 100);
  }
  const deltas = peer.data.map(({ text }) => (JSON.parse(text) as { data: Depth }).data);
  assert.equal(deltas.length, 40);
  for (let i = 1; i < deltas.length; i++) assert.equal(deltas[i].U, deltas[i - 1].u + 1);
  const kept = deltas.filter((delta) => delta.u > snapshot.lastUpdateId);
  assert.ok(kept.length < deltas.length);
  assert.ok(kept[0].U <= snapshot.lastUpdateId + 1 && snapshot.lastUpdateId + 1 <= kept[0].u);
  const sides = { b: new Map(snapshot.bids), a: new Map(snapshot.asks) };
  for (const delta of kept) {
    for (const side of ["b", "a"] as const) {
      for (const [price, size] of delta[side]) {
        if (Number(size) === 0) sides[side].delete(price);
        else sides[side].set(price, size);
      }
    }
  }
  const now = JSON.parse(dialect.answer("/api/v3/depth?symbol=BTCUSDT&limit=5000", START).body);
  const sorted = (side: ReadonlyMap<string, string>, sign: number) =>
    [...side].sort(([left], [right]) => sign * (Number(left) - Number(right)));
  assert.equal(now.lastUpdateId, kept[kept.length - 1].u);
  assert.deepEqual(sorted(sides.b, -1), now.bids);
  assert.deepEqual(sorted(sides.a, 1), now.asks);
});

Deno.test("BinanceDialect sends raw or combined frames, in ms or µs, as the URL asks", () => {
  const frame = (target: string) => {
    const { dialect, peer } = build({ target });
    for (let i = 0; i < 50; i++) dialect.advance(1, START + i);
    return JSON.parse(peer.data[0].text);
  };
  assert.equal(frame("/ws/btcusdt@trade/ethusdt@trade").e, "trade");
  const combined = frame("/stream?streams=ethusdt@trade/btcusdt@bookTicker");
  assert.match(combined.stream, /^(?:ethusdt@trade|btcusdt@bookTicker)$/);
  assert.equal(String(frame("/ws/btcusdt@trade").T).length, 13);
  assert.equal(String(frame("/ws/btcusdt@trade?timeUnit=MICROSECOND").T).length, 16);
});

Deno.test("BinanceDialect numbers trades without a hole and aggregates cover them all", () => {
  const { dialect, peer } = build({ target: "/stream?streams=btcusdt@trade/btcusdt@aggTrade" });
  dialect.advance(500, START);
  const frames = peer.data.map(({ text }) => JSON.parse(text).data);
  const trades = frames.filter((frame) => frame.e === "trade");
  const aggregates = frames.filter((frame) => frame.e === "aggTrade");
  assert.ok(trades.length > 100 && aggregates.length < trades.length);
  trades.forEach((trade, index) => assert.equal(trade.t, trades[0].t + index));
  aggregates.forEach((aggregate, index) => {
    if (index > 0) assert.equal(aggregate.f, aggregates[index - 1].l + 1);
    const fills = trades.filter((trade) => trade.t >= aggregate.f && trade.t <= aggregate.l);
    assert.equal(fills.reduce((sum, fill) => sum + Math.round(Number(fill.q) * 1e5), 0), Math.round(aggregate.q * 1e5));
    assert.ok(fills.every((fill) => fill.p === aggregate.p && fill.m === aggregate.m));
  });
  assert.ok(trades.every((trade) => /^\d+\.\d{8}$/.test(trade.p) && /^\d+\.\d{8}$/.test(trade.q)));
});

Deno.test("BinanceDialect sends ticker and kline that agree with the trades", () => {
  const { dialect, peer } = build({
    target: "/stream?streams=btcusdt@trade/btcusdt@kline_1s/btcusdt@ticker/btcusdt@depth5",
  });
  for (let i = 1; i <= 300; i++) {
    dialect.advance(1, START + i * SECOND / 100);
    dialect.tick(START + i * SECOND / 100);
  }
  const data = (stream: string) =>
    peer.data.map(({ text }) => JSON.parse(text)).filter((frame) => frame.stream === stream).map((frame) => frame.data);
  const trades = data("btcusdt@trade");
  const closed = data("btcusdt@kline_1s").map(({ k }) => k).filter((kline) => kline.x);
  assert.equal(closed.length, 3);
  for (const kline of closed) {
    const inside = trades.filter((trade) => trade.T >= kline.t && trade.T <= kline.T);
    assert.equal(kline.n, inside.length);
    assert.equal(kline.o, inside[0].p);
    assert.equal(kline.c, inside[inside.length - 1].p);
    assert.equal(Number(kline.h), Math.max(...inside.map((trade) => Number(trade.p))));
  }
  const ticker = data("btcusdt@ticker").at(-1);
  assert.equal(ticker.n, trades.filter((trade) => trade.T <= ticker.E).length);
  assert.equal(data("btcusdt@depth5").at(-1).bids.length, 5);
});

Deno.test("BinanceDialect refuses the symbols it was told to, as a whole request", () => {
  const { peer, send } = build({ rejects: ["ETH/USDT"] });
  send({ method: "SUBSCRIBE", params: ["btcusdt@trade", "ethusdt@trade"], id: 1 });
  send({ method: "LIST_SUBSCRIPTIONS", id: 2 });
  assert.equal(JSON.parse(peer.control[0]).code, 2);
  assert.equal(JSON.parse(peer.control[0]).id, 1);
  assert.equal(peer.control[1], '{"result":[],"id":2}');
});

Deno.test("BinanceDialect acknowledges and begins later when told to be slow", () => {
  const { dialect, peer, connection, send } = build({ slowAckMs: 500 });
  send({ method: "SUBSCRIBE", params: ["btcusdt@trade"], id: 1 });
  dialect.advance(100, START);
  connection.onTick(START + 499_000);
  assert.deepEqual([peer.control.length, peer.data.length], [0, 0]);
  connection.onTick(START + 500_000);
  dialect.advance(100, START + 500_000);
  assert.equal(peer.control.length, 1);
  assert.ok(peer.data.length > 0);
});

Deno.test("BinanceDialect's REST names unknown symbols, lists its own and holds the weight limit", () => {
  const { dialect } = build();
  assert.equal(dialect.answer("/api/v3/depth?symbol=NOPE", START).status, 400);
  assert.equal(JSON.parse(dialect.answer("/api/v3/depth", START).body).code, -1102);
  const list = JSON.parse(dialect.answer("/api/v3/exchangeInfo", START).body);
  assert.deepEqual(list.symbols.map((row: { symbol: string }) => row.symbol), ["BTCUSDT", "ETHUSDT"]);
  const statuses = Array.from(
    { length: 24 },
    () => dialect.answer("/api/v3/depth?symbol=BTCUSDT&limit=5000", START).status,
  );
  assert.equal(statuses.filter((status) => status === 200).length, 23);
  assert.equal(statuses[23], 429);
  assert.equal(dialect.answer("/api/v3/depth?symbol=BTCUSDT", START + 61 * SECOND).status, 200);
});

Deno.test("BinanceDialect lists spot instruments only", () => {
  const options = { seed: 1, rejects: [], slowAckMs: 0, limitsConnections: true };
  assert.throws(() => new BinanceDialect({ ...options, symbols: ["BTC/USDT:USDT"] }), RangeError);
  assert.throws(() => new BinanceDialect({ ...options, symbols: ["BTCUSDT"] }), RangeError);
});
