import assert from "node:assert/strict";
import fc from "fast-check";
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from "../../src/model/mod.ts";
import { backoffCeilingMs, backoffMs } from "../../src/session/backoff.ts";

Deno.test("backoffCeilingMs() doubles step by step until the cap and reaches every step", () => {
  const steps = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000, 1e9].map(backoffCeilingMs);
  assert.deepEqual(steps, [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000]);
});

Deno.test("backoffCeilingMs() never falls with the attempt and stays within its bounds", () => {
  fc.assert(fc.property(fc.nat(), (attempt) => {
    const here = backoffCeilingMs(attempt);
    assert.ok(here >= BACKOFF_MS_MIN && here <= BACKOFF_MS_MAX);
    assert.ok(backoffCeilingMs(attempt + 1) >= here);
  }));
});

Deno.test("backoffMs() is anything from 0 to the ceiling", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), random, (attempt, value) => {
    const delay = backoffMs(attempt, { random: value });
    assert.ok(Number.isInteger(delay) && delay >= 0 && delay < backoffCeilingMs(attempt));
  }));
  assert.equal(backoffMs(5, { random: 0 }), 0);
  assert.equal(backoffMs(5, { random: 0.999999 }), 3999);
});

Deno.test("backoffMs() is never less than what the peer asked for", () => {
  fc.assert(fc.property(fc.nat(50), fc.nat(10_000_000), (attempt, retryAfterMs) => {
    assert.ok(backoffMs(attempt, { random: 0.3, retryAfterMs }) >= retryAfterMs);
  }));
});
