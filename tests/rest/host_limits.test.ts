import assert from "node:assert/strict";
import type { RateLimit, RestRateLimit } from "../../src/model/mod.ts";
import { HostLimits } from "../../src/rest/mod.ts";
import { SimulatedClock } from "../support/simulated_host.ts";
import { seeded } from "../support/seeded.ts";

const signal = new AbortController().signal;
const perMinute = (requestsPerMinute: number): RestRateLimit => ({ kind: "requests_per_minute", requestsPerMinute });

Deno.test("HostLimits lets no more than the declared requests into any minute", async () => {
  const random = seeded(7);
  const clock = new SimulatedClock();
  for (const requestsPerMinute of [1, 2, 7, 60]) {
    const limits = new HostLimits(clock).of("one");
    const sent: number[] = [];
    for (let i = 0; i < 400; i++) {
      const waitMs = limits.reserveRequest("api.example.com", perMinute(requestsPerMinute));
      if (waitMs === 0) sent.push(clock.monotonicMs());
      await clock.advance(waitMs === 0 ? Math.floor(random() * 400) : Math.min(waitMs, 5_000));
    }
    for (let i = requestsPerMinute; i < sent.length; i++) {
      assert.ok(sent[i] - sent[i - requestsPerMinute] > 60_000, `${requestsPerMinute} a minute: request ${i}`);
    }
    assert.ok(sent.length > 0);
  }
});

Deno.test("HostLimits makes a request wait exactly as long as it has to", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock).of("one");
  const reserve = () => limits.reserveRequest("api.example.com", perMinute(2));
  assert.deepEqual([reserve(), reserve(), reserve()], [0, 0, 60_001]);
  await clock.advance(60_000);
  assert.equal(reserve(), 1);
  await clock.advance(1);
  assert.equal(reserve(), 0);
});

Deno.test("HostLimits refills a token bucket at the declared rate", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock).of("one");
  const reserve = () =>
    limits.reserveRequest("api.example.com", { kind: "token_bucket", capacity: 2, refillPerSecond: 1 });
  assert.deepEqual([reserve(), reserve(), reserve()], [0, 0, 1000]);
  await clock.advance(1000);
  assert.deepEqual([reserve(), reserve()], [0, 1000]);
});

Deno.test("HostLimits shares a host's limits among instances, and the strictest declared one holds", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock);
  const [one, two, silent] = [limits.of("one"), limits.of("two"), limits.of("silent")];
  for (let i = 0; i < 3; i++) assert.equal(one.reserveRequest("api.example.com", perMinute(100)), 0);
  assert.equal(two.reserveRequest("api.example.com", perMinute(3)), 60_001, "what was sent before counts");
  assert.equal(one.reserveRequest("api.example.com", perMinute(100)), 60_001, "also for who allows more");
  assert.equal(silent.reserveRequest("api.example.com", null), 60_001, "and for who declares nothing");
  assert.equal(two.reserveRequest("api.other.com", perMinute(3)), 0);
  two.release();
  assert.equal(one.reserveRequest("api.example.com", perMinute(100)), 0, "a limit goes with the last who declared it");
  await clock.advance(0);
});

Deno.test("HostLimits holds connection attempts of two instances to the stricter of their limits", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock);
  const entered: string[] = [];
  const enter = (owner: string, limit: RateLimit | null) =>
    limits.of(owner).enter("ws.example.com", limit, signal).then(() => {
      entered.push(`${owner} ${clock.monotonicMs()}`);
    });
  enter("one", { count: 10, perMs: 1000 });
  enter("two", { count: 2, perMs: 1000 });
  enter("one", { count: 10, perMs: 1000 });
  await clock.advance(5000);
  assert.deepEqual(entered, ["one 0", "two 0", "one 1001"]);
});

Deno.test("HostLimits keeps a block to the host that asked for it, and to what it was asked about", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock);
  const one = limits.of("one");
  one.blockRequests("api.example.com", 30_000);
  one.blockOpens("ws.example.com", 20_000);
  const two = limits.of("two");
  assert.equal(two.reserveRequest("api.example.com", null), 30_000);
  assert.equal(two.requestBlockedMs("api.example.com"), 30_000);
  assert.equal(two.reserveRequest("api2.example.com", null), 0);
  assert.equal(two.openBlockedMs("api.example.com"), 0);
  assert.deepEqual(limits.blocks, [
    { host: "api.example.com", what: "requests", remainingMs: 30_000 },
    { host: "ws.example.com", what: "connections", remainingMs: 20_000 },
  ]);
  let enteredAt = -1;
  two.enter("ws.example.com", null, signal).then(() => enteredAt = clock.monotonicMs());
  await clock.advance(60_000);
  assert.equal(enteredAt, 20_000);
  assert.deepEqual(limits.blocks, []);
});

Deno.test("HostLimits lets an aborted attempt go at once, wherever it stands in the line", async () => {
  const clock = new SimulatedClock();
  const gate = new HostLimits(clock).of("one");
  const limit = { count: 1, perMs: 60_000 };
  await gate.enter("ws.example.com", limit, signal);
  void gate.enter("ws.example.com", limit, signal);
  const abort = new AbortController();
  let left = false;
  gate.enter("ws.example.com", limit, abort.signal).then(() => left = true);
  abort.abort();
  await clock.advance(0);
  assert.ok(left);
});

Deno.test("HostLimits.restoreState() goes on from what another process did", async () => {
  const clock = new SimulatedClock();
  const before = new HostLimits(clock);
  const limit = { count: 3, perMs: 60_000 };
  for (let i = 0; i < 3; i++) await before.of("one").enter("ws.example.com", limit, signal);
  before.of("one").blockRequests("api.example.com", 50_000);
  before.of("one").reserveRequest("rest.example.com", perMinute(1));
  const saved = JSON.parse(JSON.stringify(before.saveState()));
  await clock.advance(10_000);
  const after = new HostLimits(clock);
  after.restoreState(saved);
  let enteredAt = -1;
  after.of("one").enter("ws.example.com", limit, signal).then(() => enteredAt = clock.monotonicMs());
  assert.equal(after.of("one").reserveRequest("api.example.com", null), 40_000);
  assert.equal(after.of("one").reserveRequest("rest.example.com", perMinute(1)), 50_001);
  await clock.advance(60_000);
  assert.equal(enteredAt, 60_001);
});

Deno.test("HostLimits.restoreState() takes times ahead of a clock that was set back for now, and bounds blocks", async () => {
  const clock = new SimulatedClock();
  const limits = new HostLimits(clock);
  const future = clock.nowMs() + 365 * 86_400_000;
  limits.restoreState({
    hosts: [{
      host: "ws.example.com",
      opens: [future],
      requests: [future],
      opensBlockedUntil: 0,
      requestsBlockedUntil: future,
    }],
  });
  let enteredAt = -1;
  limits.of("one").enter("ws.example.com", { count: 1, perMs: 1000 }, signal).then(() =>
    enteredAt = clock.monotonicMs()
  );
  assert.equal(limits.of("one").requestBlockedMs("ws.example.com"), 86_400_000);
  await clock.advance(2_000);
  assert.equal(enteredAt, 1_001);
});
