import assert from "node:assert/strict";
import { Failure } from "../../src/model/mod.ts";
import {
  type DialectName,
  type FaultPlan,
  parseFaultTrigger,
  type Simulator,
  startSimulator,
  tradeDigest,
} from "../../src/simulator/mod.ts";
import type { ManualClock } from "../support/manual_clock.ts";
import { type Client, dialClient, hangUp, settle, steppedHost } from "../support/simulator_rig.ts";

const TICK_MS = 10;

interface Rig {
  readonly simulator: Simulator;
  readonly clock: ManualClock;
  readonly client: Client;
  dial(path?: string): Promise<Client>;
  fetch(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** Runs a simulated exchange with a client connected; `url` names the socket to use. */
async function withSimulator(
  options: { readonly dialect: DialectName; readonly url: string; readonly faults?: Partial<FaultPlan> },
  use: (rig: Rig) => Promise<void>,
): Promise<void> {
  const { host, clock, real } = steppedHost();
  const simulator = await startSimulator({
    host,
    dialect: options.dialect,
    port: 0,
    seed: 2,
    rate: 200,
    symbols: options.dialect === "kraken" ? ["BTC/USD", "ETH/USD"] : ["BTC/USDT", "ETH/USDT"],
    faults: options.faults ?? {},
  });
  const dial = (path = simulator.urls.ws[options.url]) => dialClient(real, path);
  const fetch = async (path: string) => {
    const answer = await real.fetcher.fetch({
      method: "GET",
      url: simulator.urls.rest + path,
      headers: {},
      body: null,
      caCertPaths: [],
      timeoutMs: 5_000,
      bytesMax: 10_000_000,
    });
    return { status: answer.status, text: new TextDecoder().decode(answer.body) };
  };
  const client = await dial();
  try {
    await use({ simulator, clock, client, dial, fetch });
  } finally {
    await hangUp(client);
    await simulator.stop();
  }
}

const SUBSCRIBE_TRADES = JSON.stringify({ method: "SUBSCRIBE", params: ["btcusdt@trade", "ethusdt@trade"], id: 1 });
const OKX_TRADES = JSON.stringify({
  op: "subscribe",
  args: [{ channel: "trades", instId: "BTC-USDT" }, { channel: "books", instId: "BTC-USDT" }],
});
const KRAKEN_BOOK = JSON.stringify({
  method: "subscribe",
  params: { channel: "book", symbol: ["BTC/USD", "ETH/USD"], depth: 10 },
  req_id: 3,
});

function texts({ log }: Client): string[] {
  return log.of("frame").filter((frame) => !frame.binary).map((frame) => frame.text);
}

Deno.test("startSimulator() counts exactly the trades that its client received, to the digit", async () => {
  await withSimulator({ dialect: "binance", url: "stream" }, async ({ simulator, clock, client }) => {
    client.connection.send(SUBSCRIBE_TRADES);
    await client.log.nth("frame");
    clock.advance(100 * TICK_MS);
    simulator.freeze();
    clock.advance(100 * TICK_MS);
    await settle(client);
    const trades = texts(client).slice(1).map((text) => JSON.parse(text).data);
    const statistics = simulator.statistics();
    assert.equal(statistics.dataFrames, trades.length);
    assert.equal(statistics.controlFrames, 1);
    assert.ok(trades.length > 50);
    for (const symbol of statistics.symbols) {
      const mine = trades.filter((trade) => trade.s === symbol.native);
      assert.equal(symbol.events.trade, mine.length);
      assert.equal(symbol.trades.count, mine.length);
      assert.deepEqual(symbol.trades.ids, mine.map((trade) => String(trade.t)));
      const digest = mine.reduce(
        (sum, { t, p, q, m }) =>
          (sum + tradeDigest({ id: String(t), price: p, size: q, side: m ? "sell" : "buy" })) >>> 0,
        0,
      );
      assert.equal(symbol.trades.digest, digest);
    }
    assert.deepEqual(statistics.symbols.map(({ symbol }) => symbol), ["BTC/USDT", "ETH/USDT"]);
  });
});

Deno.test("startSimulator() serves REST snapshots that bridge the deltas of the socket and counts them", async () => {
  await withSimulator({ dialect: "binance", url: "stream" }, async ({ simulator, clock, client, fetch }) => {
    client.connection.send('{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}');
    await client.log.nth("frame");
    clock.advance(55 * TICK_MS);
    const snapshot = JSON.parse((await fetch("/api/v3/depth?symbol=BTCUSDT&limit=1000")).text);
    clock.advance(55 * TICK_MS);
    await settle(client);
    const deltas = texts(client).slice(1).map((text) => JSON.parse(text).data);
    const next = snapshot.lastUpdateId + 1;
    assert.ok(deltas[0].u < next);
    assert.equal(deltas.filter((delta) => delta.U <= next && next <= delta.u).length, 1);
    const [symbol] = simulator.statistics().symbols;
    assert.deepEqual(symbol.events, { book_delta: deltas.length, book_snapshot: 1 });
    assert.equal((await fetch("/api/v3/depth?symbol=NOPE")).status, 400);
    assert.equal((await fetch("/nothing")).status, 404);
  });
});

Deno.test("startSimulator() carries every dialect over real sockets", async () => {
  await withSimulator({ dialect: "okx", url: "public" }, async ({ clock, client, fetch }) => {
    client.connection.send("ping");
    client.connection.send(OKX_TRADES);
    const first = await client.log.nth("frame", 4);
    assert.equal(texts(client)[0], "pong");
    assert.equal(JSON.parse(first.text).action, "snapshot");
    clock.advance(20 * TICK_MS);
    await settle(client);
    assert.ok(texts(client).some((text) => text.includes('"action":"update"')));
    assert.equal((await fetch("/api/v5/public/instruments?instType=SPOT")).status, 200);
  });
  await withSimulator({ dialect: "kraken", url: "public" }, async ({ clock, client }) => {
    assert.equal(JSON.parse((await client.log.nth("frame")).text).channel, "status");
    client.connection.send(KRAKEN_BOOK);
    await client.log.nth("frame", 5);
    clock.advance(20 * TICK_MS);
    await settle(client);
    const kinds = texts(client).map((text) => JSON.parse(text)).map((frame) => frame.type ?? frame.method);
    assert.deepEqual(kinds.slice(0, 5), ["update", "subscribe", "snapshot", "subscribe", "snapshot"]);
    assert.ok(kinds.length > 10);
  });
});

Deno.test("startSimulator() closes with 3001 on an oversized request and refuses a wrong path", async () => {
  await withSimulator({ dialect: "binance", url: "stream" }, async ({ client, dial, simulator }) => {
    client.connection.send(JSON.stringify({ method: "SUBSCRIBE", params: ["x".repeat(4096)], id: 1 }));
    assert.equal((await client.log.nth("close")).code, 3001);
    const lost = await dial(`${simulator.urls.ws.stream}/nowhere`);
    assert.equal((await lost.log.nth("close")).code, 1008);
  });
});

Deno.test("disconnect fault closes after exactly that many data frames, all of which arrive, and a new client is served", async () => {
  const faults = { disconnectEvery: parseFaultTrigger("25") };
  await withSimulator({ dialect: "binance", url: "stream", faults }, async ({ simulator, clock, client, dial }) => {
    client.connection.send(SUBSCRIBE_TRADES);
    await client.log.nth("frame");
    clock.advance(100 * TICK_MS);
    assert.equal((await client.log.nth("close")).code, 1001);
    assert.equal(client.log.of("frame").length, 26);
    assert.equal(simulator.statistics().dataFrames, 25);
    const again = await dial();
    again.connection.send(SUBSCRIBE_TRADES);
    await again.log.nth("frame");
    clock.advance(100 * TICK_MS);
    await again.log.nth("close");
    assert.equal(simulator.statistics().dataFrames, 50);
    assert.equal(simulator.statistics().forcedDisconnects, 2);
  });
});

Deno.test("gap fault holds each nth data frame back: sequences break and the frame is not counted as sent", async () => {
  const faults = { gapEvery: parseFaultTrigger("5") };
  await withSimulator({ dialect: "okx", url: "public", faults }, async ({ simulator, clock, client }) => {
    client.connection.send(OKX_TRADES.replace('{"channel":"trades","instId":"BTC-USDT"},', ""));
    await client.log.nth("frame", 2);
    clock.advance(300 * TICK_MS);
    await settle(client);
    const rows = texts(client).slice(1).map((text) => JSON.parse(text).data[0]);
    const breaks = rows.filter((row, index) => index > 0 && row.prevSeqId !== rows[index - 1].seqId).length;
    const statistics = simulator.statistics();
    assert.ok(breaks >= 3);
    assert.equal(statistics.dataFrames, rows.length);
    assert.ok(statistics.droppedFrames - breaks <= 1 && statistics.droppedFrames >= breaks);
  });
});

Deno.test("duplicate fault sends each nth data frame twice and counts the copies apart", async () => {
  const faults = { duplicateEvery: parseFaultTrigger("3") };
  await withSimulator({ dialect: "binance", url: "stream", faults }, async ({ simulator, clock, client }) => {
    client.connection.send(SUBSCRIBE_TRADES);
    await client.log.nth("frame");
    clock.advance(50 * TICK_MS);
    await settle(client);
    const frames = texts(client).slice(1);
    const statistics = simulator.statistics();
    assert.equal(frames.length - new Set(frames).size, statistics.duplicatedFrames);
    assert.ok(statistics.duplicatedFrames > 3);
    const copies = statistics.symbols.reduce((sum, { duplicated }) => sum + (duplicated.trade ?? 0), 0);
    assert.equal(copies, statistics.duplicatedFrames);
  });
});

Deno.test("garbage fault adds frames that are not JSON, text and binary, without touching the others", async () => {
  const faults = { garbageEvery: parseFaultTrigger("4") };
  await withSimulator({ dialect: "binance", url: "stream", faults }, async ({ simulator, clock, client }) => {
    client.connection.send(SUBSCRIBE_TRADES);
    await client.log.nth("frame");
    clock.advance(100 * TICK_MS);
    await settle(client);
    const isJson = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const frames = client.log.of("frame");
    const good = frames.filter((frame) => isJson(frame.text)).length;
    const statistics = simulator.statistics();
    assert.equal(good, statistics.dataFrames + statistics.controlFrames);
    assert.equal(frames.length - good, statistics.garbageFrames);
    assert.ok(statistics.garbageFrames >= 3 && frames.some((frame) => frame.binary));
  });
});

Deno.test("silence fault keeps the connection open and leaves even requests and text pings unanswered", async () => {
  const faults = { silenceAfter: parseFaultTrigger("500ms") };
  await withSimulator({ dialect: "okx", url: "public", faults }, async ({ simulator, clock, client }) => {
    client.connection.send(OKX_TRADES);
    await client.log.nth("frame", 3);
    clock.advance(100 * TICK_MS);
    await settle(client);
    const before = client.log.of("frame").length;
    assert.equal(simulator.statistics().silencedConnections, 1);
    client.connection.send("ping");
    clock.advance(100 * TICK_MS);
    await settle(client);
    assert.equal(client.log.of("frame").length, before);
    assert.deepEqual(client.log.of("close"), []);
  });
});

Deno.test("rejecting and slow faults refuse one symbol and delay the answers", async () => {
  const faults = { rejectSubscriptions: ["ETH/USD"], slowAckMs: 300 };
  await withSimulator({ dialect: "kraken", url: "public", faults }, async ({ clock, client }) => {
    await client.log.nth("frame");
    client.connection.send(KRAKEN_BOOK);
    await settle(client);
    clock.advance(290);
    await settle(client);
    assert.equal(client.log.of("frame").length, 1);
    clock.advance(20);
    await client.log.nth("frame", 4);
    const answers = texts(client).map((text) => JSON.parse(text)).filter((frame) => frame.method === "subscribe");
    assert.deepEqual(answers.map((answer) => answer.success), [true, false]);
    assert.equal(answers[1].symbol, "ETH/USD");
  });
});

Deno.test("startSimulator() leaves WebSocket pings unanswered when told to", async () => {
  await withSimulator({ dialect: "okx", url: "public", faults: { ignoresPings: true } }, async ({ client }) => {
    client.connection.ping();
    client.connection.send("ping");
    await client.log.nth("frame");
    assert.deepEqual(client.log.of("pong"), []);
  });
});

Deno.test("startSimulator() rejects when its port is taken", async () => {
  await withSimulator({ dialect: "okx", url: "public" }, async ({ simulator }) => {
    const { host } = steppedHost();
    const second = startSimulator({ host, dialect: "okx", port: simulator.port, symbols: ["BTC/USDT"] });
    await assert.rejects(second, Failure);
  });
});

Deno.test("parseFaultTrigger() reads counts and times and nothing else", () => {
  assert.deepEqual(parseFaultTrigger("500"), { kind: "frames", count: 500 });
  assert.deepEqual(parseFaultTrigger("250ms"), { kind: "time", ms: 250 });
  assert.deepEqual(parseFaultTrigger("2m"), { kind: "time", ms: 120_000 });
  for (const text of ["", "0", "-5", "1.5", "5 s", "s", "10d", "99999999999999999999"]) {
    assert.equal(parseFaultTrigger(text), null, text);
  }
});
