import assert from "node:assert/strict";
import { BOOK_RESYNC_RETRY_MS } from "../../src/model/mod.ts";
import type { BookResync } from "../../src/derive/mod.ts";
import { BookResyncer } from "../../src/runtime/mod.ts";
import { bookRule } from "../support/book_rule.ts";
import { ManualClock } from "../support/manual_clock.ts";

const BUDGET = { count: 2, perMs: 60_000 };

function resync(native: string, session = 1): BookResync {
  const rule = bookRule({ budget: BUDGET });
  return { session, symbol: native, native, rule, action: "resubscribe", cause: "sequence" };
}

/** A resyncer, what it did and when, and the books that are whole. */
function rig() {
  const clock = new ManualClock(0);
  const done: string[] = [];
  const whole = new Set<string>();
  const resyncer = new BookResyncer({
    clock,
    isValid: ({ native }) => whole.has(native),
    execute: ({ native, session }) => done.push(`${clock.nowMs()} ${session} ${native}`),
  });
  return { clock, done, whole, resyncer };
}

Deno.test("BookResyncer does what a book asks for at once while its budget lasts", () => {
  const { resyncer, done } = rig();
  resyncer.request(resync("A"), "main");
  resyncer.request(resync("A"), "main");
  resyncer.request(resync("B"), "main");
  assert.deepEqual(done, ["0 1 A", "0 1 A", "0 1 B"]);
});

Deno.test("BookResyncer lets a resync wait for its turn where the budget is spent", () => {
  const { resyncer, done, clock } = rig();
  for (let i = 0; i < 3; i++) resyncer.request(resync("A"), "main");
  assert.equal(done.length, 2);
  assert.equal(resyncer.waiting, 1);
  clock.advance(60_000);
  assert.equal(done.length, 2);
  clock.advance(1);
  assert.deepEqual(done.slice(2), ["60001 1 A"]);
});

Deno.test("BookResyncer does it again where no whole book came, and forgets a book that is whole", () => {
  const { resyncer, done, clock, whole } = rig();
  resyncer.request(resync("A"), "main");
  clock.advance(BOOK_RESYNC_RETRY_MS);
  assert.deepEqual(done, ["0 1 A", `${BOOK_RESYNC_RETRY_MS} 1 A`]);
  whole.add("A");
  clock.advance(10 * BOOK_RESYNC_RETRY_MS);
  assert.equal(done.length, 2);
  assert.equal(resyncer.waiting, 0);
  assert.equal(clock.timers, 0);
});

Deno.test("BookResyncer gives a waiting resync up with its session, and keeps the budget over sessions", () => {
  const { resyncer, done, clock } = rig();
  for (let i = 0; i < 3; i++) resyncer.request(resync("A"), "main");
  resyncer.sessionClosed(1);
  assert.equal(clock.timers, 0);
  resyncer.request(resync("A", 2), "main");
  assert.equal(done.length, 2);
  clock.advance(60_001);
  assert.deepEqual(done.slice(2), ["60001 2 A"]);
  resyncer.stop();
  assert.equal(clock.timers, 0);
});

Deno.test("BookResyncer reconnects a session whose counter jumped, once for all its books", () => {
  const { resyncer, done } = rig();
  resyncer.request({ ...resync(""), rule: null, action: "reconnect" }, "main");
  assert.deepEqual(done, ["0 1 "]);
});

Deno.test("BookResyncer forgets the budgets of books that have asked for nothing in a whole window", () => {
  const { resyncer, whole, clock } = rig();
  for (const native of ["A", "B", "C"]) {
    whole.add(native);
    resyncer.request(resync(native), "main");
  }
  assert.equal(resyncer.budgets, 3);
  clock.advance(BUDGET.perMs);
  resyncer.request(resync("A"), "main");
  assert.equal(resyncer.budgets, 3);
  clock.advance(1);
  resyncer.request(resync("D"), "main");
  assert.equal(resyncer.budgets, 2);
});
