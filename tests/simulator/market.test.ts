import assert from "node:assert/strict";
import fc from "fast-check";
import { buildInstrument } from "../../src/simulator/instrument.ts";
import { BookWindow } from "../../src/simulator/book_window.ts";
import { Market } from "../../src/simulator/market.ts";
import { type BookSide, type LevelChange, OrderBook } from "../../src/simulator/order_book.ts";
import { fixedText, floatText, paddedText, trimmedText } from "../../src/simulator/fixed.ts";
import { candleBounds } from "../../src/simulator/candle.ts";

const SIDES: readonly BookSide[] = ["bid", "ask"];

function market(seed: number, symbol = "BTC/USDT"): Market {
  return new Market({ instrument: buildInstrument(symbol, 8), seed });
}

Deno.test("Market repeats itself for the same seed and differs for another", () => {
  const run = (seed: number) => {
    const one = market(seed);
    return JSON.stringify(Array.from({ length: 200 }, (_, i) => one.step(i)));
  };
  assert.equal(run(7), run(7));
  assert.notEqual(run(7), run(8));
});

Deno.test("Market keeps a sorted, uncrossed, deep book whose changes rebuild it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const one = market(seed, seed % 2 === 0 ? "DOGE/USDT" : "BTC/USD:BTC");
      const copy = new OrderBook();
      for (const side of SIDES) for (const level of one.book.levels(side)) copy.apply({ side, ...level });
      let last = one.updateId;
      for (let i = 0; i < 400; i++) {
        const step = one.step(i);
        for (const change of step.changes) copy.apply(change);
        assert.equal(one.updateId, last + step.changes.length);
        last = one.updateId;
      }
      for (const side of SIDES) assert.deepEqual(copy.levels(side), one.book.levels(side));
      const [bids, asks] = [one.book.levels("bid"), one.book.levels("ask")];
      assert.ok(bids[0].price < asks[0].price);
      assert.ok(bids.length >= 400 && asks.length >= 400);
      for (let i = 1; i < bids.length; i++) assert.ok(bids[i].price < bids[i - 1].price);
      for (let i = 1; i < asks.length; i++) assert.ok(asks[i].price > asks[i - 1].price);
      for (const level of [...bids, ...asks]) assert.ok(Number.isSafeInteger(level.size) && level.size > 0);
      assert.ok(bids[bids.length - 1].price > 0);
    }),
    { numRuns: 20 },
  );
});

Deno.test("BookWindow.advance() gives changes that turn the window before into the window after", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(1, 5, 10, 400), fc.boolean(), (seed, depth, deletes) => {
      const one = market(seed);
      const window = new BookWindow(one.book, depth);
      let copy: Map<string, LevelChange> = new Map();
      for (const side of SIDES) for (const l of window.levels(side)) copy.set(`${side}${l.price}`, { side, ...l });
      for (let i = 0; i < 60; i++) {
        for (let j = 0; j < 1 + i % 7; j++) one.step(i);
        for (const change of window.advance(deletes)) {
          if (change.size === 0) copy.delete(`${change.side}${change.price}`);
          else copy.set(`${change.side}${change.price}`, change);
        }
        if (!deletes) copy = truncate(copy, depth);
        for (const side of SIDES) {
          const expected = one.book.levels(side).slice(0, depth).map((l) => [l.price, l.size]);
          assert.deepEqual(sorted(copy, side).map((l) => [l.price, l.size]), expected);
        }
      }
    }),
    { numRuns: 20 },
  );
});

function sorted(copy: ReadonlyMap<string, LevelChange>, side: BookSide): readonly LevelChange[] {
  const sign = side === "bid" ? -1 : 1;
  return [...copy.values()].filter((level) => level.side === side).sort((a, b) => sign * (a.price - b.price));
}

function truncate(copy: ReadonlyMap<string, LevelChange>, depth: number): Map<string, LevelChange> {
  const kept = SIDES.flatMap((side) => sorted(copy, side).slice(0, depth));
  return new Map(kept.map((level) => [`${level.side}${level.price}`, level]));
}

Deno.test("fixedText() and its kin write units with the digits asked for", () => {
  assert.equal(fixedText(150, 2), "1.50");
  assert.equal(fixedText(-5, 3), "-0.005");
  assert.equal(fixedText(7, 0), "7");
  assert.equal(trimmedText(150, 2), "1.5");
  assert.equal(trimmedText(100, 2), "1");
  assert.equal(trimmedText(100, 0), "100");
  assert.equal(floatText(4_000_000_000, 8), "40.0");
  assert.equal(paddedText(150, 2, 8), "1.50000000");
  assert.equal(paddedText(1_999_999_999n, 9, 8), "1.99999999");
  assert.equal(paddedText(12_345_678_901_234_567_890n, 8, 8), "123456789012.34567890");
});

Deno.test("candleBounds() cuts minutes, weeks from Monday, months, and days of another zone", () => {
  const at = Date.UTC(2026, 10, 22, 20, 17, 31);
  const iso = (interval: Parameters<typeof candleBounds>[0]) =>
    new Date(candleBounds(interval, at).openMs).toISOString();
  assert.equal(iso({ count: 5, unit: "m", zoneMs: 0 }), "2026-11-22T20:15:00.000Z");
  assert.equal(iso({ count: 1, unit: "w", zoneMs: 0 }), "2026-11-16T00:00:00.000Z");
  assert.equal(iso({ count: 3, unit: "M", zoneMs: 0 }), "2026-10-01T00:00:00.000Z");
  assert.equal(iso({ count: 1, unit: "d", zoneMs: 8 * 3_600_000 }), "2026-11-22T16:00:00.000Z");
});
