import assert from "node:assert/strict";
import fc from "fast-check";
import { compareDecimals, OrderBook } from "../../src/book/mod.ts";
import type { Level } from "../../src/model/mod.ts";

Deno.test("compareDecimals() orders values, not spellings", () => {
  const ascending = [
    ["-1e400", "-10.5", "-0.1"],
    ["0", "-0", "0.000", "0e9"],
    ["1e-400", "1e-8", "0.00000002", "0.1"],
    ["1", "1.0", "+1", "10e-1", "0.1e1"],
    ["9007199254740993", "9007199254740993.0000000000000001", "9007199254740994"],
    ["1e400", "1.0000000000000000000001e400"],
  ];
  const isEqualRow = (row: readonly string[]) => row.includes("0") || row.includes("1.0");
  for (const row of ascending) {
    for (let i = 1; i < row.length; i++) {
      const order = Math.sign(compareDecimals(row[i - 1], row[i]));
      assert.equal(order, isEqualRow(row) ? 0 : -1, `${row[i - 1]} ${row[i]}`);
      assert.equal(Math.sign(compareDecimals(row[i], row[i - 1])), isEqualRow(row) ? 0 : 1);
    }
  }
});

Deno.test("compareDecimals() agrees with integers scaled by their decimals", () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 25 }));
  const text = ([value, scale]: readonly [bigint, number]) => {
    const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
    const whole = digits.slice(0, digits.length - scale);
    return `${value < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(digits.length - scale)}`}`;
  };
  fc.assert(fc.property(decimal, decimal, (left, right) => {
    const a = left[0] * 10n ** BigInt(25 - left[1]);
    const b = right[0] * 10n ** BigInt(25 - right[1]);
    assert.equal(Math.sign(compareDecimals(text(left), text(right))), a < b ? -1 : a > b ? 1 : 0);
  }));
});

Deno.test("OrderBook.applyDelta() keeps texts as received and finds prices whatever their spelling", () => {
  const book = new OrderBook();
  book.applySnapshot([["100.0", "1"], ["99.50", "2"]], [["101", "3.00"], ["1.02e2", "4"]]);
  book.applyDelta([["100.00", "5"], ["98", "0.000"]], [["102.0", "0e3"], ["101.5", "7"]]);
  assert.deepEqual(book.levels(), {
    bids: [["100.00", "5"], ["99.50", "2"]],
    asks: [["101", "3.00"], ["101.5", "7"]],
  });
});

Deno.test("OrderBook tells prices apart that the same double stands for", () => {
  const book = new OrderBook();
  book.applyDelta([["9007199254740993", "1"], ["9007199254740992", "2"]], []);
  book.applyDelta([["9007199254740993.0", "3"]], []);
  assert.deepEqual(book.top("bid", 5), [["9007199254740993.0", "3"], ["9007199254740992", "2"]]);
  book.applyDelta([["9007199254740993", "0"]], []);
  assert.deepEqual(book.top("bid", 5), [["9007199254740992", "2"]]);
});

Deno.test("OrderBook.applySnapshot() takes levels in any order, and of a price given twice the last", () => {
  const book = new OrderBook();
  book.applySnapshot([["1", "1"], ["3", "1"], ["2", "1"], ["3.0", "9"], ["4", "0"]], []);
  assert.deepEqual(book.levels().bids, [["3.0", "9"], ["2", "1"], ["1", "1"]]);
});

Deno.test("OrderBook.truncate() lets the worst levels go, and isCrossed sees a touching book", () => {
  const book = new OrderBook();
  book.applySnapshot([["1", "1"], ["3", "1"], ["2", "1"]], [["5", "1"], ["4", "1"], ["6", "1"]]);
  book.truncate(2);
  assert.deepEqual(book.levels(), { bids: [["3", "1"], ["2", "1"]], asks: [["4", "1"], ["5", "1"]] });
  assert.equal(book.isCrossed, false);
  book.applyDelta([["4.0", "1"]], []);
  assert.equal(book.isCrossed, true);
});

Deno.test("OrderBook equals a map of sorted prices after any updates", () => {
  const price = fc.integer({ min: 1, max: 40 }).map((tick) => (tick / 4).toFixed(2));
  const level = fc.tuple(price, fc.constantFrom("0", "0.0", "1", "2.5", "30"));
  const updates = fc.array(fc.record({ isSnapshot: fc.boolean(), bids: fc.array(level), asks: fc.array(level) }));
  fc.assert(fc.property(updates, fc.integer({ min: 1, max: 12 }), (all, depth) => {
    const book = new OrderBook();
    const model = { bids: new Map<string, Level>(), asks: new Map<string, Level>() };
    for (const { isSnapshot, bids, asks } of all) {
      if (isSnapshot) book.applySnapshot(bids, asks);
      else book.applyDelta(bids, asks);
      for (const [side, levels] of [["bids", bids], ["asks", asks]] as const) {
        if (isSnapshot) model[side].clear();
        for (const level of levels) {
          // Zero in a snapshot is no level; the model takes the last one that is.
          if (Number(level[1]) !== 0) model[side].set(level[0], level);
          else if (!isSnapshot) model[side].delete(level[0]);
        }
      }
    }
    const ordered = (side: "bids" | "asks", sign: number) =>
      [...model[side].values()].sort((left, right) => sign * (Number(left[0]) - Number(right[0])));
    assert.deepEqual(book.levels(), { bids: ordered("bids", -1), asks: ordered("asks", 1) });
    assert.deepEqual(book.top("ask", depth), ordered("asks", 1).slice(0, depth));
    assert.deepEqual(book.at("bid", depth), ordered("bids", -1)[depth]);
    assert.equal(book.size, model.bids.size + model.asks.size);
  }));
});

/** Spellings of a whole price: all are the same level. */
const SPELLINGS: readonly ((price: number) => string)[] = [
  String,
  (price) => `${price}.0`,
  (price) => `${price}.00`,
  (price) => `${price}e0`,
  (price) => `0${price}`,
  (price) => (price / 10).toFixed(1).replace(".", "") + ".000",
];

Deno.test("OrderBook equals a naive book with thousands of levels, prices in all spellings, far from the best and cut", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 100, max: 3_000 }), (seed, prices) => {
      let state = seed | 0;
      const next = (below: number) => {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
        return ((state ^ (state >>> 13)) >>> 0) % below;
      };
      const book = new OrderBook();
      let naive = new Map<number, Level>();
      for (let round = 0; round < 12; round++) {
        const levels = Array.from({ length: next(prices) }, (): Level => {
          const size = next(4) === 0 ? ["0", "0.00", "0e1", "-0"][next(4)] : ["1", "2.50", "3e-1"][next(3)];
          return [SPELLINGS[next(SPELLINGS.length)](1 + next(prices)), size];
        });
        if (round === 0 || next(8) === 0) {
          book.applySnapshot([], levels);
          naive = new Map();
          for (const level of levels) if (Number(level[1]) !== 0) naive.set(Number(level[0]), level);
        } else {
          book.applyDelta([], levels);
          for (const level of levels) {
            if (Number(level[1]) === 0) naive.delete(Number(level[0]));
            else naive.set(Number(level[0]), level);
          }
        }
        const depth = next(5) === 0 ? next(prices) : Infinity;
        const sorted = [...naive].sort(([left], [right]) => left - right).slice(0, depth);
        naive = new Map(sorted);
        book.truncate(depth);
        const rank = next(prices);
        assert.deepEqual(book.levels().asks, sorted.map(([, level]) => level));
        assert.deepEqual(book.at("ask", rank), sorted[rank]?.[1]);
        assert.deepEqual(book.top("ask", rank), sorted.slice(0, rank).map(([, level]) => level));
        assert.equal(book.size, sorted.length);
      }
    }),
    { numRuns: 20 },
  );
});
