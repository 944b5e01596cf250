import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonDocument } from "../../src/json/mod.ts";
import type { CompiledPredicate } from "../../src/program/mod.ts";
import { compilePredicate } from "../support/compiled.ts";
import type { PredicateSpec } from "../../src/lang/mod.ts";
import { FrameMemory } from "../../src/normalize/mod.ts";
import { ReadContext } from "../../src/normalize/context.ts";
import { Router } from "../../src/normalize/router.ts";

const SPECS: readonly PredicateSpec[] = [
  { "/topic": { prefix: "book." } },
  { "/topic": "trade" },
  { "/topic": { prefix: ["book", "trade", "tra"] } },
  "topic == 'trade' || op == 'é'",
  { "/topic": ["trade", "book.1"], "/op": "é" },
  { "/op": { prefix: "" } },
  { "/topic": { prefix: "tr" }, "/op": { exists: true } },
  { "/topic": "é" },
  { "/topic": 1 },
];

Deno.test("Router finds exactly the rules whose predicates hold, in their order", () => {
  const predicates = SPECS.map(compiled);
  const router = new Router(predicates);
  const context = new ReadContext(new JsonDocument(), new FrameMemory());
  const text = fc.constantFrom(
    '"trade"',
    '"book.1"',
    '"book"',
    '"\\u0074rade"',
    '"tr\\u0061"',
    '"é"',
    "1",
    "null",
    "[]",
  );
  const frame = fc.record({ topic: text, op: text }, { requiredKeys: [] });
  fc.assert(fc.property(frame, (members) => {
    const json = `{${Object.entries(members).map(([key, value]) => `"${key}":${value}`).join(",")}}`;
    assert.ok(context.document.parse(new TextEncoder().encode(json)), json);
    context.atRoot();
    const expected = predicates.flatMap(({ test }, ordinal) => test(context.scope) ? [ordinal] : []);
    assert.equal(router.match(context), expected.length > 0, json);
    assert.deepEqual(router.matches, expected, json);
  }));
});

function compiled(spec: PredicateSpec): CompiledPredicate {
  const result = compilePredicate(spec);
  if (!result.ok) throw new Error(result.errors[0].message);
  return result.value;
}
