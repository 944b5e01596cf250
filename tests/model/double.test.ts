import assert from "node:assert/strict";
import fc from "fast-check";
import { doubleFromDecimal } from "../../src/model/mod.ts";

Deno.test("doubleFromDecimal() gives what Number gives for any decimal", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 24 });
  const decimal = fc.tuple(
    fc.constantFrom("", "-", "+"),
    digits,
    fc.constantFrom("", "."),
    digits,
    fc.constantFrom("", "e5", "E-7"),
  )
    .map((parts) => parts.join(""))
    .filter((text) => /\d/.test(text.split(/e/i)[0]));
  fc.assert(
    fc.property(decimal, (text) => assert.ok(Object.is(doubleFromDecimal(text), Number(text)), text)),
    { numRuns: 5000 },
  );
});

Deno.test("doubleFromDecimal() gives NaN for what is no number", () => {
  for (const text of ["-", ".", "1.2.3", "x"]) assert.ok(Number.isNaN(doubleFromDecimal(text)), text);
});
