import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../src/host/clock.ts";
import { WallClock } from "../../src/host/wall_clock.ts";

const ORIGIN_MS = 1_800_000_000_000;

Deno.test("WallClock.read() keeps the fraction of a millisecond that the monotonic clock knows", () => {
  const clock = new WallClock(ORIGIN_MS, 0);
  assert.equal(clock.read(ORIGIN_MS + 10, 10.25), (ORIGIN_MS + 10) * 1000 + 250);
});

Deno.test("WallClock.read() follows at once when the wall clock was set forward", () => {
  const clock = new WallClock(ORIGIN_MS, 0);
  assert.equal(clock.read(ORIGIN_MS + 3_600_000, 1), (ORIGIN_MS + 3_600_000) * 1000);
});

Deno.test("WallClock.read() slows down until the wall clock has caught up when that was set back", () => {
  const clock = new WallClock(ORIGIN_MS, 0);
  const before = clock.read(ORIGIN_MS + 1000, 1000);
  const after = clock.read(ORIGIN_MS, 1100);
  assert.equal(after - before, 50_000);
  for (let ms = 1200; ms <= 5000; ms += 100) clock.read(ORIGIN_MS + ms - 1100, ms);
  assert.ok(Math.abs(clock.read(ORIGIN_MS + 4000, 5100) - (ORIGIN_MS + 4000) * 1000) <= 106_000);
});

Deno.test("WallClock.read() never goes back whatever the clocks say", () => {
  const step = fc.record({
    wall: fc.integer({ min: -5000, max: 5000 }),
    monotonic: fc.double({ min: 0, max: 5000, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const clock = new WallClock(ORIGIN_MS, 0);
    let wall = ORIGIN_MS;
    let monotonic = 0;
    let last = clock.read(wall, monotonic);
    for (const each of steps) {
      wall += each.wall;
      monotonic += each.monotonic;
      const now = clock.read(wall, monotonic);
      assert.ok(now >= last && Number.isInteger(now));
      last = now;
    }
  }));
});

Deno.test("systemClock() tells micros near the wall clock's milliseconds", () => {
  const clock = systemClock();
  const before = clock.nowMs();
  const micros = clock.nowMicros();
  assert.ok(Number.isSafeInteger(micros));
  assert.ok(Math.abs(micros / 1000 - before) < 1000);
});

Deno.test("systemClock().after() calls once and not at all when cancelled", async () => {
  const clock = systemClock();
  const calls: string[] = [];
  const cancelled = clock.after(0, () => calls.push("cancelled"));
  cancelled.cancel();
  cancelled.cancel();
  await new Promise<void>((resolve) => {
    clock.after(1, () => {
      calls.push("called");
      resolve();
    });
  });
  assert.deepEqual(calls, ["called"]);
});

Deno.test("systemClock().sleep() resolves when the signal aborts", async () => {
  const abort = new AbortController();
  const sleeping = systemClock().sleep(3_600_000, abort.signal);
  abort.abort();
  await sleeping;
  await systemClock().sleep(3_600_000, abort.signal);
});
