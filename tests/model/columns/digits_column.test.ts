import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareNumbers,
  decimalText,
  DigitsColumn,
  doubleFromDecimal,
  SCALE_NULL,
  SCALE_TEXT,
  writeDecimal,
} from "../../../src/model/mod.ts";
import { exactDecimal, randomDecimal } from "../../support/random_decimals.ts";

/** Texts that are numbers in every spelling, and texts that are none. */
const spelling = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(randomDecimal),
  fc.constantFrom(
    "0",
    "-0",
    "0.0",
    "-0.00",
    "00",
    "01",
    ".5",
    "5.",
    "+1",
    "1e3",
    "1E-7",
    "",
    "-",
    ".",
    "1.2.3",
    "9007199254740991",
  ),
  fc.constantFrom("9007199254740992", "0.9007199254740993", "0.0000000000000000000001", "0.00000000000000000000001"),
  fc.string({ unit: "grapheme", maxLength: 30 }),
);

Deno.test("DigitsColumn gives back every text, whatever its spelling, also out of another column", () => {
  fc.assert(fc.property(fc.array(fc.option(spelling, { nil: null }), { maxLength: 60 }), (texts) => {
    const column = new DigitsColumn();
    for (const text of texts) column.append(text);
    const copy = new DigitsColumn();
    copy.copyRange(column, 0, column.length);
    copy.copyRange(column, 0, column.length);
    for (const [row, text] of texts.entries()) {
      assert.equal(column.text(row), text);
      assert.equal(copy.text(row), text);
      assert.equal(copy.text(texts.length + row), text);
    }
  }));
});

Deno.test("DigitsColumn gives the nearest double, and bytes that are the text, of every number", () => {
  fc.assert(fc.property(spelling, (text) => {
    const column = new DigitsColumn();
    column.append(text);
    const scale = column.scales[0];
    if (exactDecimal(text) !== null) assert.ok(Object.is(column.double(0), doubleFromDecimal(text)), text);
    if (scale === SCALE_TEXT) return;
    const bytes = new Uint8Array(40);
    const end = writeDecimal(bytes, 3, column.coefficients[0], scale);
    assert.equal(new TextDecoder().decode(bytes.subarray(3, end)), text);
    assert.equal(decimalText(column.coefficients[0], scale), text);
  }));
});

Deno.test("compareNumbers() orders as exact arithmetic does", () => {
  fc.assert(fc.property(spelling, spelling, (left, right) => {
    const column = new DigitsColumn();
    column.append(left);
    column.append(right);
    const [a, b] = column.scales;
    if (a >= SCALE_NULL || b >= SCALE_NULL) return;
    const order = compareNumbers(column.coefficients[0], a, column.coefficients[1], b);
    const [x, y] = [exactDecimal(left), exactDecimal(right)];
    assert.ok(x !== null && y !== null);
    assert.equal(Math.sign(order), x > y ? 1 : x < y ? -1 : 0, `${left} ${right}`);
  }));
});

Deno.test("DigitsColumn.clear() forgets the texts, and null stays null", () => {
  const column = new DigitsColumn();
  column.append("abc");
  column.append(null);
  assert.deepEqual([column.text(0), column.text(1), column.isNull(1)], ["abc", null, true]);
  column.clear();
  assert.equal(column.bytes, 0);
  column.append("1.50");
  assert.deepEqual([column.text(0), column.double(0)], ["1.50", 1.5]);
});
