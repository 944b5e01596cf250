import assert from "node:assert/strict";
import type { PredicateSpec } from "../../src/lang/mod.ts";
import { compilePredicate } from "../support/compiled.ts";
import { scopeOf } from "../support/json_scope.ts";

const FRAME = '{"e":"trade","n":12.50,"result":null,"topic":"kline.1.BTC","a":{"b":[1,2]}}';

/** `test: found: holds` of each part. */
function explained(spec: PredicateSpec): readonly (readonly [string, string, boolean])[] {
  const compiled = compilePredicate(spec);
  if (!compiled.ok) assert.fail(JSON.stringify(compiled.errors));
  const scope = scopeOf(FRAME);
  const tests = compiled.value.explain?.(scope) ?? [];
  assert.equal(tests.every(({ holds }) => holds), compiled.value.test(scope), "the parts are the whole");
  return tests.map(({ test, found, holds }) => [test, found, holds] as const);
}

const CASES: readonly (readonly [spec: PredicateSpec, expected: readonly (readonly [string, string, boolean])[]])[] = [
  [{ "/e": "trade", "/n": 12 }, [['/e = "trade"', '"trade"', true], ["/n = 12", "12.50", false]]],
  [{ "/e": ["quote", "book"] }, [['/e = "quote" or "book"', '"trade"', false]]],
  [{ "/topic": { prefix: "kline.", suffix: ["ETH", "BTC"] } }, [
    ['/topic prefix "kline." and /topic suffix "ETH" or "BTC"', '"kline.1.BTC"', true],
  ]],
  [{ "/result": { is: "null" }, "/id": { exists: true } }, [
    ['/result is "null"', "null", true],
    ["/id exists true", "missing", false],
  ]],
  [{ "split(topic, '.', 1)": "1" }, [["split(topic, '.', 1) = \"1\"", '"1"', true]]],
  [{ "/a": { is: "object" } }, [['/a is "object"', '{"b":[1,2]}', true]]],
  ["e == 'trade' && a.b[1] > 2", [["e == 'trade'", '"trade"', true], ["a.b[1] > 2", "2", false]]],
  ["e == 'x' || n == 12.5", [["e == 'x' || n == 12.5", 'e: "trade", n: 12.50', true]]],
  ["starts_with(topic, 'x') || missing != null", [
    ["starts_with(topic, 'x') || missing != null", 'topic: "kline.1.BTC", missing: missing', false],
  ]],
  ["route.channel == 'x'", [["route.channel == 'x'", "null", false]]],
  ["/e", [["/e", '"trade"', false]]],
];

Deno.test("explain() names each part of a condition with what it found", () => {
  for (const [spec, expected] of CASES) assert.deepEqual(explained(spec), expected, JSON.stringify(spec));
});

Deno.test("explain() cuts long values", () => {
  const compiled = compilePredicate({ "/e": "x" });
  assert.ok(compiled.ok);
  const [{ found }] = compiled.value.explain?.(scopeOf(JSON.stringify({ e: "y".repeat(1000) }))) ?? [];
  assert.ok(found.length < 130 && found.endsWith("…"));
});
