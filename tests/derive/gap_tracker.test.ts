import assert from "node:assert/strict";
import type { ClosedRecord, OpenedRecord } from "../../src/model/mod.ts";
import { GapTracker } from "../../src/derive/mod.ts";

function opened(at: number, connection = "public"): OpenedRecord {
  return {
    kind: "opened",
    at,
    exchange: "x",
    connection,
    url: "wss://x",
    descriptorHash: "h",
    planHash: null,
    streams: [{ channel: "trades", symbol: "BTC/USDT" }, { channel: "book", symbol: "BTC/USDT" }],
  };
}

function closed(session: number, at: number): ClosedRecord {
  return { kind: "closed", session, at, cause: "peer", code: 1006, reason: "gone" };
}

Deno.test("GapTracker gives each stream of a closed session a gap up to its first data afterwards", () => {
  const gaps = new GapTracker();
  gaps.opened(1, opened(100));
  assert.equal(gaps.sawData(1, "trades", "BTC/USDT", 150), null);
  gaps.closed(1, closed(1, 160));
  gaps.opened(2, opened(200));
  assert.deepEqual(gaps.sawData(2, "trades", "BTC/USDT", 250), {
    kind: "gap",
    gap_id: "",
    state: "closed",
    stream: "trades",
    cause: "disconnect",
    from_ts: 150,
    to_ts: 250,
    from_sequence: null,
    to_sequence: null,
    detail: "peer 1006: gone",
    action: "reconnected",
  });
  assert.equal(gaps.sawData(2, "trades", "BTC/USDT", 260), null);
  assert.equal(gaps.sawData(2, "book", "BTC/USDT", 270)?.from_ts, 100);
});

Deno.test("GapTracker keeps the first end when several sessions in a row bring nothing", () => {
  const gaps = new GapTracker();
  gaps.opened(1, opened(100));
  gaps.sawData(1, "trades", "BTC/USDT", 150);
  gaps.closed(1, closed(1, 160));
  gaps.opened(2, opened(200));
  gaps.closed(2, closed(2, 210));
  gaps.opened(3, opened(300));
  assert.equal(gaps.sawData(3, "trades", "BTC/USDT", 310)?.from_ts, 150);
});

Deno.test("GapTracker keeps gaps of different connections apart", () => {
  const gaps = new GapTracker();
  gaps.opened(1, opened(100, "a"));
  gaps.opened(2, opened(100, "b"));
  gaps.closed(1, closed(1, 160));
  assert.equal(gaps.sawData(2, "trades", "BTC/USDT", 170), null);
});

Deno.test("GapTracker goes on from a saved state as if nothing had happened", () => {
  const before = new GapTracker();
  before.opened(1, opened(100));
  before.sawData(1, "trades", "BTC/USDT", 150);
  before.opened(2, opened(100, "b"));
  before.closed(2, closed(2, 160));
  const after = new GapTracker();
  after.restoreState(JSON.parse(JSON.stringify(before.saveState())));
  assert.deepEqual(after.saveState(), before.saveState());
  after.closed(1, closed(1, 170));
  after.opened(3, opened(200));
  assert.equal(after.sawData(3, "trades", "BTC/USDT", 210)?.from_ts, 150);
  after.opened(4, opened(200, "b"));
  assert.equal(after.sawData(4, "book", "BTC/USDT", 220)?.from_ts, 100);
});
