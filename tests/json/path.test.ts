import assert from "node:assert/strict";
import fc from "fast-check";
import { compilePath, parsePointer, pathSource } from "../../src/json/mod.ts";

Deno.test("parsePointer() reads the examples of RFC 6901", () => {
  assert.deepEqual(parsePointer(""), []);
  assert.deepEqual(parsePointer("/foo/0"), ["foo", "0"]);
  assert.deepEqual(parsePointer("/"), [""]);
  assert.deepEqual(parsePointer("/a~1b/m~0n"), ["a/b", "m~n"]);
  assert.deepEqual(parsePointer("/~01"), ["~1"]);
});

Deno.test("parsePointer() refuses text that is not a pointer", () => {
  for (const text of ["foo", "a/b", "/a~", "/a~2b", " /a"]) assert.equal(parsePointer(text), null, text);
});

Deno.test("pathSource() gives the pointer that parsePointer() reads back", () => {
  fc.assert(fc.property(fc.array(fc.string()), (segments) => {
    assert.deepEqual(parsePointer(pathSource(compilePath(segments))), segments);
  }));
});
