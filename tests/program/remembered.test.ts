import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonDocument } from "../../src/json/mod.ts";
import { parseExpression } from "../../src/lang/mod.ts";
import { compileExpression, scopeOf } from "../../src/program/mod.ts";

const SOURCES = [
  "split(root.topic, '.', 2)",
  "split(topic, '.', 1) ?? topic",
  "topic == 'true'",
  "concat(topic, '-', topic)",
  "topic ?? other",
];

Deno.test("an expression that remembers gives what a new one gives, in every order of frames", () => {
  const topic = fc.oneof(
    fc.constantFrom<unknown>("a.b.c", "a.b.d", "true", true, false, null, 1, "1", "", "é.ü.ö", 'q"uote.x.y', { a: 1 }, [
      "x",
    ]),
    fc.string({ maxLength: 90 }),
  );
  for (const source of SOURCES) {
    const parsed = parseExpression(source);
    assert.ok(parsed.ok, source);
    const kept = compileExpression(parsed.value);
    fc.assert(fc.property(fc.array(topic, { maxLength: 60 }), (topics) => {
      for (const topic of topics) {
        const document = new JsonDocument();
        assert.ok(document.parse(new TextEncoder().encode(JSON.stringify({ other: 2, topic }))));
        const scope = scopeOf(document);
        assert.deepEqual(kept.evaluate(scope), compileExpression(parsed.value).evaluate(scope), source);
      }
    }));
  }
});

Deno.test("an expression that reads an instrument list gives each connection its own value", () => {
  const parsed = parseExpression("listed(symbol, 'contract')");
  assert.ok(parsed.ok);
  const kept = compileExpression(parsed.value);
  const valueWith = (contract: string | null) => {
    const document = new JsonDocument();
    assert.ok(document.parse(new TextEncoder().encode('{"symbol":"BTCUSD"}')));
    const listed = contract === null ? null : new Map([["BTCUSD", new Map([["contract", contract]])]]);
    return kept.evaluate({ ...scopeOf(document), listed });
  };
  assert.deepEqual([valueWith("1"), valueWith("100"), valueWith(null)], ["1", "100", null]);
});
