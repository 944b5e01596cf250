import assert from "node:assert/strict";
import { microsFromText } from "../../src/model/mod.ts";

Deno.test("microsFromText() tells units apart by their digits where the unit is auto", () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ["1691530805", 1691530805000000],
    ["1691530805.123456", 1691530805123456],
    ["1691530805062", 1691530805062000],
    ["1691530805062.5", 1691530805062500],
    ["1691530805062000", 1691530805062000],
    ["1691530805062000123", 1691530805062000],
    ["2023-08-08T21:40:05.062Z", 1691530805062000],
    ["99999999999", null],
    ["soon", null],
  ];
  for (const [text, micros] of cases) {
    assert.equal(microsFromText(text, "auto"), micros, text);
  }
});
