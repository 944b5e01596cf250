import assert from "node:assert/strict";
import fc from "fast-check";
import { findElements, findValue } from "../../src/config/plan/json_text.ts";

Deno.test("findValue() finds every member where JSON.parse has it, however it is spaced", () => {
  fc.assert(fc.property(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 1, "\t"),
    (object, indent) => {
      const parsed = JSON.parse(JSON.stringify(object));
      const text = JSON.stringify(parsed, null, indent);
      for (const [key, value] of Object.entries(parsed)) {
        const span = findValue(text, [key]);
        assert.ok(span !== null);
        assert.deepEqual(JSON.parse(text.slice(span.start, span.end)), value);
      }
    },
  ));
});

Deno.test("findElements() gives the source text of each element", () => {
  const text = ' [ 1.0 , {"a":[1,"]"]},"x,\\"y" ,[] ]';
  const spans = findElements(text, 1);
  assert.deepEqual(spans?.map(({ start, end }) => text.slice(start, end)), ["1.0", '{"a":[1,"]"]}', '"x,\\"y"', "[]"]);
});

Deno.test("findValue() gives null where the segments lead nowhere", () => {
  assert.equal(findValue('{"a":{"b":1}}', ["a", "c"]), null);
  assert.equal(findValue('{"a":1}', ["a", "c"]), null);
  assert.equal(findElements('{"a":1}', 0), null);
});
