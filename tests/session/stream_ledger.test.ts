import assert from "node:assert/strict";
import { StreamLedger } from "../../src/session/stream_ledger.ts";
import { connectionPlan, item, request, SessionHarness } from "../support/session_harness.ts";

const [A, B, QUIET] = [
  { channel: "trades", symbol: "A" },
  { channel: "trades", symbol: "B" },
  { channel: "liquidations", symbol: "A" },
] as const;

function ledgerOf() {
  const time = { now: 0 };
  const told: string[] = [];
  const plan = { quietChannels: ["liquidations"], firstDataTimeoutMs: 10_000 } as const;
  const ledger = new StreamLedger(plan, () => time.now, ({ stream, state }) => told.push(`${stream.symbol} ${state}`));
  ledger.setDesired([A, B, QUIET]);
  const entry = ({ channel, symbol }: typeof A | typeof B | typeof QUIET) => {
    const found = ledger.find(channel, symbol);
    assert.ok(found !== undefined);
    return found;
  };
  return { ledger, entry, time, told };
}

Deno.test("StreamLedger keeps last data and the open gap of a stream over its sockets", () => {
  const { ledger, entry, time } = ledgerOf();
  assert.equal(entry(A).openGap, null);
  ledger.asked(entry(A), 0);
  ledger.acknowledge(entry(A));
  ledger.see(entry(A), 5_000_000);
  time.now = 9_000_000;
  ledger.socketEnded();
  assert.deepEqual(entry(A).openGap, { cause: "disconnect", from: 5_000_000 });
  assert.equal(entry(B).openGap, null, "it was never asked for");
  assert.deepEqual([entry(A).state, entry(A).lastDataTs], ["pending", 5_000_000]);
  ledger.asked(entry(A), 20_000);
  ledger.socketEnded();
  assert.deepEqual(entry(A).openGap, { cause: "disconnect", from: 5_000_000 }, "the gap began with the first loss");
  ledger.see(entry(A), 12_000_000);
  assert.equal(entry(A).openGap, null);
});

Deno.test("StreamLedger tells how old data is and how many streams are silent, quiet channels aside", () => {
  const { ledger, entry } = ledgerOf();
  assert.deepEqual(ledger.dataAge(1_000_000), { oldestTs: null, oldestStream: null, silent: 2, missing: 0 });
  ledger.see(entry(A), 1_000_000);
  ledger.see(entry(B), 3_000_000);
  ledger.see(entry(QUIET), 500_000);
  assert.deepEqual(ledger.dataAge(10_000_000), {
    oldestTs: 1_000_000,
    oldestStream: "trades A",
    silent: 0,
    missing: 0,
  });
  assert.deepEqual(ledger.dataAge(12_000_000), {
    oldestTs: 1_000_000,
    oldestStream: "trades A",
    silent: 1,
    missing: 0,
  });
  ledger.see(entry(A), 12_000_000);
  assert.deepEqual(ledger.dataAge(12_000_000), {
    oldestTs: 3_000_000,
    oldestStream: "trades B",
    silent: 0,
    missing: 0,
  });
});

Deno.test("StreamLedger opens a gap where a stream goes stale or is rejected, and ends it with its data", () => {
  const { ledger, entry, told } = ledgerOf();
  for (const stream of [A, B, QUIET]) ledger.asked(entry(stream), 0);
  ledger.reject(entry(B), "no", null);
  assert.equal(ledger.expire(10_000), true, "no stream of the socket shows data");
  assert.deepEqual([entry(A).openGap?.cause, entry(B).openGap?.cause, entry(QUIET).openGap], [
    "stale",
    "rejected",
    null,
  ]);
  assert.equal(ledger.dataAge(10_000_000).missing, 2);
  ledger.see(entry(A), 11_000_000);
  assert.equal(entry(A).openGap, null);
  assert.equal(ledger.dataAge(11_000_000).missing, 1);
  assert.deepEqual(told, ["B rejected", "A stale"]);
});

Deno.test("Session shows a pause of reading as its state, and counts it as silence of no stream", async () => {
  const plan = connectionPlan({ requests: [request([item("A")])], firstDataTimeoutMs: 10_000, readTimeoutMs: 30_000 });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(5000);
  const pausedAt = harness.host.clock.nowMicros();
  harness.session.pause();
  assert.equal(socket.paused, true);
  await harness.host.clock.advance(600_000);
  assert.equal(harness.state, "paused");
  assert.equal(harness.session.status.since, pausedAt);
  assert.equal(harness.session.status.streams.stale, 0);
  harness.session.resume();
  assert.equal(harness.state, "live");
  await harness.host.clock.advance(4000);
  assert.equal(harness.session.status.streams.stale, 0);
  await harness.host.clock.advance(2000);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["stale"]);
});
