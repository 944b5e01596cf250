import assert from "node:assert/strict";
import fc from "fast-check";
import { RollingWindow } from "../../src/rest/mod.ts";
import { SendQueue } from "../../src/session/send_queue.ts";
import { SimulatedClock } from "../support/simulated_host.ts";

/** Most moments within any closed stretch of `perMs`. */
function densest(moments: readonly number[], perMs: number): number {
  const counts = moments.map((start) => moments.filter((at) => at >= start && at <= start + perMs).length);
  return Math.max(0, ...counts);
}

const limits = fc.record({ count: fc.integer({ min: 1, max: 8 }), perMs: fc.integer({ min: 1, max: 2000 }) });

Deno.test("RollingWindow.waitMs() keeps every stretch within the limit, also after a pause", () => {
  fc.assert(fc.property(limits, fc.array(fc.nat(1500), { maxLength: 60 }), (limit, pauses) => {
    const window = new RollingWindow(limit);
    const moments: number[] = [];
    let now = 0;
    for (const pause of pauses) {
      now += pause;
      const waitMs = window.waitMs(now);
      now += waitMs;
      assert.equal(window.waitMs(now), 0);
      window.record(now);
      moments.push(now);
    }
    assert.ok(densest(moments, limit.perMs) <= limit.count);
  }));
});

Deno.test("RollingWindow.waitMs() makes nobody wait longer than the limit asks", () => {
  const window = new RollingWindow({ count: 2, perMs: 1000 });
  for (const at of [0, 100]) {
    assert.equal(window.waitMs(at), 0);
    window.record(at);
  }
  assert.equal(window.waitMs(500), 501);
  assert.equal(window.waitMs(500, 2), 601);
  assert.equal(window.waitMs(1001), 0);
});

Deno.test("SendQueue keeps requests and urgent frames within the limit, with a slot free for a pong", async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(fc.tuple(fc.nat(300), fc.boolean()), { maxLength: 30 }), async (limit, steps) => {
      const clock = new SimulatedClock();
      const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
      const moments: number[] = [];
      const send = () => {
        moments.push(clock.monotonicMs());
        return true;
      };
      for (const [pause, isUrgent] of steps) {
        await clock.advance(pause);
        if (isUrgent) queue.urgent(send);
        else queue.request(send);
      }
      await clock.advance(steps.length * (limit.perMs + 2));
      const urgentLeftOut = steps.filter(([, isUrgent]) => isUrgent).length > 16;
      assert.ok(urgentLeftOut || moments.length === steps.length);
      assert.ok(densest(moments, limit.perMs) <= Math.max(1, limit.count - 1));
    }),
    { numRuns: 60 },
  );
});

Deno.test("SendQueue sends urgent frames before requests and forgets all when closed", async () => {
  const clock = new SimulatedClock();
  const limit = { count: 1, perMs: 1000 };
  const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
  const sent: string[] = [];
  const send = (name: string) => () => sent.push(name) > 0;
  queue.request(send("first"));
  queue.request(send("second"));
  queue.urgent(send("ping"));
  await clock.advance(1001);
  assert.deepEqual(sent, ["first", "ping"]);
  queue.close();
  await clock.advance(10_000);
  assert.deepEqual(sent, ["first", "ping"]);
  assert.equal(clock.pending, 0);
});

Deno.test("SendQueue leaves out the oldest reply when too many wait", async () => {
  const clock = new SimulatedClock();
  const limit = { count: 1, perMs: 1000 };
  const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
  const sent: number[] = [];
  for (let i = 0; i < 30; i++) queue.urgent(() => sent.push(i) > 0);
  await clock.advance(60_000);
  assert.deepEqual(sent, [0, ...Array.from({ length: 16 }, (_, i) => i + 14)]);
});

function rethrow(error: unknown): never {
  throw error;
}
