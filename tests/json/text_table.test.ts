import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonDocument, TextTable } from "../../src/json/mod.ts";

const encoder = new TextEncoder();

Deno.test("TextTable gives for a text what was remembered for that very text, or nothing", () => {
  const texts = fc.array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 6 }),
      fc.string({ maxLength: 80 }),
      fc.constantFrom("a", "b", "1", "true", '"', "\\", "é"),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    ),
    { maxLength: 400 },
  );
  fc.assert(fc.property(texts, (values) => {
    const table = new TextTable<string>();
    const document = new JsonDocument();
    let found = 0;
    for (const value of [...values, ...values]) {
      assert.ok(document.parse(encoder.encode(JSON.stringify([value]))));
      const node = document.firstChild(0);
      const known = table.find(document, node);
      if (known === undefined) table.remember(document, node, String(value));
      else {
        found++;
        assert.equal(known, document.text(node));
      }
    }
    const isShort = values.length > 0 && values.length < 20;
    const isPlain = values.every((value) => typeof value === "number");
    assert.ok(!isShort || !isPlain || found > 0, "a text that comes again is known");
  }));
});
