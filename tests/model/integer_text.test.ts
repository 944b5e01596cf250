import assert from "node:assert/strict";
import fc from "fast-check";
import { integerText } from "../../src/model/mod.ts";

Deno.test("integerText() gives the digits of an integer, however it is written", () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ["5", "5"],
    ["-5", "-5"],
    ["+5", "5"],
    ["007", "007"],
    ["1e3", "1000"],
    ["1.5E+3", "1500"],
    ["12.0", "12"],
    ["12.", "12"],
    ["1200e-2", "12"],
    ["-1e2", "-100"],
    ["0e99", "0"],
    ["-0.0", "0"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["1.23456789012345678901234567890e29", "123456789012345678901234567890"],
    ["1.5", null],
    ["1e-1", null],
    ["1e9999", null],
    ["", null],
    ["-", null],
    ["e3", null],
    ["0x10", null],
    [" 1", null],
    ["NaN", null],
  ];
  for (const [text, digits] of cases) assert.equal(integerText(text), digits, text);
});

Deno.test("integerText() undoes any exponent exactly", () => {
  fc.assert(fc.property(fc.bigInt({ min: 1n, max: 10n ** 40n }), fc.integer({ min: 0, max: 60 }), (value, places) => {
    assert.equal(integerText(`${value}e${places}`), String(value * 10n ** BigInt(places)));
    assert.equal(integerText(`${value}${"0".repeat(places)}e-${places}`), String(value));
  }));
});
