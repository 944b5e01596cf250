import assert from "node:assert/strict";
import { type EmulatedExchange, type EmulatorOptions, startEmulator } from "../../src/emulator/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { NO_FAULTS } from "../../src/simulator/mod.ts";
import { BINANCE_LINES, BYBIT_LINES, emulatedOf, withEmulated } from "../support/emulated.ts";
import { havePackages, runForeign } from "../support/foreign_clients.ts";
import { recordingPath, testOnRecordings } from "../support/recordings.ts";
import { BINANCE, BYBIT } from "./packages.ts";
import { Catalogue, Wishes } from "../../src/protocol/mod.ts";
import { readRecordingFile } from "../../src/cli/recording.ts";

const FOREIGN = new URL("foreign_client.ts", import.meta.url);

async function withServer(
  exchanges: readonly EmulatedExchange[],
  use: (server: Awaited<ReturnType<typeof startEmulator>>) => Promise<void>,
  rest: Partial<EmulatorOptions> = {},
): Promise<void> {
  const server = await startEmulator({
    host: denoHost(),
    exchanges,
    port: 0,
    address: "127.0.0.1",
    speed: 0,
    repeats: false,
    settleMs: 20,
    delayMs: 0,
    faults: NO_FAULTS,
    failed: (cause) => {
      throw cause;
    },
    ...rest,
  });
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

/** Sends messages and returns what a socket says, until so many came or it is closed. */
async function listen(url: string, messages: readonly string[], count: number) {
  const socket = new WebSocket(url);
  const said: string[] = [];
  const closed = new Promise<number>((resolve, reject) => {
    const never = setTimeout(() => reject(new Error(`Only this was said: ${said.join("\n")}`)), 120_000);
    socket.onclose = ({ code }) => {
      clearTimeout(never);
      resolve(code);
    };
  });
  socket.onopen = () => messages.forEach((message) => socket.send(message));
  socket.onmessage = ({ data }) => {
    said.push(typeof data === "string" ? data : "(bytes)");
    if (said.length >= count) socket.close();
  };
  return { code: await closed, said };
}

const topicOf = (text: string) => {
  const { stream, topic } = JSON.parse(text);
  return stream ?? topic ?? text;
};

Deno.test("an emulated exchange acknowledges a request in the exchange's words and sends what was asked for", async () => {
  await withEmulated(BINANCE_LINES, (exchange) =>
    withServer([exchange], async (server) => {
      const ask = '{"method":"SUBSCRIBE","params":["ethusdt@trade"],"id":"mine"}';
      const { said } = await listen(server.urls.ws.public, [ask], 3);
      assert.deepEqual(said.map(topicOf), ['{"result":null,"id":"mine"}', "ethusdt@trade", "ethusdt@trade"]);
      assert.match(said[1], /"t":123456789012345671,/, "the exchange's digits");
      const byAddress = await listen(`${server.urls.ws.public}?streams=btcusdt@trade/btcusdt@depth@100ms`, [], 3);
      assert.deepEqual(byAddress.said.map(topicOf), ["btcusdt@trade", "btcusdt@trade", "btcusdt@depth@100ms"]);
      const rest = await fetch(`${server.urls.rest}/api/v3/depth?symbol=BTCUSDT&limit=1000`);
      assert.equal((await rest.json()).lastUpdateId, 5);
      assert.equal((await fetch(`${server.urls.rest}/api/v3/none`)).status, 404);
      assert.deepEqual([server.counts().subscriptions, server.counts().frames], [1, 5]);
    }));
});

Deno.test("an emulated exchange answers keepalive messages and knows its connections by their paths", async () => {
  await withEmulated(BYBIT_LINES, (exchange) =>
    withServer([exchange], async (server) => {
      const messages = ['{"req_id":"7","op":"ping"}', '{"op":"subscribe","req_id":"9","args":["publicTrade.BTCUSDT"]}'];
      const { said } = await listen(server.urls.ws.linear, messages, 4);
      assert.equal(JSON.parse(said[0]).op, "pong");
      const { op, success, req_id } = JSON.parse(said[1]);
      assert.deepEqual({ op, success, req_id }, { op: "subscribe", success: true, req_id: "9" });
      assert.deepEqual(said.slice(2).map(topicOf), ["publicTrade.BTCUSDT", "publicTrade.BTCUSDT"]);
    }));
});

Deno.test("an emulated exchange takes a subscription back and passes over what it does not know", async () => {
  await withEmulated(BINANCE_LINES, (exchange) => {
    const wishes = new Wishes(new Catalogue(exchange.runnable), "/stream");
    const kinds = [
      '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}',
      '{"method":"UNSUBSCRIBE","params":["btcusdt@trade"],"id":2}',
      '{"method":"LIST_SUBSCRIPTIONS","id":3}',
      "garbage",
      "",
      "[]",
      '{"method":"SUBSCRIBE","params":[],"id":4}',
    ].map((text) => wishes.hear(text).kind);
    assert.deepEqual(kinds, ["subscribe", "unsubscribe", "unknown", "unknown", "unknown", "unknown", "unknown"]);
  });
});

Deno.test("an emulated exchange reads a message of a million characters, whatever it is made of", async () => {
  await withEmulated(BINANCE_LINES, (exchange) => {
    const wishes = new Wishes(new Catalogue(exchange.runnable), "/stream");
    const topics = Array.from({ length: 150_000 }, (_, at) => at.toString(36));
    const kinds = [
      JSON.stringify(topics.map(() => 1)),
      JSON.stringify({ method: "SUBSCRIBE", params: topics, id: 1 }),
      JSON.stringify({
        method: "SUBSCRIBE",
        params: [`${"a".repeat(200_000)}:${topics.slice(0, 5_000).join(",")}`],
        id: 2,
      }),
    ].map((text) => wishes.hear(text).kind);
    assert.deepEqual(kinds, ["unknown", "subscribe", "subscribe"]);
  });
});

Deno.test("an emulated exchange refuses, loses, repeats, spoils and closes as the fault plan says", async () => {
  await withEmulated(BINANCE_LINES, async (exchange) => {
    const ask = (...streams: string[]) => JSON.stringify({ method: "SUBSCRIBE", params: streams, id: 1 });
    const every = (count: number) => ({ kind: "frames", count }) as const;
    const faults = { ...NO_FAULTS, gapEvery: every(3), duplicateEvery: every(2), garbageEvery: every(2) };
    const messages = [ask("btcusdt@trade", "btcusdt@depth@100ms")];
    await withServer([exchange], async (server) => {
      const { said } = await listen(server.urls.ws.public, messages, 5);
      const trades = ["btcusdt@trade", "btcusdt@trade", "btcusdt@trade"];
      assert.deepEqual(said.slice(0, 4).map(topicOf), ['{"result":null,"id":1}', ...trades], "the second came twice");
      assert.throws(() => JSON.parse(said[4]), "garbage behind it");
      const { frames, duplicatedFrames, garbageFrames } = server.counts();
      assert.deepEqual({ frames, duplicatedFrames, garbageFrames }, {
        frames: 3,
        duplicatedFrames: 1,
        garbageFrames: 1,
      });
    }, { faults });
    await withServer([exchange], async (server) => {
      const { said, code } = await listen(server.urls.ws.public, messages, 99);
      assert.deepEqual([said.length, code], [3, 1001], "closed behind the second frame");
    }, { faults: { ...NO_FAULTS, disconnectEvery: every(2) } });
    await withServer([exchange], async (server) => {
      const { said } = await listen(server.urls.ws.public, [ask("ethusdt@trade"), ask("btcusdt@trade")], 4);
      assert.equal(said.filter((text) => text.includes("ethusdt")).length, 0);
      assert.ok(said.some((text) => "error" in JSON.parse(text) || "code" in JSON.parse(text)), said[0]);
    }, { faults: { ...NO_FAULTS, rejectSubscriptions: ["ETH/USDT"] } });
  });
});

/** Recordings of clients that asked in words of their own, some of which no descriptor writes. */
const ASKED_IN_OTHER_WORDS = [
  "bybit-20260809-ws1",
  "okx-20220513-ws1",
  "bitfinex-20210417-ws1",
  "deribit-20210722-ws1",
  "coinbase-20210417-ws1",
  "hitbtc-20210715-ws1",
  "kucoin-20210425-ws1",
  "bitmex-20210722-ws1",
];

testOnRecordings(
  ASKED_IN_OTHER_WORDS,
  "the messages that recorded clients sent ask for every frame that they got, and each gets an acknowledgement",
  async () => {
    for (const name of ASKED_IN_OTHER_WORDS) {
      const path = recordingPath(name);
      const [exchange] = await emulatedOf([path], name.split("-")[0]);
      let wishes: Wishes | null = null;
      const asked = new Set<string>();
      for await (const line of readRecordingFile(denoHost(), path)) {
        if (line.dir === "open") {
          const { pathname, search } = new URL(line.url);
          wishes ??= new Wishes(new Catalogue(exchange.runnable), pathname + search);
        }
        if (line.dir === "out") asked.add(new TextDecoder().decode(line.payload));
      }
      assert.ok(wishes !== null);
      for (const text of asked) wishes.hear(text);
      let data = 0;
      for await (const record of exchange.records(new AbortController().signal)) {
        if (record.kind !== "frame" || record.frame.streams.length === 0) continue;
        data++;
        assert.ok(wishes.wants(record.frame), `${name}: ${record.frame.text?.slice(0, 200)}`);
        if (data > 1_000) break;
      }
      assert.ok(data > 100, `${name}: ${data}`);
    }
  },
);

Deno.test("an emulated exchange understands clients that ask in other words than the descriptor", async () => {
  await withEmulated(BINANCE_LINES, (exchange) => {
    const heard = (message: unknown, target = "/ws") => {
      const wishes = new Wishes(new Catalogue(exchange.runnable), target);
      const { kind, items, id } = wishes.hear(typeof message === "string" ? message : JSON.stringify(message));
      const streams = items.flatMap(({ streams }) => streams.map(({ channel, symbol }) => `${channel} ${symbol}`));
      return [kind, id ?? null, ...new Set(streams)];
    };
    const both = ["trades BTC/USDT", "trades ETH/USDT"];
    const objects = { type: "subscribe", channels: [{ name: "trade", product_ids: ["BTCUSDT", "ETHUSDT"] }] };
    assert.deepEqual(heard(objects), ["subscribe", null, ...both]);
    const apart = { event: "subscribe", pair: ["btcusdt"], subscription: { name: "trades" }, reqid: 7 };
    assert.deepEqual(heard(apart), ["subscribe", 7, both[0]]);
    assert.deepEqual(heard({ method: "subscribeTrades", params: { symbol: "ETHUSDT" }, id: "a" }), [
      "subscribe",
      "a",
      both[1],
    ]);
    assert.deepEqual(heard({ op: "unsubscribe", args: ["trades:BTCUSDT"] }), ["unsubscribe", null, both[0]]);
    assert.deepEqual(heard({ channel: "matches", symbol: "BTCUSDT" }), ["subscribe", null, both[0]]);
    assert.deepEqual(heard({ op: "subscribe", channel: "trades" }), ["subscribe", null, ...both], "of all instruments");
    for (const idle of [{ op: "login", args: [] }, { op: "subscribe" }, { e: "BTCUSDT" }, [1, null, true], "sub"]) {
      assert.equal(heard(idle)[0], "unknown", JSON.stringify(idle));
    }
  });
});

const isHere = await havePackages(BINANCE, BYBIT);

Deno.test({
  name: `clients of exchanges from npm are told what they ask an emulator for${
    isHere ? "" : " (ignored: no packages)"
  }`,
  ignore: !isHere,
  async fn() {
    await withEmulated(BINANCE_LINES, (exchange) =>
      withServer([exchange], async (server) => {
        const address = `ws://127.0.0.1:${server.port}`;
        const told = await runForeign(FOREIGN, ["binance", address, "5", "btcusdt@trade", "ethusdt@trade"]);
        assert.equal(told.filter(({ stream }) => stream === "btcusdt@trade").length, 2);
        assert.equal(told.filter(({ stream }) => stream === "ethusdt@trade").length, 2);
        assert.equal(told.filter(({ result }) => result === null).length, 1);
      }, { settleMs: 300 }));
    await withEmulated(BYBIT_LINES, (exchange) =>
      withServer([exchange], async (server) => {
        const address = `ws://127.0.0.1:${server.port}/v5/public/linear`;
        const told = await runForeign(FOREIGN, ["bybit", address, "4", "publicTrade.BTCUSDT", "orderbook.50.BTCUSDT"]);
        const topics = told.map(({ topic, success }) => topic ?? success);
        assert.deepEqual(topics, [true, "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "publicTrade.BTCUSDT"]);
      }, { settleMs: 300 }));
  },
});
