import assert from "node:assert/strict";
import fc from "fast-check";
import { microsFromText, TIME_UNITS, type TimeUnit } from "../../src/model/mod.ts";

Deno.test("microsFromText() reads each unit and cuts below the microsecond", () => {
  const cases: readonly (readonly [string, TimeUnit, number | null])[] = [
    ["1700000000", "s", 1_700_000_000_000_000],
    ["1700000000.1234567", "s", 1_700_000_000_123_456],
    ["1700000000123", "ms", 1_700_000_000_123_000],
    ["1700000000123.9", "ms", 1_700_000_000_123_900],
    ["999", "ms", 999_000],
    ["-5", "ms", -5000],
    ["1700000000123456", "us", 1_700_000_000_123_456],
    ["1700000000123456789", "ns", 1_700_000_000_123_456],
    ["2023-11-14T22:13:20.1234567Z", "iso", 1_700_000_000_123_456],
    ["2023-11-15T00:13:20+02:00", "iso", 1_700_000_000_000_000],
    ["2023-11-14 22:13:20", "iso", 1_700_000_000_000_000],
  ];
  for (const [text, unit, micros] of cases) assert.equal(microsFromText(text, unit), micros, `${text} ${unit}`);
});

Deno.test("microsFromText() refuses what is no time, whatever JavaScript would make of it", () => {
  const texts = [
    "9999999999e99",
    "0x0123456789a",
    "1e12",
    " 1700000000123",
    "1700000000123 ",
    "",
    "-",
    "1.5e3",
    "NaN",
    "∞",
  ];
  for (const text of texts) {
    for (const unit of ["s", "ms", "us", "ns", "iso"] as const) assert.equal(microsFromText(text, unit), null, text);
  }
});

Deno.test("microsFromText() refuses times that integers cannot hold", () => {
  for (const text of ["9999999999999", "9007199254741", "12345678901234567890"]) {
    assert.equal(microsFromText(text, "ms"), null, text);
  }
  for (const text of ["9999-12-31T23:59:60Z", "0001-01-01T00:00:00.000000Z"]) {
    assert.equal(microsFromText(text, "iso"), null, text);
  }
  assert.equal(microsFromText("9007199254740", "ms"), 9_007_199_254_740_000);
});

Deno.test("microsFromText() gives a safe integer or null for any text", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^-?[0-9]{1,25}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,3})?$/));
  fc.assert(fc.property(text, fc.constantFrom(...TIME_UNITS), (text, unit) => {
    const micros = microsFromText(text, unit);
    assert.ok(micros === null || Number.isSafeInteger(micros), `${text} ${unit}: ${micros}`);
  }));
});
