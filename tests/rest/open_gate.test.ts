import assert from "node:assert/strict";
import { HostLimits } from "../../src/rest/mod.ts";
import { SimulatedClock } from "../support/simulated_host.ts";

const signal = new AbortController().signal;

Deno.test("OpenGate.enter() shares a host's budget among all that ask, in order", async () => {
  const clock = new SimulatedClock();
  const gate = new HostLimits(clock).of("example");
  const entered: string[] = [];
  const enter = (name: string, host: string) =>
    gate.enter(host, { count: 2, perMs: 1000 }, signal).then(() => entered.push(`${name} ${clock.monotonicMs()}`));
  for (const name of ["a", "b", "c", "d", "e"]) enter(name, "one");
  enter("other", "two");
  await clock.advance(0);
  assert.deepEqual(entered.toSorted(), ["a 0", "b 0", "other 0"]);
  await clock.advance(5000);
  assert.deepEqual(entered.slice(3), ["c 1001", "d 1001", "e 2002"]);
});

Deno.test("OpenGate.enter() lets an aborted attempt go without spending the budget", async () => {
  const clock = new SimulatedClock();
  const gate = new HostLimits(clock).of("example");
  const abort = new AbortController();
  const limit = { count: 1, perMs: 1000 };
  await gate.enter("one", limit, signal);
  const cancelled = gate.enter("one", limit, abort.signal);
  let entered = -1;
  gate.enter("one", limit, signal).then(() => entered = clock.monotonicMs());
  abort.abort();
  await cancelled;
  await clock.advance(2000);
  assert.equal(entered, 1001);
});

Deno.test("OpenGate.enter() does not hold back where there is no limit", async () => {
  const gate = new HostLimits(new SimulatedClock()).of("example");
  for (let i = 0; i < 100; i++) await gate.enter("one", null, signal);
});
