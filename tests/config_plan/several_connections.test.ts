import assert from "node:assert/strict";
import { showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

const GENERATOR = `foreach (s in symbols) { foreach (c in channels) { emit('{"sub":"{conn_id}.{symbol}"}'); } }`;

/** Two connections that are subscribed to and asked alike. */
function twoConnections(connectionId: string | readonly string[]): Record<string, unknown> {
  return descriptorTable({
    ws: {
      connections: [
        { id: "spot", urls: ["wss://example.test/spot"], families: ["spot"] },
        { id: "linear", urls: ["wss://example.test/linear"], families: ["linear"] },
      ],
    },
    rest: {
      base_urls: ["https://example.test"],
      requests: [{
        name: "recent",
        channel: "trades",
        connection_id: connectionId,
        path: "/trades?category={conn_id}&symbol={symbol}",
      }],
    },
    subscriptions: [{
      connection_id: connectionId,
      generator: GENERATOR,
      ack: { field: "/ok", value: true },
    }],
  });
}

const BOTH = { symbols: ["BTC/USDT", "BTC/USDT:USDT"], channels: ["trades"] };

Deno.test("buildExchange() runs a subscription for each connection of a list, with its own symbols", () => {
  const plan = planOf({ descriptor: twoConnections(["spot", "linear"]), instance: BOTH });
  assert.deepEqual(
    plan.connections.map(({ key, requests }) => [key, requests.map(({ message }) => showTemplate(message))]),
    [["spot", ['{"sub":"spot.BTC/USDT"}']], ["linear", ['{"sub":"linear.BTC/USDT:USDT"}']]],
  );
  assert.deepEqual([...plan.frames.controls[0].connections ?? []], ["spot", "linear"]);
});

Deno.test("buildExchange() makes a REST request for each connection of a list", () => {
  const plan = planOf({ descriptor: twoConnections(["spot", "linear"]), instance: BOTH });
  assert.deepEqual(
    plan.rest.requests.map(({ name, connectionId, targets }) =>
      [name, connectionId, targets.map(({ path }) => showTemplate(path))] as const
    ),
    [
      ["recent", "spot", ["/trades?category=spot&symbol=BTC%2FUSDT"]],
      ["recent", "linear", ["/trades?category=linear&symbol=BTC%2FUSDT%3AUSDT"]],
    ],
  );
});

Deno.test("buildExchange() names the connection of a list that the descriptor does not have", () => {
  assert.deepEqual(issuesOf({ descriptor: twoConnections(["spot", "linear", "inverse"]), instance: BOTH }), [
    "descriptor/subscriptions/0/connection_id/2: Unknown connection inverse: the descriptor has spot and linear",
    "descriptor/rest/requests/0/connection_id/2: Unknown connection inverse: the descriptor has spot and linear",
  ]);
});
