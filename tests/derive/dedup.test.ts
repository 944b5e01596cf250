import assert from "node:assert/strict";
import { type DedupFrame, Deduplicator } from "../../src/derive/mod.ts";
import type { MarketEvent } from "../../src/model/mod.ts";
import type { NormalizedEvent } from "../../src/normalize/mod.ts";

const PLAN = { enabled: true, windowSeconds: 10, keysMax: 3 };

function event(event: MarketEvent, over: Partial<NormalizedEvent> = {}): NormalizedEvent {
  return {
    channel: "trades",
    symbol: "BTC/USDT",
    native_symbol: "BTCUSDT",
    exchange_ts: null,
    event,
    rule: event.kind,
    checksum: null,
    row: 0,
    ...over,
  };
}

let offsets = 0;
function frame(text = "frame", over: Partial<DedupFrame> = {}): DedupFrame {
  return {
    exchange: "x",
    connectionId: "main",
    session: 1,
    offset: ++offsets,
    receivedTs: 0,
    payload: new TextEncoder().encode(text),
    ...over,
  };
}

function trade(trade_id: string | null, price = "1"): NormalizedEvent {
  return event({ kind: "trade", trade_id, price, size: "1", side: "buy" });
}

function quote(bid_price: string, exchange_ts: number | null = null): NormalizedEvent {
  return event({ kind: "quote", bid_price, bid_size: "1", ask_price: "2", ask_size: "1" }, { exchange_ts });
}

function raw(sequence: string, channel = "a"): NormalizedEvent {
  return event({ kind: "raw", channel, sequence, message_id: null, payload: "" }, { channel: null });
}

/** Whether each event in turn is a duplicate. */
function duplicates(seen: readonly (readonly [NormalizedEvent, DedupFrame])[], plan = PLAN): readonly boolean[] {
  const dedup = new Deduplicator();
  return seen.map(([found, from]) => dedup.isDuplicate(found, from, plan));
}

Deno.test("Deduplicator drops a trade id seen within the window and no other", () => {
  const at = (receivedTs: number) => frame("", { receivedTs });
  const seen = [[trade("1"), at(0)], [trade("1"), at(9_000_000)], [trade("2"), at(0)]] as const;
  assert.deepEqual(duplicates(seen), [false, true, false]);
  assert.deepEqual(duplicates([[trade("1"), at(0)], [trade("1"), at(10_000_001)]]), [false, false]);
});

Deno.test("Deduplicator tells 21-digit ids apart", () => {
  const seen = [[trade("100000000000000000001"), frame()], [trade("100000000000000000002"), frame()]] as const;
  assert.deepEqual(duplicates(seen), [false, false]);
});

Deno.test("Deduplicator keeps a trade whose id began again with another trade", () => {
  assert.deepEqual(duplicates([[trade("1"), frame()], [trade("1", "2"), frame()]]), [false, false]);
});

Deno.test("Deduplicator compares events of one stream alone", () => {
  const first = [raw("7"), frame("a")] as const;
  for (
    const other of [
      [raw("7", "b"), frame("a")],
      [raw("7"), frame("a", { connectionId: "other" })],
      [raw("7"), frame("a", { session: 2 })],
      [raw("7"), frame("a", { exchange: "y" })],
      [{ ...raw("7"), native_symbol: "ETHUSDT" }, frame("a")],
      [raw("7"), frame("another frame")],
    ] as const
  ) assert.deepEqual(duplicates([first, other]), [false, false]);
  assert.deepEqual(duplicates([first, [raw("7"), frame("a")]]), [false, true]);
});

Deno.test("Deduplicator drops every row of a frame that comes again, also where one was dropped before", () => {
  const dedup = new Deduplicator();
  const plan = { ...PLAN, keysMax: 100 };
  const rows = (text: string) => {
    const from = frame(text);
    return [0, 1, 2].map((row) => dedup.isDuplicate({ ...trade(null), row }, from, plan));
  };
  assert.deepEqual(rows('{"rows":[1,1,1]}'), [false, false, false]);
  assert.deepEqual(rows('{"rows":[1,1,1]}'), [true, true, true]);
  assert.deepEqual(rows('{"rows":[1,1,2]}'), [false, false, false]);
});

Deno.test("Deduplicator drops a state with a time that comes again, and one without only while it repeats the latest", () => {
  const state = (bid: string, ts: number | null) => [quote(bid, ts), frame(`${bid} ${ts}`)] as const;
  assert.deepEqual(duplicates([state("1", 5), state("2", 6), state("1", 5)]), [false, false, true]);
  assert.deepEqual(duplicates([state("1", null), state("1", null), state("2", null), state("1", null)]), [
    false,
    true,
    false,
    false,
  ]);
});

Deno.test("Deduplicator forgets the oldest key when it holds its maximum", () => {
  const seen = ["1", "2", "3", "4", "4", "1"].map((id) => [trade(id), frame()] as const);
  assert.deepEqual(duplicates(seen), [false, false, false, false, true, false]);
});

Deno.test("Deduplicator never drops a gap or a snapshot without a sequence", () => {
  const snapshot = event({ kind: "book_snapshot", bids: [], asks: [], sequence: null });
  assert.deepEqual(duplicates([[snapshot, frame()], [snapshot, frame()]]), [false, false]);
});

Deno.test("Deduplicator forgets what came before a clock that was set back by more than the window", () => {
  const at = (receivedTs: number) => frame("", { receivedTs });
  assert.deepEqual(duplicates([[trade("1"), at(3600_000_000)], [trade("1"), at(0)]]), [false, false]);
});

Deno.test("Deduplicator goes on from a saved state", () => {
  const before = new Deduplicator();
  before.isDuplicate(trade("1"), frame(), PLAN);
  const after = new Deduplicator();
  after.restore(JSON.parse(JSON.stringify([...before.entries()])));
  assert.equal(after.isDuplicate(trade("1"), frame(), PLAN), true);
});

Deno.test("Deduplicator's window is one of time that passes where the clock is set", () => {
  for (const by of [3_600_000_000, -3_600_000_000]) {
    const dedup = new Deduplicator();
    const at = (seconds: number) => frame("frame", { receivedTs: 7_200_000_000 + seconds * 1_000_000 });
    assert.equal(dedup.isDuplicate(trade("1"), at(0), PLAN), false);
    dedup.clockStepped(by);
    const later = (seconds: number) => at(seconds + by / 1_000_000);
    assert.equal(dedup.isDuplicate(trade("1"), later(9), PLAN), true, "within the window");
    assert.equal(dedup.isDuplicate(trade("1"), later(11), PLAN), false, "past the window");
  }
});
