import assert from "node:assert/strict";
import { compareNumbers, DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "../../src/model/mod.ts";
import { exactDecimal, randomDecimal } from "../support/random_decimals.ts";

/**
 * Puts random decimals in all spellings into a column and compares each with exact arithmetic: its text, its bytes, its
 * double, and its order to the one before. Returns how many were numbers; the others kept their text.
 */
export function fuzzDecimals({ seed, count }: { readonly seed: number; readonly count: number }): number {
  const column = new DigitsColumn();
  const bytes = new Uint8Array(32);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let numbers = 0;
  let before: string | null = null;
  for (let i = 0; i < count; i++) {
    const text = randomDecimal(Math.imul(seed + i, 0x9e3779b1));
    column.clear();
    column.append(text);
    const context = `${text}, seed ${seed}, number ${i}`;
    assert.equal(column.text(0), text, context);
    assert.ok(Object.is(column.double(0), Number(text)), context);
    const scale = column.scales[0];
    const own = encoder.encode(text);
    assert.equal(column.appendBytes(own, 0, own.length), scale !== SCALE_TEXT, context);
    if (scale === SCALE_TEXT) continue;
    numbers++;
    const end = writeDecimal(bytes, 0, column.coefficients[0], scale);
    assert.equal(decoder.decode(bytes.subarray(0, end)), text, context);
    if (before !== null) assertOrder(column, text, before);
    before = text;
  }
  return numbers;
}

function assertOrder(column: DigitsColumn, text: string, other: string): void {
  column.clear();
  column.append(text);
  column.append(other);
  const [a, b] = column.scales;
  assert.ok(a < SCALE_NULL && b < SCALE_NULL);
  const order = Math.sign(compareNumbers(column.coefficients[0], a, column.coefficients[1], b));
  const [x, y] = [exactDecimal(text), exactDecimal(other)];
  assert.ok(x !== null && y !== null);
  assert.equal(order, x > y ? 1 : x < y ? -1 : 0, `${text} and ${other}`);
}
