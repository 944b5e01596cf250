import assert from "node:assert/strict";
import { OkxDialect } from "../../src/simulator/okx.ts";
import { RecordingPeer } from "../support/recording_peer.ts";

const START = 1_770_000_000_000_000;
const SECOND = 1_000_000;
const TRADES = { channel: "trades", instId: "BTC-USDT" };

function build(options: { rejects?: readonly string[]; path?: string } = {}) {
  const dialect = new OkxDialect({
    symbols: ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"],
    seed: 5,
    rejects: options.rejects ?? [],
    slowAckMs: 0,
    limitsConnections: true,
  });
  const peer = new RecordingPeer();
  const connection = dialect.connect(options.path ?? "/ws/v5/public", peer, START);
  const send = (body: unknown, now = START) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    connection.onText(text, text.length, now);
  };
  return { dialect, peer, connection, send };
}

function run(dialect: OkxDialect, ticks: number, from = START): void {
  for (let i = 1; i <= ticks; i++) {
    dialect.advance(2, from + i * SECOND / 100);
    dialect.tick(from + i * SECOND / 100);
  }
}

Deno.test("OkxDialect acknowledges each argument by itself and echoes it with the id", () => {
  const { peer, send } = build();
  const books = { channel: "books", instId: "BTC-USDT-SWAP" };
  send({ id: "1512", op: "subscribe", args: [TRADES, books] });
  send({ op: "unsubscribe", args: [TRADES] });
  const acks = peer.control.map((text) => JSON.parse(text));
  assert.deepEqual(acks.map(({ event, arg, id }) => ({ event, arg, id })), [
    { event: "subscribe", arg: TRADES, id: "1512" },
    { event: "subscribe", arg: books, id: "1512" },
    { event: "unsubscribe", arg: TRADES, id: undefined },
  ]);
  assert.ok(acks.every((ack) => ack.connId === acks[0].connId));
});

Deno.test("OkxDialect refuses with the documented codes, without an arg, and goes on with the other arguments", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ["{", "60012"],
    [{ op: "subscribe", argss: [TRADES] }, "60012"],
    [{ op: "follow", args: [TRADES] }, "60012"],
    [{ id: "not ok", op: "subscribe", args: [TRADES] }, "60012"],
    [{ op: "subscribe", args: [] }, "60013"],
    [{ op: "subscribe", args: ["trades"] }, "60013"],
    [{ op: "subscribe", args: [{ channel: "trades", instId: "NO-PE" }] }, "60018"],
    [{ op: "subscribe", args: [{ channel: "candle1m", instId: "BTC-USDT" }] }, "60018"],
    [{ op: "subscribe", args: [{ channel: "mark-price", instId: "BTC-USDT" }] }, "60018"],
    [{ op: "subscribe", args: [{ channel: "books-l2-tbt", instId: "BTC-USDT" }] }, "64003"],
    [{ op: "subscribe", args: [{ channel: "orders", instType: "SPOT" }] }, "60011"],
  ];
  for (const [body, code] of cases) {
    const { peer, send } = build();
    send(body);
    const answer = JSON.parse(peer.control[0]);
    assert.equal(answer.event, "error");
    assert.equal(answer.code, code, JSON.stringify(body));
    assert.equal("arg" in answer, false);
  }
  const { peer, send } = build({ rejects: ["BTC/USDT"] });
  send({ op: "subscribe", args: [TRADES, { channel: "trades", instId: "BTC-USDT-SWAP" }] });
  assert.deepEqual(peer.control.map((text) => JSON.parse(text).event), ["error", "subscribe"]);
  assert.match(JSON.parse(peer.control[0]).msg, /channel:trades,instId:BTC-USDT doesn't exist/);
});

Deno.test("OkxDialect offers candles and single fills on the business endpoint alone", () => {
  const { peer, send, dialect } = build({ path: "/ws/v5/business" });
  send({
    op: "subscribe",
    args: [{ channel: "candle1s", instId: "BTC-USDT" }, { channel: "trades-all", instId: "BTC-USDT" }, TRADES],
  });
  assert.deepEqual(peer.control.map((text) => JSON.parse(text).event), ["subscribe", "subscribe", "error"]);
  run(dialect, 300);
  const frames = peer.data.map(({ text }) => JSON.parse(text));
  const candles = frames.filter((frame) => frame.arg.channel === "candle1s").map((frame) => frame.data[0]);
  const trades = frames.filter((frame) => frame.arg.channel === "trades-all").flatMap((frame) => frame.data);
  const closed = candles.filter((row) => row[8] === "1");
  assert.equal(closed.length, 3);
  assert.ok(candles.every((row) => row.length === 9));
  for (const row of closed) {
    const inside = trades.filter((trade) =>
      Number(trade.ts) >= Number(row[0]) && Number(trade.ts) < Number(row[0]) + 1000
    );
    assert.equal(row[1], inside[0].px);
    assert.equal(row[4], inside[inside.length - 1].px);
  }
});

Deno.test("OkxDialect answers the bare text ping with the bare text pong", () => {
  const { peer, send } = build();
  send("ping");
  assert.deepEqual(peer.control, ["pong"]);
});

Deno.test("OkxDialect disconnects after 30 s without traffic; a ping or data keeps the connection", () => {
  const idle = build();
  idle.connection.onTick(START + 29 * SECOND);
  assert.equal(idle.peer.closeCode(), null);
  idle.send("ping", START + 29 * SECOND);
  idle.connection.onTick(START + 58 * SECOND);
  assert.equal(idle.peer.closeCode(), null);
  idle.connection.onTick(START + 59 * SECOND);
  assert.notEqual(idle.peer.closeCode(), null);
  const busy = build();
  busy.send({ op: "subscribe", args: [TRADES] });
  for (let i = 1; i <= 50; i++) {
    busy.connection.onTick(START + i * SECOND);
    busy.dialect.advance(20, START + i * SECOND);
  }
  assert.equal(busy.peer.closeCode(), null);
});

Deno.test("OkxDialect refuses the 481st request of an hour with 60014 and the fourth connection of a second", () => {
  const { peer, send, dialect } = build();
  for (let i = 0; i < 481; i++) send({ op: "unsubscribe", args: [TRADES] });
  assert.equal(peer.control.filter((text) => text.includes("60014")).length, 1);
  const peers = Array.from({ length: 3 }, () => new RecordingPeer());
  for (const other of peers) dialect.connect("/ws/v5/public", other, START + 1);
  assert.deepEqual(peers.map((other) => other.closeCode()), [null, null, 1008]);
});

Deno.test("OkxDialect's book snapshot and chained deltas rebuild the 400 best levels", () => {
  const { dialect, peer, send } = build();
  run(dialect, 20);
  send({ op: "subscribe", args: [{ channel: "books", instId: "BTC-USDT" }] }, START + SECOND);
  run(dialect, 500, START + SECOND);
  const frames = peer.data.map(({ text }) => JSON.parse(text));
  assert.equal(frames[0].action, "snapshot");
  assert.equal(frames[0].data[0].prevSeqId, -1);
  assert.equal(frames[0].data[0].bids.length, 400);
  assert.ok(frames.length > 40);
  const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  let last = -1;
  for (const frame of frames) {
    const [row] = frame.data;
    if (frame.action === "update") assert.equal(row.prevSeqId, last);
    last = row.seqId;
    for (const side of ["bids", "asks"] as const) {
      for (const [price, size] of row[side]) {
        if (size === "0") sides[side].delete(price);
        else sides[side].set(price, size);
      }
    }
  }
  const now = JSON.parse(dialect.answer("/api/v5/market/books?instId=BTC-USDT&sz=400", START).body).data[0];
  assert.equal(now.seqId, last);
  for (const side of ["bids", "asks"] as const) {
    assert.equal(sides[side].size, 400);
    for (const [price, size] of now[side]) assert.equal(sides[side].get(price), size);
  }
});

Deno.test("OkxDialect repeats the sequence in an empty delta after a minute without change", () => {
  const { dialect, peer, send } = build();
  send({ op: "subscribe", args: [{ channel: "books", instId: "BTC-USDT" }] });
  dialect.tick(START + 59 * SECOND);
  assert.equal(peer.data.length, 1);
  dialect.tick(START + 61 * SECOND);
  const [row] = JSON.parse(peer.data[1].text).data;
  assert.deepEqual([row.bids, row.asks, row.seqId], [[], [], row.prevSeqId]);
});

Deno.test("OkxDialect joins the fills of an order at one price and counts rows", () => {
  const { dialect, peer, send } = build();
  send({ op: "subscribe", args: [TRADES] });
  run(dialect, 500);
  const rows = peer.data.flatMap(({ text }) => JSON.parse(text).data);
  assert.ok(rows.some((row) => row.count !== "1"));
  rows.forEach((row, index) => {
    if (index > 0) assert.equal(Number(row.tradeId) - Number(row.count), Number(rows[index - 1].tradeId));
  });
  assert.equal(peer.data.reduce((sum, { content }) => sum + (content.events.trade ?? 0), 0), rows.length);
});

Deno.test("OkxDialect sends state of derivatives at once and liquidations by instrument type", () => {
  const { dialect, peer, send } = build();
  const instId = "BTC-USDT-SWAP";
  send({
    op: "subscribe",
    args: [
      { channel: "funding-rate", instId },
      { channel: "mark-price", instId },
      { channel: "open-interest", instId },
      { channel: "index-tickers", instId: "BTC-USDT" },
      { channel: "tickers", instId },
      { channel: "bbo-tbt", instId },
      { channel: "liquidation-orders", instType: "SWAP" },
      { channel: "liquidation-orders", instType: "FUTURES" },
    ],
  });
  assert.equal(peer.control.filter((text) => text.includes('"subscribe"')).length, 8);
  assert.deepEqual(peer.data.map(({ text }) => JSON.parse(text).arg.channel), [
    "funding-rate",
    "mark-price",
    "open-interest",
    "index-tickers",
    "tickers",
    "bbo-tbt",
  ]);
  run(dialect, 500);
  const orders = peer.data.map(({ text }) => JSON.parse(text)).filter((frame) => frame.arg.instType === "SWAP");
  assert.deepEqual(new Set(orders.map((frame) => frame.data[0].instId)), new Set([instId, "BTC-USD-SWAP"]));
  for (const frame of orders) {
    for (const detail of frame.data[0].details) assert.equal(detail.posSide, detail.side === "buy" ? "short" : "long");
  }
});

Deno.test("OkxDialect lists instruments by type over REST", () => {
  const { dialect } = build();
  const list = (type: string) =>
    JSON.parse(dialect.answer(`/api/v5/public/instruments?instType=${type}`, START).body).data;
  assert.deepEqual(list("SPOT").map((row: { instId: string }) => row.instId), ["BTC-USDT"]);
  assert.deepEqual(list("SWAP").map((row: { ctType: string }) => row.ctType), ["linear", "inverse"]);
  assert.equal(dialect.answer("/api/v5/public/instruments", START).status, 400);
});
