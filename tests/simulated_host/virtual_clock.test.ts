import assert from "node:assert/strict";
import { VirtualClock } from "../../src/simulated_host/mod.ts";

Deno.test("VirtualClock lets timers go off at their moments, in order, each after what the one before set off", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const note = (text: string) => seen.push(`${clock.elapsedMs} ${text}`);
  clock.after(20, () => note("late"));
  clock.after(10, async () => {
    note("first");
    await Promise.resolve();
    await Promise.resolve();
    note("of the first");
    clock.after(0, () => note("at once"));
  });
  clock.after(10, () => note("second"));
  clock.after(15, () => note("cancelled")).cancel();
  await clock.advance(30);
  assert.deepEqual(seen, ["10 first", "10 of the first", "10 second", "10 at once", "20 late"]);
  assert.equal(clock.elapsedMs, 30);
});

Deno.test("VirtualClock keeps the order of any timers", async () => {
  const clock = new VirtualClock();
  const seen: [number, number][] = [];
  for (let at = 0; at < 500; at++) {
    const dueMs = (at * 7919) % 101;
    clock.after(dueMs, () => seen.push([dueMs, at]));
  }
  await clock.advance(200);
  assert.deepEqual(seen, [...seen].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  assert.equal(seen.length, 500);
});

Deno.test("VirtualClock tells processes that live when the wall clock is set, and lets no timer of a dead one go off", async () => {
  const clock = new VirtualClock();
  const process = { lives: true };
  const own = clock.of(process);
  const seen: string[] = [];
  own.onStep?.(({ fromTs, toTs }) => seen.push(`stepped ${toTs - fromTs}`));
  own.after(10, () => seen.push("timer"));
  const before = own.nowMicros();
  clock.step(5_000);
  assert.equal(own.nowMicros() - before, 5_000_000);
  assert.equal(own.monotonicMs(), 0);
  process.lives = false;
  clock.step(1);
  await clock.advance(100);
  assert.deepEqual(seen, ["stepped 5000000"]);
});
