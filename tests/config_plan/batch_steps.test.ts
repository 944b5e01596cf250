import assert from "node:assert/strict";
import { showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

const GENERATOR = `foreach (c in channels) { foreach (s in symbols) {
  emit('[{"ticket":"{uuid}"},{"type":"{ch}","codes":["{symbol}"]}]');
} }`;
const STEPS = [{ at: "/1/codes" }, { at: "", keep_first: 1 }];

function described(batch: unknown, generator = GENERATOR): Record<string, unknown> {
  return descriptorTable({
    subscriptions: [{ connection_id: "public", generator, batch }],
    events: ["trade", "quote"].map((kind) => ({
      kind,
      symbol: "/s",
      ...(kind === "trade" && { price: "/p", size: "/q" }),
    })),
  });
}

function messages(batch: unknown, symbols: readonly string[], generator?: string): readonly string[] {
  const plan = planOf({
    descriptor: described(batch, generator),
    instance: { symbols, channels: ["trades", "quotes"] },
  });
  return plan.connections[0].requests.map(({ message }) => showTemplate(message));
}

Deno.test("buildExchange() merges in steps: items of one array, then the arrays that hold them", () => {
  const plan = planOf({
    descriptor: described(STEPS),
    instance: { symbols: ["A", "B"], channels: ["trades", "quotes"] },
  });
  const [request, ...more] = plan.connections[0].requests;
  assert.deepEqual(more, []);
  assert.equal(
    showTemplate(request.message),
    '[{"ticket":"{uuid}"},{"type":"trades","codes":["A","B"]},{"type":"quotes","codes":["A","B"]}]',
  );
  assert.deepEqual(request.items.map(({ streams }) => streams.map(({ channel, symbol }) => `${channel} ${symbol}`)), [
    ["trades A"],
    ["trades B"],
    ["quotes A"],
    ["quotes B"],
  ]);
  assert.equal(showTemplate(request.items[3].message), '[{"ticket":"{uuid}"},{"type":"quotes","codes":["B"]}]');
});

Deno.test("buildExchange() keeps the limits of each step", () => {
  assert.deepEqual(
    messages([{ at: "/1/codes", max_items: 2 }, { at: "", keep_first: 1, max_items: 3 }], ["A", "B", "C"]),
    [
      '[{"ticket":"{uuid}"},{"type":"trades","codes":["A","B"]},{"type":"trades","codes":["C"]},' +
      '{"type":"quotes","codes":["A","B"]}]',
      '[{"ticket":"{uuid}"},{"type":"quotes","codes":["C"]}]',
    ],
  );
  assert.equal(messages([{ at: "/1/codes" }, { at: "", keep_first: 1, max_bytes: 80 }], ["A"]).length, 2);
});

Deno.test("buildExchange() leaves the first elements of an array out of the batch", () => {
  const generator = `foreach (s in symbols) { emit('{"params":["trade", "{symbol}"]}'); }`;
  assert.deepEqual(messages({ at: "/params", keep_first: 1 }, ["A", "B"], generator), [
    '{"params":["trade", "A","B"]}',
  ]);
});

Deno.test("buildExchange() leaves messages apart that differ outside of what a step merges", () => {
  assert.equal(messages([{ at: "/1/codes" }, { at: "/1/codes" }], ["A", "B"]).length, 2);
  assert.equal(messages([{ at: "/1/codes" }, { at: "/nowhere" }], ["A", "B"]).length, 2);
});

Deno.test("buildExchange() points at the step that is wrong", () => {
  const instance = { symbols: ["A"], channels: ["trades"] };
  assert.deepEqual(issuesOf({ descriptor: described([{ at: "/1/codes" }, { at: "codes" }]), instance }), [
    "descriptor/subscriptions/0/batch/1/at: Not a JSON pointer: codes; it begins with / as in /codes",
  ]);
  assert.deepEqual(issuesOf({ descriptor: described([{ at: "/2/codes" }]), instance }), [
    "descriptor/subscriptions/0/batch/0/at: The emitted message at character 54 of the generator has no array at /2/codes",
  ]);
});
