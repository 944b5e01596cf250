import assert from "node:assert/strict";
import { showTemplate } from "../../src/model/mod.ts";
import { readAddress } from "../../src/normalize/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

function described(over: Readonly<Record<string, unknown>> = {}, generator?: string): Record<string, unknown> {
  const connection = { id: "public", urls: ["wss://example.test/stream/{symbol}?v=1"], per_symbol: true, ...over };
  return descriptorTable({
    ws: { connections: [connection] },
    subscriptions: [{
      connection_id: "public",
      generator: generator ?? "foreach (s in symbols) { foreach (c in channels) { emit('{}'); } }",
    }],
    events: [{ kind: "trade", symbol: "route.symbol", price: "/p", size: "/q" }],
  });
}

const MAP = { "BTC/USD": "XBT/USD", "ETH/USD": "ETHUSD" };

Deno.test("buildExchange() gives each symbol a socket with its own address, where the connection says so", () => {
  const plan = planOf({
    descriptor: described({ hello: ['{"of":"{symbol}"}'] }),
    instance: { symbols: Object.keys(MAP) },
    map: MAP,
  });
  assert.deepEqual(
    plan.connections.map(({ key, urls, hello }) => [key, showTemplate(urls[0]), showTemplate(hello[0])]),
    [
      ["public", "wss://example.test/stream/XBT%2FUSD?v=1", '{"of":"XBT/USD"}'],
      ["public#2", "wss://example.test/stream/ETHUSD?v=1", '{"of":"ETHUSD"}'],
    ],
  );
  assert.deepEqual(
    plan.connections.map(({ requests }) =>
      requests.map(({ message, items }) => [showTemplate(message), items[0].streams.map(({ symbol }) => symbol)])
    ),
    [[["{}", ["BTC/USD"]]], [["{}", ["ETH/USD"]]]],
  );
});

Deno.test("buildExchange() says what a connection with a socket for each symbol needs", () => {
  assert.deepEqual(
    issuesOf({ descriptor: described({ urls: ["wss://example.test/stream"] }), map: { "BTC/USDT": "B" } }),
    [
      "descriptor/ws/connections/0/urls: No {symbol}: `per_symbol` needs it in every URL",
    ],
  );
  const instance = { symbols: Object.keys(MAP) };
  const issues = issuesOf({ descriptor: described({}, "foreach (c in channels) { emit('{}'); }"), instance, map: MAP });
  assert.deepEqual(issues.slice(0, 1), [
    "descriptor/subscriptions/0/generator: A message on connection public is of several symbols: each symbol has a socket " +
    "there, so emit it within a foreach over symbols",
  ]);
});

Deno.test("readAddress() finds the symbol in the address of a session, on whatever host", () => {
  const { frames: { connections: [connection] } } = planOf({ descriptor: described(), map: { "BTC/USDT": "B" } });
  const symbol = (url: string) => readAddress(connection, url)?.get("symbol") ?? null;
  assert.equal(symbol("wss://example.test/stream/XBT%2FUSD?v=1"), "XBT/USD");
  assert.equal(symbol("ws://127.0.0.1:9000/stream/ETHUSD?v=1"), "ETHUSD");
  assert.equal(symbol("wss://example.test/stream/100%25?v=1"), "100%");
  assert.equal(symbol("wss://example.test/stream/%zz?v=1"), "%zz");
  assert.equal(symbol("wss://example.test/other/ETHUSD"), null);
  assert.equal(symbol("wss://example.test/stream/?v=1"), null);
  assert.equal(symbol(""), null);
  const { perSymbol: _, ...plain } = connection;
  assert.equal(readAddress(plain, "wss://example.test/stream/ETHUSD?v=1"), null);
});
