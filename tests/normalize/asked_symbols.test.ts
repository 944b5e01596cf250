import assert from "node:assert/strict";
import type { FramePlan } from "../../src/model/mod.ts";
import { describedFrames, DescribedReader } from "../support/described.ts";

const TRADES = `
[[events]]
kind = "trade"
symbols = "asked"
rows = "/*"
symbol = "/s"
price = "/p"
size = "/q"
`;
const FRAME = JSON.stringify(["A", "B"].map((s) => ({ s, p: "1", q: "2" })));

/** The plan of an instance that asks for A. */
function running(plan: FramePlan): FramePlan {
  return {
    ...plan,
    wanted: ["trades"],
    connections: plan.connections.map((one) => ({ ...one, canonical: { A: "A/USD" } })),
  };
}

Deno.test("rows of symbols that the instance does not ask for are left out where the rule says so", () => {
  const { events, faults, unmapped } = new DescribedReader(running(describedFrames(TRADES))).read(FRAME);
  assert.deepEqual(events.map(({ symbol }) => symbol), ["A/USD"]);
  assert.deepEqual([faults, unmapped], [[], []]);
});

Deno.test("a row without a symbol is a fault whatever symbols are asked for", () => {
  const { faults } = new DescribedReader(running(describedFrames(TRADES))).read('[{"p":"1","q":"2"}]');
  assert.deepEqual(faults.map(({ code }) => code), ["missing_field"]);
});

Deno.test("in replay every symbol counts, asked for or not", () => {
  const { events } = new DescribedReader(describedFrames(TRADES)).read(FRAME);
  assert.deepEqual(events.map(({ symbol }) => symbol), ["A", "B"]);
});
