import assert from "node:assert/strict";
import type { ExchangePlan, RunnableExchange, WireRecord } from "../../src/model/mod.ts";
import { type ApiRig, startApi } from "../support/api_rig.ts";
import { BINANCE_LINES, BYBIT_LINES, withEmulated } from "../support/emulated.ts";
import { havePackages, runForeign } from "../support/foreign_clients.ts";
import { BINANCE, BYBIT, TARDIS } from "../emulator/packages.ts";

const FOREIGN = new URL("../emulator/foreign_client.ts", import.meta.url);
const DAY = { from: "2026-11-22", to: "2026-11-23" };

/** An API whose journal holds lines of a recording, read as frames of the only instance. */
async function withApi(lines: typeof BINANCE_LINES, use: (rig: ApiRig, name: string) => Promise<void>): Promise<void> {
  await withEmulated(lines, async ({ name, runnable, records }) => {
    const plan = { name, runnable: runnable as RunnableExchange } as ExchangePlan;
    await using rig = await startApi({
      facts: {
        exchanges: () => [plan],
        async *wire({ from, to, signal }) {
          const found: WireRecord[] = [];
          for await (const record of records(signal)) {
            const { at } = record.kind === "frame" ? record.frame : record.end;
            if (at >= from && at < to) found.push(record);
          }
          const exchange = name;
          yield [...found, { kind: "end", end: { exchange, connectionId: "x", session: 1, at: from } }];
        },
      },
    });
    await use(rig, name);
  });
}

async function linesOf(rig: ApiRig, options: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const answer = await fetch(`${rig.base}/replay?options=${encodeURIComponent(JSON.stringify(options))}`);
  return (await answer.text()).split("\n").slice(0, -1);
}

/** Everything that a WebSocket says until it is closed. */
async function listen(url: string, messages: readonly string[]) {
  const socket = new WebSocket(url);
  const said: string[] = [];
  socket.onopen = () => messages.forEach((message) => socket.send(message));
  socket.onmessage = ({ data }) => said.push(data);
  const { code, reason } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  return { said, code, reason };
}

Deno.test("/replay gives the exchange's messages with their times, by channel and symbol", async () => {
  await withApi(BINANCE_LINES, async (rig, exchange) => {
    const all = await linesOf(rig, { exchange, ...DAY, withDisconnects: true });
    assert.deepEqual([all.length, all.at(-1)], [7, ""], "an empty line where the connection ended");
    assert.match(all[1], /^\{"localTimestamp":"2026-11-22T00:00:00.200000Z","message":\{"stream":"btcusdt@trade",/);
    assert.match(all[1], /"t":123456789012345670,/, "the exchange's digits");
    const streams = async (...filters: unknown[]) =>
      (await linesOf(rig, { exchange, ...DAY, filters })).map((line) => JSON.parse(line).message.stream);
    assert.deepEqual(await streams({ channel: "depth" }), ["btcusdt@depth@100ms"]);
    const eth = ["ethusdt@trade", "ethusdt@trade"];
    assert.deepEqual(await streams({ channel: "trade", symbols: ["ethusdt"] }), eth);
    assert.deepEqual(await streams({ channel: "trades", symbols: ["ETH/USDT"] }), eth);
    assert.deepEqual(await streams({ channel: "ticker" }), []);
    const later = { exchange, from: "2026-11-22T00:00:00.215Z", to: "2026-11-22T00:00:00.3Z" };
    assert.equal((await linesOf(rig, later)).length, 2, "to is exclusive");
  });
});

Deno.test("/replay and /ws-replay say what is wrong with a request", async () => {
  await using rig = await startApi();
  const error = async (path: string) => {
    const answer = await fetch(rig.base + path);
    return [answer.status, (await answer.json()).error];
  };
  const option = { exchange: "alpha", ...DAY };
  for (
    const [options, words] of [
      [[option], /has to be an object/],
      [{ ...option, exchange: 1 }, /needs exchange/],
      [{ ...option, to: "soon" }, /needs to/],
      [{ ...option, filters: {} }, /filters has to be a list/],
      [{ ...option, filters: [{ symbols: [] }] }, /needs channel/],
      [{ ...option, filters: [{ channel: "trade", symbols: "BTC" }] }, /symbols of a filter/],
    ] as const
  ) {
    const [status, text] = await error(`/replay?options=${encodeURIComponent(JSON.stringify(options))}`);
    assert.equal(status, 400);
    assert.match(String(text), words);
  }
  assert.match(String((await error("/replay"))[1]), /Give the parameter options/);
  assert.match(String((await error("/ws-replay"))[1]), /Give the parameter exchange/);
  assert.match(
    String((await error("/ws-replay?exchange=alpha&from=2026-11-22&to=2026-11-23"))[1]),
    /No exchange alpha/,
  );
});

Deno.test("/ws-replay plays what was subscribed, sockets of one session in one order", async () => {
  await withApi(BINANCE_LINES, async (rig, exchange) => {
    const url = `ws://127.0.0.1:${rig.port}/ws-replay?exchange=${exchange}&from=${DAY.from}&to=${DAY.to}`;
    const ask = (stream: string) => `{"method":"SUBSCRIBE","params":["${stream}"],"id":4}`;
    const [trades, books] = await Promise.all([
      listen(`${url}&session=one`, [ask("btcusdt@trade"), ask("ethusdt@trade")]),
      listen(`${url}&session=one`, [ask("btcusdt@depth@100ms")]),
    ]);
    assert.deepEqual([trades.code, trades.reason], [1000, "WS replay finished"]);
    assert.equal(trades.said.filter((text) => text.includes('"e":"trade"')).length, 4);
    assert.deepEqual(trades.said.slice(0, 2), Array(2).fill('{"result":null,"id":4}'));
    assert.deepEqual(books.said.map((text) => JSON.parse(text).stream), [undefined, "btcusdt@depth@100ms"]);
  });
});

const isHere = await havePackages(BINANCE, BYBIT, TARDIS);

Deno.test({
  name: `clients from npm read /replay and /ws-replay unchanged${isHere ? "" : " (ignored: no packages)"}`,
  ignore: !isHere,
  async fn() {
    await withApi(BINANCE_LINES, async (rig, exchange) => {
      const address = `ws://127.0.0.1:${rig.port}/ws-replay/${exchange}/${DAY.from}/${DAY.to}`;
      const told = await runForeign(FOREIGN, ["binance", address, "3", "btcusdt@trade", "btcusdt@depth@100ms"]);
      assert.equal(told.filter(({ stream }) => stream === "btcusdt@trade").length, 2);
      const options = encodeURIComponent(JSON.stringify({ exchange, ...DAY }));
      const mapped = await runForeign(FOREIGN, ["tardis", `${rig.base}/replay?options=${options}`, "4"]);
      assert.deepEqual(mapped.map(({ type, symbol, price, side }) => [type, symbol, price, side]), [
        ["trade", "BTCUSDT", 100, "sell"],
        ["trade", "ETHUSDT", 100.1, "sell"],
        ["trade", "BTCUSDT", 100.2, "sell"],
        ["trade", "ETHUSDT", 100.3, "sell"],
      ]);
    });
    await withApi(BYBIT_LINES, async (rig, exchange) => {
      const address = `ws://127.0.0.1:${rig.port}/ws-replay?exchange=${exchange}&from=${DAY.from}&to=${DAY.to}`;
      const told = await runForeign(FOREIGN, ["bybit", address, "3", "publicTrade.BTCUSDT"]);
      assert.deepEqual(told.map(({ topic, success }) => topic ?? success), [
        true,
        "publicTrade.BTCUSDT",
        "publicTrade.BTCUSDT",
      ]);
    });
  },
});
