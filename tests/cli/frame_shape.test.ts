import assert from "node:assert/strict";
import { frameShape } from "../../src/evidence/mod.ts";
import { SHAPE_CHARS_MAX } from "../../src/model/mod.ts";

Deno.test("frameShape() leaves values, lengths and names of symbols out, and keeps keys and nesting", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ e: "trade", p: 1.5, ok: null }, "{e,p,ok}"],
    [[1, "a", [["2", "3"], ["4", "5"]], true], "[…,[[…]],…]"],
    [{ BTC: { p: 1 }, ETH: { p: 2 }, XRP: { p: 3 } }, "{…:{p}}"],
    [{ a: { b: { c: { d: { e: { f: 1 } } } } } }, "{a:{b:{c:{d:{e:{…}}}}}}"],
    ["text", "…"],
  ];
  for (const [value, shape] of cases) assert.equal(frameShape(JSON.stringify(value)), shape);
  assert.equal(frameShape('ping 17 "x"'), frameShape('ping 4 "longer"'));
});

Deno.test("frameShape() is bounded for any frame", () => {
  for (
    const text of [
      "[".repeat(3_000) + "]".repeat(3_000),
      JSON.stringify(Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`key${i}`, i]))),
      "x".repeat(10_000),
    ]
  ) assert.ok(frameShape(text).length <= SHAPE_CHARS_MAX);
});
