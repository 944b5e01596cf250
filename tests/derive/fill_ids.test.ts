import assert from "node:assert/strict";
import fc from "fast-check";
import { compareIds, idsBetween } from "../../src/derive/fill.ts";

const id = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 22n }).map(String),
  fc.bigInt({ min: 10n ** 14n, max: 10n ** 16n }).map(String),
  fc.nat(20).map(String),
  fc.nat(20).map((value) => `00${value}`),
  fc.constantFrom("", "-1", "1.5", "abc", " 1", "1e3", "٣"),
);

Deno.test("compareIds() and idsBetween() are those of exact integers, whatever their length", () => {
  fc.assert(
    fc.property(id, id, (a, b) => {
      const areNumbers = /^[0-9]+$/.test(a) && /^[0-9]+$/.test(b);
      const [left, right] = areNumbers ? [BigInt(a), BigInt(b)] : [0n, 0n];
      const order = compareIds(a, b);
      assert.equal(
        order === null ? null : Math.sign(order),
        areNumbers ? Number(left > right) - Number(left < right) : null,
      );
      assert.equal(idsBetween(a, b), areNumbers ? right - left - 1n : null);
    }),
    { numRuns: 2000 },
  );
});
