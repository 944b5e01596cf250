import assert from "node:assert/strict";
import { REJECTED_TRIES_MAX } from "../../src/model/mod.ts";
import { connectionPlan, echoOf, item, request, SessionHarness } from "../support/session_harness.ts";

const HOUR_MS = 3_600_000;

/** Times of the requests of a symbol, in ms. */
function asked(socket: { readonly sent: readonly { readonly text: string; readonly atMs: number }[] }, symbol: string) {
  return socket.sent.filter(({ text }) => text.endsWith(` ${symbol}`)).map(({ atMs }) => atMs);
}

Deno.test("Session asks a rejected stream again, ever more slowly, and takes an acknowledgement then", async () => {
  const harness = new SessionHarness(connectionPlan());
  harness.host.random.value = 0.999999;
  const socket = await harness.open();
  harness.signal("reject", { correlation: "1", reason: "too many requests" });
  const { rejected } = harness.session.status;
  assert.deepEqual(rejected.map(({ reason }) => reason), ["too many requests"]);
  assert.equal(rejected[0].nextTryTs, harness.host.clock.nowMicros() + 10_000_000);
  await harness.host.clock.advance(10_000);
  assert.deepEqual(asked(socket, "A"), [0, 10_000]);
  assert.equal(harness.session.status.rejected[0].nextTryTs, null, "it is being asked for");
  assert.equal(harness.session.status.streams.rejected, 1, "still shown as rejected");
  harness.signal("reject", { correlation: "2", reason: "too many requests" });
  await harness.host.clock.advance(20_000);
  assert.deepEqual(asked(socket, "A"), [0, 10_000, 30_000]);
  harness.signal("ack", { correlation: "3" });
  assert.equal(harness.session.status.streams.acked, 1);
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades A"]]);
  assert.equal(harness.of("rejected").length, 1, "told once");
  await harness.host.clock.advance(HOUR_MS);
  assert.equal(asked(socket, "A").length, 3);
});

Deno.test("Session gives a stream up that stays rejected, and tries it again on the next socket", async () => {
  const harness = new SessionHarness(connectionPlan());
  const socket = await harness.open();
  let answered = 0;
  for (let step = 0; step < 1000; step++) {
    while (answered < asked(socket, "A").length) {
      harness.signal("reject", { correlation: String(++answered), reason: "invalid symbol" });
    }
    await harness.host.clock.advance(4000);
  }
  assert.equal(asked(socket, "A").length, REJECTED_TRIES_MAX);
  assert.deepEqual(harness.session.status.rejected.map(({ nextTryTs }) => nextTryTs), [null]);
  assert.equal(harness.of("rejected").length, 1);
  socket.end(1001, "");
  const second = await harness.reopen();
  assert.equal(asked(second, "A").length, 1);
  assert.equal(harness.session.status.streams.pending, 1);
});

Deno.test("Session asks no more for what a rule calls rejected for good", async () => {
  const plan = connectionPlan({ requests: [request([item("A"), item("B")], { mode: "item" })] });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.signal("reject", { echoes: [echoOf("trades", "A")], reason: "no such symbol", final: true });
  harness.signal("reject", { echoes: [echoOf("trades", "B")], reason: "busy" });
  assert.deepEqual(harness.session.status.rejected.map(({ nextTryTs }) => nextTryTs === null), [true, false]);
  await harness.host.clock.advance(10_000);
  assert.deepEqual(socket.texts.slice(1), ["sub 2 trades B"]);
});

Deno.test("Session does not ask again for a rejected stream whose data has come meanwhile", async () => {
  const harness = new SessionHarness(connectionPlan());
  const socket = await harness.open();
  harness.signal("reject", { correlation: "1", reason: "already subscribed" });
  harness.data("A");
  assert.equal(harness.session.status.streams.live, 1);
  await harness.host.clock.advance(HOUR_MS);
  assert.equal(socket.sent.length, 1);
});

Deno.test("Session keeps to its send limit with what it asks for again", async () => {
  const items = Array.from({ length: 50 }, (_, i) => item(`S${i}`));
  const plan = connectionPlan({ requests: [request(items)], sendLimit: { count: 5, perMs: 1000 } });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.signal("reject", { correlation: "1", reason: "too many requests" });
  let answered = 1;
  for (let second = 0; second < 600; second++) {
    await harness.host.clock.advance(1000);
    while (answered < socket.sent.length) harness.signal("reject", { correlation: String(++answered) });
  }
  for (const { atMs } of socket.sent) {
    const within = socket.sent.filter((other) => other.atMs >= atMs && other.atMs <= atMs + 1000);
    assert.ok(within.length <= 5);
  }
  assert.ok(socket.sent.length > 100);
});

Deno.test("Session waits anew for the first data of a stream that was accepted after a rejection", async () => {
  const plan = connectionPlan({
    requests: [request([item("A"), item("B")], { mode: "item" })],
    firstDataTimeoutMs: 30_000,
  });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.data("B");
  harness.signal("reject", { echoes: [echoOf("trades", "A")], reason: "busy" });
  await harness.host.clock.advance(40_000);
  harness.signal("ack", { echoes: [echoOf("trades", "A")] });
  const { streams } = harness.session.status;
  assert.deepEqual([streams.stale, streams.acked], [0, 1]);
  await harness.host.clock.advance(40_000);
  assert.equal(harness.session.status.streams.stale, 1);
});
