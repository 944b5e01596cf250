import assert from "node:assert/strict";
import { showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

function described(text: string, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return descriptorTable({
    symbol_values: { inst_type: "family == 'spot' ? 'SPOT' : 'SWAP'", pair: "concat(lower(base), '_', settle)" },
    subscriptions: [{ connection_id: "public", generator: `foreach (s in symbols) { emit('${text}'); }` }],
    ...over,
  });
}

const SYMBOLS = ["BTC/USDT", "ETH/USDT", "BTC/USD:BTC-260327"];

function messages(text: string): readonly (readonly [string, number])[] {
  const plan = planOf({ descriptor: described(text), instance: { symbols: SYMBOLS } });
  return plan.connections[0].requests.map(({ message, items }) => [showTemplate(message), items[0].streams.length]);
}

Deno.test("buildExchange() fills parts of canonical symbols into messages", () => {
  assert.deepEqual(messages("{base}-{quote}-{settle}-{expiry}-{family}").map(([text]) => text), [
    "BTC-USDT---spot",
    "ETH-USDT---spot",
    "BTC-USD-BTC-260327-inverse",
  ]);
});

Deno.test("buildExchange() fills what [symbol_values] computes, and sends equal messages once for all their symbols", () => {
  assert.deepEqual(messages('{"t":"{sym:inst_type}"}'), [['{"t":"SPOT"}', 2], ['{"t":"SWAP"}', 1]]);
  assert.equal(messages("{sym:pair}")[2][0], "btc_BTC");
});

Deno.test("buildExchange() fills symbol values into REST paths", () => {
  const request = {
    name: "recent",
    channel: "trades",
    connection_id: "public",
    path: "/t?type={sym:inst_type}&of={base}&s={symbol}",
  };
  const rest = { base_urls: ["https://example.test"], requests: [request] };
  const plan = planOf({ descriptor: described("{symbol}", { rest }), instance: { symbols: SYMBOLS.slice(2) } });
  assert.deepEqual(plan.rest.requests[0].targets.map(({ path }) => showTemplate(path)), [
    `/t?type=SWAP&of=BTC&s=${encodeURIComponent(SYMBOLS[2])}`,
  ]);
});

Deno.test("buildExchange() asks once for each instrument where a REST path holds what follows from it alone", () => {
  const request = { name: "recent", channel: "trades", connection_id: "public", path: "/{sym:pair}/{base}" };
  const rest = { base_urls: ["https://example.test"], requests: [request] };
  const plan = planOf({ descriptor: described("{symbol}", { rest }), instance: { symbols: SYMBOLS } });
  assert.deepEqual(plan.rest.requests[0].targets.map(({ native, path }) => [native, showTemplate(path)]), [
    ["BTC/USDT", "/btc_/BTC"],
    ["ETH/USDT", "/eth_/ETH"],
    ["BTC/USD:BTC-260327", "/btc_BTC/BTC"],
  ]);
});

Deno.test("buildExchange() says where a placeholder of a symbol means nothing", () => {
  const at = "descriptor/subscriptions/0/generator: ";
  const issues = (text: string, symbol = "BTC/USDT") =>
    issuesOf({ descriptor: described(text), instance: { symbols: [symbol] } }).filter((issue) => issue.startsWith(at));
  assert.deepEqual(issues("{sym:nope}"), [
    `${at}{sym:nope} has no value here: [symbol_values] gives none for the symbol`,
  ]);
  assert.deepEqual(issues("{base}", "BTCUSDT"), [`${at}{base} has no value here: the symbol is not canonical`]);
  const outside = described("", {
    subscriptions: [{ connection_id: "public", generator: "emit('{sym:pair}{base}');" }],
  });
  assert.deepEqual(
    issuesOf({ descriptor: outside, instance: { symbols: ["BTC/USDT"] } }).filter((issue) => issue.startsWith(at)),
    [`${at}{sym:pair} needs a foreach over symbols around it`, `${at}{base} needs a foreach over symbols around it`],
  );
});
