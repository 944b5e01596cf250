import assert from "node:assert/strict";
import fc from "fast-check";
import { exchangePart, pathPart, textFromPathPart } from "../../src/sink/mod.ts";

Deno.test("pathPart() spells symbols as documented", () => {
  assert.equal(pathPart("BTC/USDT"), "BTC-USDT");
  assert.equal(pathPart("BTC/USD:BTC-260327"), "BTC-USD_BTC%2D260327");
  assert.equal(pathPart(""), "__HIVE_DEFAULT_PARTITION__");
  assert.equal(pathPart(".."), "%2E.");
  assert.equal(pathPart("é"), "%C3%A9");
});

Deno.test("pathPart() is safe in a path and reversible for any text", () => {
  // A text of more bytes is cut, which the test below is for.
  const short = fc.string({ unit: "grapheme", maxLength: 20 })
    .filter((text) => new TextEncoder().encode(text).length <= 66);
  const texts = fc.oneof(short, fc.constant("::HIVE:DEFAULT:PARTITION::"));
  fc.assert(
    fc.property(texts, (text) => {
      const part = pathPart(text);
      assert.match(part, /^[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/);
      assert.equal(textFromPathPart(part), text);
    }),
  );
});

Deno.test("pathPart() keeps long texts apart within 200 bytes", () => {
  const long = "X".repeat(5000);
  assert.ok(pathPart(long).length <= 200);
  assert.notEqual(pathPart(`${long}A`), pathPart(`${long}B`));
  assert.equal(textFromPathPart(pathPart(long)), null);
});

Deno.test("exchangePart() keeps every name that a configuration may give", () => {
  for (const name of ["binance", "binance-usdm", "okx_2", "a.b"]) assert.equal(exchangePart(name), name);
  assert.equal(exchangePart("../x"), "%2E.-x");
});
