import assert from "node:assert/strict";
import fc from "fast-check";
import { OrderLedger } from "../../src/book/mod.ts";
import type { OrderChange } from "../../src/model/mod.ts";

function order(id: string, over: Partial<OrderChange> = {}): OrderChange {
  return { id, side: "bid", price: "100", size: "1", change: null, ...over };
}

Deno.test("OrderLedger adds up the orders at a price, however it is spelled", () => {
  const ledger = new OrderLedger();
  const { bids, asks, fault } = ledger.apply([
    order("a", { size: "1.10" }),
    order("b", { price: "100.00", size: "0.2" }),
    order("c", { side: "ask", price: "101", size: "3" }),
  ]);
  assert.deepEqual([bids, asks, fault], [[["100", "1.30"]], [["101", "3"]], null]);
});

Deno.test("OrderLedger takes an id told again for the same order at another price, size or side", () => {
  const ledger = new OrderLedger();
  ledger.apply([order("a"), order("b")]);
  assert.deepEqual(ledger.apply([order("a", { price: "99" })]).bids, [["100", "1"], ["99", "1"]]);
  assert.deepEqual(ledger.apply([order("a", { side: null, price: null, size: "5" })]).bids, [["99", "5"]]);
  const moved = ledger.apply([order("a", { side: "ask", price: "103", size: "5" })]);
  assert.deepEqual([moved.bids, moved.asks], [[["99", "0"]], [["103", "5"]]]);
});

Deno.test("OrderLedger removes orders by their id alone, and adds to what is left of them", () => {
  const ledger = new OrderLedger();
  const byId = { side: null, price: null } as const;
  ledger.apply([order("a"), order("b", { size: "0.5" })]);
  assert.deepEqual(ledger.apply([order("a", { ...byId, size: null, change: "-0.25" })]).bids, [["100", "1.25"]]);
  assert.deepEqual(ledger.apply([order("a", { ...byId, size: null, change: "-0.75" })]).bids, [["100", "0.50"]]);
  assert.deepEqual(ledger.apply([order("b", { ...byId, size: "0" })]).bids, [["100", "0"]]);
  assert.equal(ledger.size, 0);
});

Deno.test("OrderLedger removes what it does not know without a word, and names what it cannot change", () => {
  const ledger = new OrderLedger();
  const byId = { side: null, price: null } as const;
  assert.deepEqual(ledger.apply([order("a", { ...byId, size: "0" })]), { bids: [], asks: [], fault: null });
  assert.equal(ledger.apply([order("a", { ...byId, size: null, change: "-1" })]).fault, "order a is not known");
  assert.equal(ledger.apply([order("a", { ...byId, size: "2" })]).fault, "order a is not known");
  assert.equal(ledger.apply([order("a", { size: "1e999" })]).fault, null);
  assert.equal(ledger.apply([order("a", { size: "1e9999" })]).fault, "order a has a number that no sum can hold");
});

Deno.test("OrderLedger says what a sum over its orders says, and goes on alike from its saved state", () => {
  const sides = ["bid", "ask"] as const;
  const change = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    side: fc.constantFrom(...sides),
    price: fc.integer({ min: 1, max: 3 }).map(String),
    size: fc.integer({ min: 0, max: 5 }).map((units) => (units / 10).toFixed(1)),
    change: fc.constant(null),
  });
  fc.assert(fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (frames) => {
    let ledger = new OrderLedger();
    const orders = new Map<string, OrderChange>();
    const book = new Map<string, number>();
    for (const frame of frames) {
      const { bids, asks } = ledger.apply(frame);
      for (const one of frame) Number(one.size) === 0 ? orders.delete(one.id) : orders.set(one.id, one);
      for (const [side, levels] of [["bid", bids], ["ask", asks]] as const) {
        for (const [price, size] of levels) book.set(`${side} ${price}`, Number(size));
      }
      const wanted = new Map<string, number>();
      for (const { side, price, size } of orders.values()) {
        wanted.set(`${side} ${price}`, (wanted.get(`${side} ${price}`) ?? 0) + Number(size) * 10);
      }
      const found = [...book].filter(([, size]) => size !== 0).map(([key, size]) => [key, Math.round(size * 10)]);
      assert.deepEqual(new Map(found as [string, number][]), new Map([...wanted].map(([k, v]) => [k, Math.round(v)])));
      const restored = new OrderLedger();
      restored.restoreState(JSON.parse(JSON.stringify(ledger.saveState())));
      ledger = restored;
    }
  }));
});
