import assert from "node:assert/strict";
import fc from "fast-check";
import { UNANSWERED_HOLD_MS } from "../../src/model/mod.ts";
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
        return [];
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

Deno.test("SendQueue never lets an exchange read more than the limit at once, however late a network hands frames over", async () => {
  const delays = fc.array(fc.nat(UNANSWERED_HOLD_MS / 2 - 1), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(limits, delays, fc.nat(50), async (limit, late, answerMs) => {
      const clock = new SimulatedClock();
      const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
      const read: number[] = [];
      let lastMs = 0;
      late.forEach((ms, at) =>
        queue.request(() => {
          lastMs = Math.max(lastMs, clock.monotonicMs() + ms);
          clock.after(lastMs - clock.monotonicMs(), () => {
            read.push(clock.monotonicMs());
            clock.after(answerMs, () => queue.answered(String(at)));
          });
          return [String(at)];
        })
      );
      await clock.advance(late.length * (limit.perMs + UNANSWERED_HOLD_MS));
      assert.equal(read.length, late.length);
      assert.ok(densest(read, limit.perMs) <= limit.count);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 60 },
  );
});

Deno.test("SendQueue goes on where no answer comes, and counts answered frames once", async () => {
  const clock = new SimulatedClock();
  const limit = { count: 3, perMs: 1000 };
  const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
  const sent: number[] = [];
  for (let i = 0; i < 6; i++) {
    queue.request(() => {
      sent.push(clock.monotonicMs());
      return [String(i)];
    });
  }
  queue.answered("of something else");
  await clock.advance(40);
  queue.answered("1");
  await clock.advance(2_000);
  assert.deepEqual(sent, [0, 0, 1041, 1041]);
  await clock.advance(UNANSWERED_HOLD_MS);
  assert.deepEqual(sent.slice(4), [1041 + UNANSWERED_HOLD_MS, 1041 + UNANSWERED_HOLD_MS]);
});

Deno.test("SendQueue sends urgent frames before requests and forgets all when closed", async () => {
  const clock = new SimulatedClock();
  const limit = { count: 1, perMs: 1000 };
  const queue = new SendQueue({ clock, window: new RollingWindow(limit), limit, onThrow: rethrow });
  const sent: string[] = [];
  const send = (name: string) => () => {
    sent.push(name);
    return [];
  };
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
  for (let i = 0; i < 30; i++) {
    queue.urgent(() => {
      sent.push(i);
      return [];
    });
  }
  await clock.advance(60_000);
  assert.deepEqual(sent, [0, ...Array.from({ length: 16 }, (_, i) => i + 14)]);
});

function rethrow(error: unknown): never {
  throw error;
}
