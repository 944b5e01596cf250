import assert from "node:assert/strict";
import type { FetchRequest, FetchResponse, Host } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { type EventLine, ServiceRig } from "../support/service_rig.ts";
import { deriveAll } from "../support/journal_contents.ts";

interface Listed {
  readonly tick: string;
  readonly status?: string;
}

/** A host whose exchange lists what is told at the time. Sockets go nowhere. */
function listing(instruments: () => Readonly<Record<string, Listed>>): (host: Host) => Host {
  return (host) => ({
    ...host,
    fetcher: {
      fetch: ({ url }: FetchRequest): Promise<FetchResponse> => {
        const symbols = Object.entries(instruments()).map(([base, { tick, status = "TRADING" }]) => ({
          symbol: `${base}USDT`,
          baseAsset: base,
          quoteAsset: "USDT",
          status,
          filters: [
            { filterType: "PRICE_FILTER", tickSize: tick },
            { filterType: "LOT_SIZE", stepSize: "0.001", minQty: "0.002" },
            { filterType: "NOTIONAL", minNotional: "5" },
          ],
        }));
        const body = new TextEncoder().encode(url.includes("exchangeInfo") ? JSON.stringify({ symbols }) : "[]");
        return Promise.resolve({ status: 200, body, receivedTs: host.clock.nowMicros(), retryAfterMs: null });
      },
    },
    dialer: { dial: () => Promise.reject(new Failure("connect", "No sockets in this test")) },
  });
}

function instance(symbols: readonly string[]): string {
  return `[[exchange]]
name = "one"
descriptor_path = "builtin:binance"
symbols = ${JSON.stringify(symbols)}
channels = ["instruments"]
[exchange.overrides]
base_urls = ["https://one.example.com"]
`;
}

function told(events: readonly EventLine[]): readonly unknown[] {
  return events.filter(({ kind }) => kind === "instrument").map((
    event,
  ) => [event.symbol, event.tick_size, event.status]);
}

Deno.test("the channel instruments tells what the list says of the configured symbols, and replay tells the same", async () => {
  const rig = await ServiceRig.start({
    config: instance(["BTC/USDT", "FOO/USDT"]),
    wrapHost: listing(() => ({ BTC: { tick: "0.01" }, FOO: { tick: "1e-7" }, BAR: { tick: "5" } })),
  });
  const count = async () => (await rig.metric("collector_events_total", { exchange: "one", kind: "instrument" }));
  await rig.until("both are told", async () => (await count()) === 2);
  // An instrument that is asked for from now on is told at once, the others are not told again.
  await rig.reload(instance(["BTC/USDT", "BAR/USDT"]));
  await rig.until("the new one is told", async () => (await count()) === 3);
  await rig.stop();
  const events = await rig.events();
  assert.deepEqual(told(events), [["BTC/USDT", "0.01", "TRADING"], ["FOO/USDT", "1e-7", "TRADING"], [
    "BAR/USDT",
    "5",
    "TRADING",
  ]]);
  const [
    {
      kind,
      native_symbol,
      type,
      base,
      quote,
      lot_size,
      min_size,
      min_notional,
      contract_size,
      contract_unit,
      exchange_ts,
    },
  ] = events;
  assert.deepEqual(
    {
      kind,
      native_symbol,
      type,
      base,
      quote,
      lot_size,
      min_size,
      min_notional,
      contract_size,
      contract_unit,
      exchange_ts,
    },
    {
      kind: "instrument",
      native_symbol: "BTCUSDT",
      type: "spot",
      base: "BTC",
      quote: "USDT",
      lot_size: "0.001",
      min_size: "0.002",
      min_notional: "5",
      contract_size: "1",
      contract_unit: "BTC",
      exchange_ts: null,
    },
  );
  const again = await Array.fromAsync(deriveAll(rig.host.files, `${rig.dir}/data/journal`));
  assert.deepEqual(
    told(again.map(({ event, ...head }) => ({ ...head, ...event }) as unknown as EventLine)),
    told(events),
  );
});

/** An exchange over a socket of its own, and lists over HTTP; what is asked for on the sockets, in order. */
function trading(
  lists: () => Readonly<Record<string, Listed>>,
  volumes: () => Readonly<Record<string, string>> = () => ({}),
) {
  const asked: string[] = [];
  const sockets: WebSocket[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    sockets.push(socket);
    socket.onmessage = ({ data }) => {
      asked.push(data);
      const { id } = JSON.parse(data);
      socket.send(JSON.stringify({ result: null, id }));
    };
    return response;
  });
  const wrapHost = (host: Host): Host => {
    const { fetcher } = listing(lists)(host);
    return {
      ...host,
      fetcher: {
        fetch: (request: FetchRequest, signal) => {
          if (!request.url.includes("ticker/24hr")) return fetcher.fetch(request, signal);
          const rows = Object.entries(volumes()).map(([base, quoteVolume]) => ({ symbol: `${base}USDT`, quoteVolume }));
          const body = new TextEncoder().encode(JSON.stringify(rows));
          return Promise.resolve({ status: 200, body, receivedTs: host.clock.nowMicros(), retryAfterMs: null });
        },
      },
    };
  };
  const text = (symbols: readonly string[], more = "") =>
    `[[exchange]]
name = "one"
descriptor_path = "builtin:binance"
symbols = ${JSON.stringify(symbols)}
channels = ["trades"]
symbols_refresh_ms = 60000
${more}[exchange.overrides]
urls = ["ws://127.0.0.1:${server.addr.port}/stream"]
base_urls = ["https://one.example.com"]
`;
  return { asked, sockets, wrapHost, text, close: () => server.shutdown() };
}

const OPEN = { tick: "1" };

Deno.test("patterns select of the exchange's list; a reload's other selection reaches the living socket alone", async () => {
  const exchange = trading(() => ({ BTC: OPEN, ETH: OPEN, BTCUP: OPEN, XRP: OPEN }));
  const rig = await ServiceRig.start({ config: exchange.text(["*/USDT", "!*UP/USDT"]), wrapHost: exchange.wrapHost });
  await rig.until("three streams are asked for", async () => {
    const { instances } = await rig.health();
    return instances[0].connections.some(({ streams }) => streams.acked + streams.live === 3);
  });
  await rig.reload(exchange.text(["B*/USDT", "!*UP/USDT", "E*/USDT"]));
  await rig.until("two are left", async () => {
    const { instances } = await rig.health();
    return instances[0].connections.some(({ streams }) => streams.acked + streams.live === 2);
  });
  assert.equal(exchange.sockets.length, 1);
  assert.equal(exchange.asked.filter((text) => text.includes("UNSUBSCRIBE")).length, 1);
  assert.ok(exchange.asked.some((text) => text.includes("UNSUBSCRIBE") && text.includes("xrpusdt")));
  assert.ok(!exchange.asked.some((text) => text.includes("btcupusdt")));
  await rig.stop();
  await exchange.close();
});

Deno.test("sockets come and go with the symbols where one takes no more, and the others stay", async () => {
  const exchange = trading(() => ({}));
  const url = /ws:[^"]*/.exec(exchange.text([]))?.[0];
  const descriptor = `[meta]
name = "small"
version = "1.4"
[[ws.connections]]
id = "public"
urls = ["${url}"]
limits = { items = 1 }
[[subscriptions]]
connection_id = "public"
generator = '''foreach (s in symbols) { emit('{"id":"{symbol}"}'); }'''
unsubscribe = { at = "/id", key = "gone" }
ack = { when = { "/result" = { is = "null" } }, echo = ["/id"], item = ["/id"] }
[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"
`;
  const config = (symbols: readonly string[]) =>
    `[[exchange]]\nname = "one"\ndescriptor_path = "small.toml"\nsymbols = ${
      JSON.stringify(symbols)
    }\nchannels = ["trades"]\n`;
  const rig = await ServiceRig.start({ config: config(["A", "B"]), files: { "small.toml": descriptor } });
  const urls = async () =>
    (await rig.health()).instances[0].connections.map((
      { connection, streams },
    ) => [connection, streams.acked + streams.live]);
  const open = async (keys: number) => {
    const all = await urls();
    return all.length === keys && all.every(([, streams]) => streams === 1) && exchange.asked.length >= keys;
  };
  await rig.until("both are asked for", () => open(2));
  await rig.reload(config(["A", "B", "C"]));
  await rig.until("a third socket is open", () => open(3));
  assert.deepEqual(exchange.asked.map((text) => JSON.parse(text).id), ["A", "B", "C"]);
  await rig.reload(config(["A"]));
  await rig.until("one is left", () => open(1));
  assert.equal(exchange.sockets.length, 3);
  assert.equal(exchange.sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length, 1);
  await rig.stop();
  const gaps = (await rig.events()).filter(({ kind, cause }) => kind === "gap" && cause === "unsubscribed");
  assert.deepEqual(gaps.map(({ symbol }) => symbol).toSorted(), ["B", "C"]);
  await exchange.close();
});
