import assert from "node:assert/strict";
import fc from "fast-check";
import { RestLimiter } from "../../src/rest/mod.ts";

Deno.test("RestLimiter never lets more than the declared requests into any minute", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 100 }),
    (requestsPerMinute, pauses) => {
      const limiter = new RestLimiter({ kind: "requests_per_minute", requestsPerMinute });
      const sent: number[] = [];
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        const wait = limiter.take(now);
        if (wait === 0) sent.push(now);
        else assert.equal(new RestLimiter(null).take(now), 0);
      }
      for (const at of sent) {
        assert.ok(sent.filter((other) => other > at - 60_000 && other <= at).length <= requestsPerMinute);
      }
    },
  ));
});

Deno.test("RestLimiter's wait is exactly as long as it has to be", () => {
  const limiter = new RestLimiter({ kind: "requests_per_minute", requestsPerMinute: 2 });
  assert.equal(limiter.take(0), 0);
  assert.equal(limiter.take(10_000), 0);
  assert.equal(limiter.take(20_000), 40_000);
  assert.equal(limiter.take(60_000), 0);
});

Deno.test("RestLimiter with a token bucket refills at the declared rate", () => {
  const limiter = new RestLimiter({ kind: "token_bucket", capacity: 2, refillPerSecond: 1 });
  assert.equal(limiter.take(0), 0);
  assert.equal(limiter.take(0), 0);
  assert.equal(limiter.take(0), 1000);
  assert.equal(limiter.take(1000), 0);
});

Deno.test("RestLimiter waits as long as the exchange asks", () => {
  const limiter = new RestLimiter(null);
  limiter.blockUntil(5_000);
  assert.equal(limiter.take(1_000), 4_000);
  assert.equal(limiter.take(5_000), 0);
});
