import assert from "node:assert/strict";
import type { Envelope, MarketEvent } from "../../src/model/mod.ts";
import { Deduplicator } from "../../src/derive/mod.ts";

const PLAN = { enabled: true, windowSeconds: 10, keysMax: 3 };
const PAYLOAD = new TextEncoder().encode("frame");

function envelope(event: MarketEvent, receivedTs = 0): Envelope {
  return {
    exchange: "x",
    symbol: "BTC/USDT",
    native_symbol: "BTCUSDT",
    exchange_ts: null,
    received_ts: receivedTs,
    session: 0,
    offset: 0,
    index: 0,
    event,
  };
}

function trade(id: string | null, receivedTs = 0): Envelope {
  return envelope({ kind: "trade", trade_id: id, price: "1", size: "1", side: "buy" }, receivedTs);
}

function quote(bid: string): Envelope {
  return envelope({ kind: "quote", bid_price: bid, bid_size: "1", ask_price: "2", ask_size: "1" });
}

Deno.test("Deduplicator drops a trade id seen within the window and no other", () => {
  const dedup = new Deduplicator(PLAN);
  assert.equal(dedup.isDuplicate(trade("1"), PAYLOAD), false);
  assert.equal(dedup.isDuplicate(trade("1", 9_000_000), PAYLOAD), true);
  assert.equal(dedup.isDuplicate(trade("2"), PAYLOAD), false);
  assert.equal(dedup.isDuplicate(trade("1", 10_000_001), PAYLOAD), false);
});

Deno.test("Deduplicator tells 21-digit ids apart", () => {
  const dedup = new Deduplicator(PLAN);
  assert.equal(dedup.isDuplicate(trade("100000000000000000001"), PAYLOAD), false);
  assert.equal(dedup.isDuplicate(trade("100000000000000000002"), PAYLOAD), false);
});

Deno.test("Deduplicator uses the frame's content where there is no id", () => {
  const dedup = new Deduplicator(PLAN);
  const encode = (text: string) => new TextEncoder().encode(text);
  assert.equal(dedup.isDuplicate(quote("1"), encode('{"u":1,"b":"1"}')), false);
  assert.equal(dedup.isDuplicate(quote("1"), encode('{"u":1,"b":"1"}')), true);
  assert.equal(dedup.isDuplicate(quote("1"), encode('{"u":2,"b":"1"}')), false);
});

Deno.test("Deduplicator forgets the oldest key when it holds its maximum", () => {
  const dedup = new Deduplicator(PLAN);
  for (const id of ["1", "2", "3", "4"]) dedup.isDuplicate(trade(id), PAYLOAD);
  assert.equal(dedup.isDuplicate(trade("4"), PAYLOAD), true);
  assert.equal(dedup.isDuplicate(trade("1"), PAYLOAD), false);
});

Deno.test("Deduplicator never drops a gap or a snapshot without a sequence", () => {
  const dedup = new Deduplicator(PLAN);
  const snapshot = envelope({ kind: "book_snapshot", bids: [], asks: [], sequence: null });
  assert.equal(dedup.isDuplicate(snapshot, PAYLOAD), false);
  assert.equal(dedup.isDuplicate(snapshot, PAYLOAD), false);
});

Deno.test("Deduplicator goes on from a saved state", () => {
  const before = new Deduplicator(PLAN);
  before.isDuplicate(trade("1"), PAYLOAD);
  const after = new Deduplicator(PLAN);
  after.restoreState(JSON.parse(JSON.stringify(before.saveState())));
  assert.equal(after.isDuplicate(trade("1"), PAYLOAD), true);
});
