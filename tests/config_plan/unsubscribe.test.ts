import assert from "node:assert/strict";
import { showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

const EMIT = `foreach (s in symbols) { emit('{"method":"sub.deal","params":["{symbol}"],"id":{id}}'); }`;

function described(over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return descriptorTable({ subscriptions: [{ connection_id: "public", generator: EMIT, ...over }] });
}

/** What takes each item back, as text. */
function takenBack(over: Readonly<Record<string, unknown>>): readonly unknown[] {
  const plan = planOf({ descriptor: described(over), instance: { symbols: ["A", "B"] } });
  return plan.connections[0].requests.flatMap(({ items }) =>
    items.map(({ unsubscribe }) =>
      unsubscribe === null || unsubscribe === "none" ? unsubscribe : showTemplate(unsubscribe)
    )
  );
}

Deno.test("buildExchange() makes what takes an item back out of what asks for it", () => {
  assert.deepEqual(takenBack({ batch: { at: "/params" }, unsubscribe: { at: "/method", value: "un{value}" } }), [
    '{"method":"unsub.deal","params":["A"],"id":{id}}',
    '{"method":"unsub.deal","params":["B"],"id":{id}}',
  ]);
  const several = [{ at: "/method", value: "UNSUB" }, { at: "/params", key: "list" }, { at: "/params", value: 7 }];
  assert.deepEqual(takenBack({ unsubscribe: several.slice(0, 2) })[0], '{"method":"UNSUB","list":["A"],"id":{id}}');
  assert.deepEqual(takenBack({ unsubscribe: [several[0], several[2]] })[0], '{"method":"UNSUB","params":7,"id":{id}}');
  assert.deepEqual(
    takenBack({ unsubscribe: { at: "/id", value: "{value}", key: "ID" } })[0]?.toString().includes('"ID"'),
    true,
  );
  assert.deepEqual(takenBack({ unsubscribe: "none" }), ["none", "none"]);
  assert.deepEqual(takenBack({}), [null, null]);
});

Deno.test("buildExchange() reports what a subscribe message lacks, once", () => {
  assert.deepEqual(
    issuesOf({
      descriptor: described({ unsubscribe: { at: "/op", value: "x" } }),
      instance: { symbols: ["A", "B"] },
    }),
    ["descriptor/subscriptions/0/unsubscribe: A subscribe message has nothing at /op that could be replaced"],
  );
});

const WHOLE = `foreach (s in symbols) { emit('[{"ticket":"{uuid}"},"{symbol}"]'); }`;

Deno.test("buildExchange() sends the whole again where requests replace each other", () => {
  const plan = planOf({
    descriptor: described({ generator: WHOLE, batch: { at: "", keep_first: 1 }, replaces: true }),
    instance: { symbols: ["A", "B"] },
  });
  const [request, ...more] = plan.connections[0].requests;
  assert.deepEqual(more, []);
  assert.equal(request.replaces, true);
  assert.deepEqual(
    request.items.map(({ message, unsubscribe }) => [showTemplate(message), unsubscribe]),
    [['[{"ticket":"{uuid}"},"A","B"]', "none"], ['[{"ticket":"{uuid}"},"A","B"]', "none"]],
  );
});

Deno.test("buildExchange() refuses several messages that would replace each other", () => {
  const [issue] = issuesOf({
    descriptor: described({ generator: WHOLE, replaces: true }),
    instance: { symbols: ["A", "B"] },
  });
  assert.match(issue, /^descriptor\/subscriptions\/0\/replaces: What is asked for on connection public does not fit/);
});

Deno.test("buildExchange() compares the items that an acknowledgement lists with the elements of the batch", () => {
  const ack = { when: { "/result": { is: "array" } }, correlation_pointer: "/id", accepted: "/result/*" };
  const plan = planOf({
    descriptor: described({ batch: { at: "/params" }, ack }),
    instance: { symbols: ["A", "B"] },
  });
  const [request] = plan.connections[0].requests;
  assert.deepEqual([request.ack.mode, request.ack.correlated], ["item", true]);
  assert.deepEqual(request.items.map(({ echo }) => echo), ["A", "B"]);
  assert.equal(plan.frames.controls[0].accepted?.source, "/result/*");
  const both = { ...ack, rows: "/result/*" };
  assert.match(
    issuesOf({ descriptor: described({ batch: { at: "/params" }, ack: both }) })[0],
    /^descriptor\/subscriptions\/0\/ack\/rows: `accepted` and `rejected` say themselves/,
  );
});
