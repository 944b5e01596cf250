import assert from "node:assert/strict";
import fc from "fast-check";
import type { Envelope, Offset } from "../../src/model/mod.ts";
import { RecentEvents } from "../../src/runtime/mod.ts";
import { batchOf } from "../support/batches.ts";

/** About what one of the events below weighs. */
const EVENT_BYTES = 200;

function events(offset: Offset, count: number): Envelope[] {
  return Array.from({ length: count }, (_, index) => ({
    exchange: "x",
    symbol: "BTC/USDT",
    native_symbol: "BTCUSDT",
    exchange_ts: null,
    received_ts: offset,
    session: 0,
    offset,
    index,
    event: { kind: "trade", trade_id: String(offset), price: "1", size: "1", side: "buy" },
  }));
}

Deno.test("RecentEvents.readBatch() gives every event once and in order, whatever is pushed and however little is taken", () => {
  fc.assert(fc.property(
    fc.array(fc.nat({ max: 4 }), { maxLength: 60 }),
    fc.integer({ min: 1, max: 7 }),
    (counts, batch) => {
      const recent = new RecentEvents(100, 1_000 * EVENT_BYTES);
      counts.forEach((count, i) => recent.push(100 + i, batchOf(events(100 + i, count))));
      const got: string[] = [];
      let position = 100;
      while (position < recent.end) {
        const taken = recent.readBatch(position, recent.end, batch);
        assert.ok(taken !== null && taken.next > position);
        for (const { offset, index } of taken.rows.envelopes()) got.push(`${offset}.${index}`);
        position = taken.next;
      }
      const expected = counts.flatMap((count, i) => Array.from({ length: count }, (_, index) => `${100 + i}.${index}`));
      assert.deepEqual(got, expected);
    },
  ));
});

Deno.test("RecentEvents.readBatch() never gives events at or past the limit", () => {
  const recent = new RecentEvents(0, 100 * EVENT_BYTES);
  for (let offset = 0; offset < 10; offset++) recent.push(offset, batchOf(events(offset, 1)));
  const taken = recent.readBatch(2, 5, 100);
  assert.deepEqual(taken?.rows.envelopes().map((e) => e.offset), [2, 3, 4]);
  assert.equal(taken?.next, 5);
});

Deno.test("RecentEvents lets the oldest go when it is full and says that they are gone", () => {
  const recent = new RecentEvents(0, 40 * EVENT_BYTES);
  for (let offset = 0; offset < 200; offset++) recent.push(offset, batchOf(events(offset, 3)));
  assert.ok(recent.size <= 43);
  assert.equal(recent.readBatch(0, 200, 10), null);
  assert.ok(recent.start > 0);
  const taken = recent.readBatch(recent.start, 200, 1_000);
  assert.equal(taken?.rows.envelopes().length, recent.size);
  assert.equal(taken?.rows.envelopes()[0].offset, recent.start);
  assert.equal(taken?.rows.envelopes()[0].index, 0);
});

Deno.test("RecentEvents lets go what every reader has had, and nothing that one of them still has to take", () => {
  const recent = new RecentEvents(0, 1_000 * EVENT_BYTES);
  const fast = recent.join(0, "wait");
  const slow = recent.join(0, "wait");
  for (let offset = 0; offset < 10; offset++) recent.push(offset, batchOf(events(offset, 2)));
  fast.advance(8);
  assert.equal(recent.size, 20);
  slow.advance(3);
  assert.equal(recent.start, 3);
  assert.equal(recent.size, 14);
  slow.leave();
  fast.advance(10);
  assert.equal(recent.size, 0);
  assert.equal(recent.bytes, 0);
  const nothing = recent.readBatch(10, 10, 5);
  assert.deepEqual([nothing?.rows.length, nothing?.next], [0, 10]);
});

Deno.test("RecentEvents is crowded while a reader that follows has most of a full recent before it, and waits for it only so long", () => {
  const recent = new RecentEvents(0, 100 * EVENT_BYTES);
  const reader = recent.join(0, "wait");
  const fill = (from: Offset, to: Offset) => {
    for (let offset = from; offset < to; offset++) recent.push(offset, batchOf(events(offset, 1)));
  };
  fill(0, 70);
  assert.equal(recent.isCrowded, false);
  fill(70, 90);
  assert.equal(recent.isCrowded, true);
  reader.advance(40);
  assert.equal(recent.isCrowded, false);
  fill(90, 130);
  assert.equal(recent.isCrowded, true);
  recent.stopWaiting();
  assert.equal(recent.isCrowded, false);
  fill(130, 300);
  assert.ok(recent.start > 40, "the reader has fallen behind");
  assert.equal(recent.isCrowded, false);
  reader.advance(recent.start);
  assert.equal(recent.isCrowded, true, "it has come back and is waited for again");
});

Deno.test("RecentEvents counts what a book holds, so that deep books leave sooner", () => {
  const recent = new RecentEvents(0, 100 * EVENT_BYTES);
  const levels = Array.from({ length: 200 }, () => ["1", "2"] as const);
  for (let offset = 0; offset < 50; offset++) {
    const [envelope] = events(offset, 1);
    const event = { kind: "book_snapshot", bids: levels, asks: levels, sequence: null } as const;
    recent.push(offset, batchOf([{ ...envelope, event }]));
  }
  assert.ok(recent.size >= 1 && recent.size <= 2);
  assert.ok(recent.start >= 48);
});

Deno.test("RecentEvents waits for no reader whose policy is to lose events, whatever it has had", () => {
  for (const policy of ["wait", "drop"] as const) {
    const recent = new RecentEvents(0, 100 * EVENT_BYTES);
    const reader = recent.join(0, policy);
    for (let offset = 0; offset < 90; offset++) recent.push(offset, batchOf(events(offset, 1)));
    assert.equal(recent.isCrowded, policy === "wait");
    for (let offset = 90; offset < 300; offset++) recent.push(offset, batchOf(events(offset, 1)));
    assert.equal(recent.readBatch(0, 300, 10), null, "what it has not had is evicted");
    reader.advance(recent.end);
    for (let offset = 300; offset < 390; offset++) recent.push(offset, batchOf(events(offset, 1)));
    assert.equal(recent.isCrowded, policy === "wait", "also when it has caught up again");
  }
});

Deno.test("RecentEvents gives two readers every event, whatever batches were filled anew between them", () => {
  const recent = new RecentEvents(0, 100_000 * EVENT_BYTES);
  const readers = [recent.join(0, "wait"), recent.join(0, "wait")];
  const stands = [0, 0];
  const counts = [0, 0];
  let pushed = 0;
  for (let offset = 0; offset < 12_000; offset++) {
    const count = 1 + offset % 3;
    recent.push(offset, batchOf(events(offset, count)));
    pushed += count;
    for (const [at, reader] of readers.entries()) {
      if (offset % (at === 0 ? 7 : 1_500) !== 0 && offset < 11_999) continue;
      const taken = recent.readBatch(stands[at], recent.end, 100_000);
      assert.ok(taken !== null);
      let [stand, index] = [stands[at], 0];
      taken.rows.each((batch, event) => {
        const own = batch.offsets.values[event];
        if (own !== stand && index > 0) [stand, index] = [stand + 1, 0];
        assert.deepEqual([own, batch.indexes.values[event]], [stand, index++]);
      });
      counts[at] += taken.rows.length;
      reader.advance(stands[at] = taken.next);
    }
  }
  assert.deepEqual(counts, [pushed, pushed]);
  assert.equal(recent.size, 0);
});
