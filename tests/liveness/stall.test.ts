import assert from "node:assert/strict";
import { decide, isCured, type Silence, type SilenceDecision, type Stall } from "../../src/liveness/mod.ts";

const LIMITS = { usualMs: 500, suspiciousMs: 5000, limitMs: 20_000 };

function silence(changes: Partial<Silence>): Silence {
  const nowMs = changes.nowMs ?? 0;
  return { nowMs, sinceMs: 0, limits: LIMITS, heardMs: nowMs, verdict: null, canProbe: false, stall: null, ...changes };
}

const RESUBSCRIBE = { kind: "step", step: "resubscribe", round: 1, patienceMs: 10_000 } as const;

Deno.test("decide() waits until a silence is beyond its limit, and then asks for the stream alone", () => {
  assert.deepEqual(decide(silence({ nowMs: 4999 })), { kind: "wait", untilMs: 5000 });
  assert.deepEqual(decide(silence({ nowMs: 5000 })), { kind: "wait", untilMs: 20_000 });
  assert.deepEqual(decide(silence({ nowMs: 20_000 })), RESUBSCRIBE);
});

Deno.test("decide() asks where somebody can be asked, and follows the answer", () => {
  assert.deepEqual(decide(silence({ nowMs: 5000, canProbe: true })), { kind: "probe" });
  assert.deepEqual(decide(silence({ nowMs: 5001, verdict: "behind" })), RESUBSCRIBE);
  assert.deepEqual(decide(silence({ nowMs: 90_000, verdict: "quiet" })), { kind: "wait", untilMs: Infinity });
});

Deno.test("decide() leaves a socket that is silent altogether to its own deadlines", () => {
  assert.deepEqual(decide(silence({ nowMs: 20_000, heardMs: 9000 })), { kind: "wait", untilMs: 30_000 });
  assert.deepEqual(decide(silence({ nowMs: 20_000, heardMs: 10_000 })), RESUBSCRIBE);
});

Deno.test("decide() goes from the stream to the socket to the next address, once, and then asks for the stream alone", () => {
  const taken: string[] = [];
  let stall: Stall | null = null;
  let nowMs = 20_000;
  while (taken.length < 6) {
    const next: SilenceDecision = decide(silence({ nowMs, stall }));
    if (next.kind === "wait") {
      assert.ok(next.untilMs > nowMs);
      nowMs = next.untilMs;
      continue;
    }
    assert.equal(next.kind, "step");
    const { step, round, patienceMs } = next;
    taken.push(`${step} ${round} at ${nowMs / 1000} s`);
    stall = { step, round, patienceMs, takenMs: nowMs };
  }
  assert.deepEqual(taken, [
    "resubscribe 1 at 20 s",
    "reconnect 1 at 30 s",
    "next_address 1 at 40 s",
    "resubscribe 2 at 640 s",
    "resubscribe 3 at 1840 s",
    "resubscribe 4 at 4240 s",
  ]);
});

Deno.test("isCured() tells data that a step brought from data that came by itself", () => {
  const stall: Stall = { step: "resubscribe", round: 1, takenMs: 1000, patienceMs: 10_000 };
  assert.equal(isCured(stall, 11_000), true);
  assert.equal(isCured(stall, 11_001), false);
});
