import assert from "node:assert/strict";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

const GENERATOR = `foreach (s in symbols) { foreach (c in channels) { emit('{"sub":"{symbol}"}'); } }`;

/** Linear contracts by settlement currency, and by whether they expire. */
const DESCRIPTOR = descriptorTable({
  ws: {
    connections: [
      { id: "usdt", urls: ["wss://example.test/usdt"], families: ["linear"], settles: ["USDT"], dated: false },
      { id: "delivery", urls: ["wss://example.test/delivery"], families: ["linear"], settles: ["USDT"], dated: true },
      { id: "usdc", urls: ["wss://example.test/usdc"], families: ["linear"], settles: ["USDC"] },
    ],
  },
  subscriptions: [{ connection_id: ["usdt", "delivery", "usdc"], generator: GENERATOR }],
});

/** Which symbols each connection is asked for. */
function asked(symbols: readonly string[]) {
  const { connections } = planOf({ descriptor: DESCRIPTOR, instance: { symbols, channels: ["trades"] } });
  return connections.map(({ key, requests }) =>
    [key, requests.flatMap(({ items }) => items.flatMap(({ streams }) => streams.map(({ symbol }) => symbol)))] as const
  );
}

Deno.test("buildExchange() gives a connection the contracts that settle and expire as it says", () => {
  assert.deepEqual(asked(["BTC/USDT:USDT", "BTC/USDT:USDT-260925", "BTC/USDC:USDC", "BTC/USDC:USDC-260925"]), [
    ["usdt", ["BTC/USDT:USDT"]],
    ["delivery", ["BTC/USDT:USDT-260925"]],
    ["usdc", ["BTC/USDC:USDC", "BTC/USDC:USDC-260925"]],
  ]);
});

Deno.test("buildExchange() says which contracts of a family are served where none is like the symbol", () => {
  assert.deepEqual(
    issuesOf({ descriptor: DESCRIPTOR, instance: { symbols: ["BTC/USD1:USD1"], channels: ["trades"] } }),
    [
      "collector/exchange/0/symbols/0: No connection serves BTC/USD1:USD1: of linear symbols the descriptor serves those " +
      "that do not expire and that settle in USDT, those that expire and that settle in USDT and those that settle in USDC",
    ],
  );
});
