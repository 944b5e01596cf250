import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../src/host/clock.ts";
import type { ClockStep } from "../../src/model/mod.ts";
import { WallClock } from "../../src/host/wall_clock.ts";

const ORIGIN_MS = 1_800_000_000_000;

/** Reads a clock; both times in ms after the origin. */
function read(clock: WallClock, wallMs: number, monotonicMs: number): number {
  return clock.read(monotonicMs, () => ORIGIN_MS + wallMs) - ORIGIN_MS * 1000;
}

Deno.test("WallClock.read() keeps the fraction of a millisecond that the monotonic clock knows", () => {
  assert.equal(read(new WallClock(ORIGIN_MS, 0), 10, 10.25), 10_250);
});

Deno.test("WallClock.read() follows when the wall clock was set forward", () => {
  const clock = new WallClock(ORIGIN_MS, 0);
  read(clock, 1, 1);
  assert.equal(read(clock, 3_600_060, 60), 3_600_060_000);
});

Deno.test("WallClock.read() goes at half speed until the wall clock has caught up when that was set back", () => {
  const clock = new WallClock(ORIGIN_MS, 0);
  assert.equal(read(clock, 1000, 1000), 1_000_000);
  assert.equal(read(clock, 100, 1100), 1_100_000);
  assert.equal(read(clock, 200, 1200), 1_150_000);
  for (let ms = 300; ms <= 4000; ms += 100) read(clock, ms, 1000 + ms);
  assert.ok(Math.abs(read(clock, 4100, 5100) - 4_100_000) <= 50_000);
});

Deno.test("WallClock.read() follows a step of the system's clock at once, back and forward, and tells it", () => {
  const hour = 3_600_000;
  for (const byMs of [-8 * hour, 3 * 365 * 24 * hour, -2500, 2500]) {
    const steps: ClockStep[] = [];
    const clock = new WallClock(ORIGIN_MS, 0, (step) => steps.push(step));
    assert.equal(read(clock, 100, 100), 100_000);
    assert.equal(read(clock, 200 + byMs, 200), (200 + byMs) * 1000);
    // Not at half speed, and back again within two seconds.
    assert.equal(read(clock, 1200 + byMs, 1200), (1200 + byMs) * 1000);
    assert.equal(read(clock, 2200, 2200), 2_200_000);
    assert.equal(read(clock, 3200, 3200), 3_200_000);
    const origin = ORIGIN_MS * 1000;
    assert.deepEqual(steps, [
      { fromTs: origin + 200_000, toTs: origin + (200 + byMs) * 1000 },
      { fromTs: origin + (2200 + byMs) * 1000, toTs: origin + 2_200_000 },
    ]);
  }
});

Deno.test("WallClock.read() never goes back but for a step that is told", () => {
  const step = fc.record({
    wall: fc.integer({ min: -5000, max: 5000 }),
    monotonic: fc.double({ min: 0, max: 5000, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    let told = false;
    const clock = new WallClock(ORIGIN_MS, 0, () => told = true);
    let wall = 0;
    let monotonic = 0;
    let last = read(clock, wall, monotonic);
    for (const each of steps) {
      wall += each.wall;
      monotonic += each.monotonic;
      const now = read(clock, wall, monotonic);
      assert.ok((now >= last || told) && Number.isInteger(now));
      told = false;
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
