import assert from "node:assert/strict";
import fc from "fast-check";
import { connectionPlan, echoOf, item, request, SessionHarness, template } from "../support/session_harness.ts";

const NOTHING = { pending: 0, acked: 0, live: 0, stale: 0, rejected: 0 };

Deno.test("Session sends its requests in order and a stream is live when acknowledged and its data came", async () => {
  const plan = connectionPlan({ requests: [request([item("A"), item("B")]), request([item("C")])] });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  assert.deepEqual(socket.texts, ["sub 1 trades A,trades B", "sub 2 trades C"]);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 3 });
  harness.signal("ack", { correlation: "1" });
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 1, acked: 2 });
  harness.data("A");
  harness.data("A");
  harness.data("C");
  harness.data("unknown");
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 1, acked: 1, live: 1 });
  assert.equal(harness.state, "subscribing");
  harness.signal("ack", { correlation: "2" });
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, acked: 1, live: 2 });
  assert.equal(harness.state, "live");
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades A", "trades B"], ["trades C"]]);
});

Deno.test("Session confirms by the first data where nothing else does", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A"), item("B")], { mode: "none" })] }));
  await harness.open();
  assert.equal(harness.state, "live");
  await harness.host.clock.advance(60_000);
  assert.equal(harness.observed("request_failed").length, 0);
  harness.data("B");
  harness.data("B");
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades B"]]);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 1, live: 1 });
});

Deno.test("Session lets one item feed several streams and several items feed one", async () => {
  const ticker = {
    streams: [{ channel: "ticker", symbol: "A" }, { channel: "derivative", symbol: "A" }] as const,
    echo: null,
    spelling: null,
    message: template("tickers"),
    unsubscribe: null,
  };
  const board = (name: string) => ({
    streams: [{ channel: "book", symbol: "A" }] as const,
    echo: name,
    spelling: null,
    message: template(name),
    unsubscribe: null,
  });
  const plan = connectionPlan({
    requests: [request([ticker]), request([board("full"), board("delta")], { mode: "item" })],
  });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.signal("reject", { echoes: ["delta"], reason: "no" });
  assert.equal(harness.of("rejected").length, 0);
  harness.signal("reject", { echoes: ["full"], reason: "no" });
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["ticker A", "derivative A"]]);
  assert.deepEqual(harness.of("rejected").map(({ streams }) => streams), [["book A"]]);
});

Deno.test("Session splits a request that is refused as a whole, so that a bad symbol rejects itself alone", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A"), item("BAD"), item("C")])] }));
  const socket = await harness.open();
  harness.signal("reject", { correlation: "1", reason: "invalid symbol" });
  assert.deepEqual(socket.texts.slice(1), ["sub 2 trades A", "sub 3 trades BAD", "sub 4 trades C"]);
  assert.equal(harness.of("rejected").length, 0);
  harness.signal("ack", { correlation: "2" });
  harness.signal("reject", { correlation: "3", reason: "invalid symbol" });
  harness.signal("ack", { correlation: "4" });
  assert.deepEqual(harness.of("rejected"), [{ kind: "rejected", streams: ["trades BAD"], reason: "invalid symbol" }]);
  assert.deepEqual(harness.session.status.rejected, [
    {
      stream: { channel: "trades", symbol: "BAD" },
      reason: "invalid symbol",
      nextTryTs: harness.host.clock.nowMicros() + 7_500_000,
    },
  ]);
  assert.equal(harness.state, "live");
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, acked: 2, rejected: 1 });
  assert.equal(socket.sent.length, 4);
});

Deno.test("Session counts a rejection that it cannot attribute and rejects nothing", async () => {
  const requests = [request([item("A")], { correlated: false }), request([item("B")], { correlated: false })];
  const harness = new SessionHarness(connectionPlan({ requests }));
  await harness.open();
  harness.signal("reject", { reason: "slow down" });
  const failed = harness.observed("request_failed");
  assert.deepEqual(failed.map(({ outcome, reason }) => [outcome, reason]), [["unattributed_rejection", "slow down"]]);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 2 });
  harness.signal("reject", { reason: "no trades B here" });
  assert.deepEqual(harness.of("rejected").map(({ streams }) => streams), [["trades B"]]);
});

Deno.test("Session takes data of a rejected stream as proof against the rejection", async () => {
  const harness = new SessionHarness(connectionPlan());
  await harness.open();
  harness.data("A");
  harness.signal("reject", { correlation: "1", reason: "already subscribed" });
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, rejected: 1 });
  harness.data("A");
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, live: 1 });
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades A"]]);
});

Deno.test("Session asks again, ever more slowly, where no answer comes, and leaves other streams alone", async () => {
  const plan = connectionPlan({ requests: [request([item("A")]), request([item("B")])] });
  const harness = new SessionHarness(plan);
  harness.host.random.value = 0.999999;
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.data("A");
  await harness.host.clock.advance(400_000);
  const asked = socket.sent.filter(({ text }) => text.endsWith("B")).map(({ atMs }) => atMs);
  const pauses = asked.slice(1).map((atMs, i) => atMs - asked[i] - 5000);
  assert.deepEqual(pauses.slice(0, 9), [249, 499, 999, 1999, 3999, 7999, 15999, 31999, 59999]);
  assert.ok(pauses.every((pause) => pause <= 60_000));
  assert.equal(socket.sent.length, asked.length + 1);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 1, live: 1 });
  assert.ok(harness.observed("request_failed").every(({ outcome }) => outcome === "ack_timeout"));
  assert.equal(harness.of("closed").length, 0);
  harness.signal("ack", { correlation: "2" });
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, acked: 1, live: 1 });
  const sent = socket.sent.length;
  await harness.host.clock.advance(400_000);
  assert.equal(socket.sent.length, sent);
});

Deno.test("Session asks again only for what shows no data when an answer is overdue", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A"), item("B"), item("C")])] }));
  const socket = await harness.open();
  harness.data("B");
  await harness.host.clock.advance(8000);
  assert.deepEqual(socket.texts.slice(1), ["sub 2 trades A", "sub 3 trades C"]);
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades B"]]);
  assert.equal(harness.observed("request_failed")[0].outcome, "ack_timeout");
});

Deno.test("Session takes data for the answer of a request and raises no alarm about it", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A"), item("B")])] }));
  await harness.open();
  harness.data("A");
  harness.data("B");
  await harness.host.clock.advance(8000);
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades A"], ["trades B"]]);
  assert.deepEqual(harness.observed("request_failed"), []);
});

Deno.test("Session keeps every window of the send limit, pongs counted, across reconnects", async () => {
  const step = fc.record({ pause: fc.nat(700), what: fc.constantFrom("ping", "reconnect", "wait") });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.array(step, { maxLength: 15 }), async (count, steps) => {
      const requests = Array.from({ length: 12 }, (_, i) => request([item(`S${i}`)], { mode: "none" }));
      const harness = new SessionHarness(connectionPlan({ sendLimit: { count, perMs: 1000 }, requests }));
      harness.host.random.value = 0;
      let socket = await harness.open();
      const moments: number[] = [];
      let lastPing = -Infinity;
      for (const { pause, what } of steps) {
        await harness.host.clock.advance(pause);
        const now = harness.host.clock.monotonicMs();
        // A server pings seldom: the one slot that is kept free is enough.
        if (what === "ping" && now - lastPing > 1000) {
          socket.serverPing();
          moments.push(lastPing = now);
        } else if (what === "reconnect") {
          moments.push(...socket.sent.map(({ atMs }) => atMs));
          socket.end(1006, "");
          await harness.host.clock.advance(0);
          socket = await harness.host.dialer.last.open();
        }
      }
      moments.push(...socket.sent.map(({ atMs }) => atMs));
      for (const start of moments) {
        assert.ok(moments.filter((at) => at >= start && at <= start + 1000).length <= count);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("Session asks for its streams anew on every socket", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A")]), request([item("BAD")])] }));
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.signal("reject", { correlation: "2", reason: "no" });
  socket.end(1001, "");
  await harness.host.clock.advance(0);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, pending: 2 });
  const again = await harness.reopen();
  assert.deepEqual(again.texts, ["sub 1 trades A", "sub 2 trades BAD"]);
});

Deno.test("Session settles every stream by what the exchange says in whatever order", async () => {
  const letters = ["A", "B", "C", "D"] as const;
  const answer = fc.record({ symbol: fc.constantFrom(...letters), what: fc.constantFrom("ack", "reject", "data") });
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { maxLength: 20 }), async (answers) => {
      const requests = [request(letters.map((symbol) => item(symbol)), { mode: "item", timeoutMs: 1e9 })];
      const harness = new SessionHarness(connectionPlan({ requests }));
      await harness.open();
      for (const { symbol, what } of answers) {
        const echoes = [echoOf("trades", symbol)];
        if (what === "data") harness.data(symbol);
        else harness.signal(what === "ack" ? "ack" : "reject", { echoes, reason: "no" });
      }
      const { streams, rejected } = harness.session.status;
      assert.equal(Object.values(streams).reduce((sum, count) => sum + count, 0), letters.length);
      assert.equal(rejected.length, streams.rejected);
      for (const symbol of letters) {
        const said = answers.filter((each) => each.symbol === symbol).map(({ what }) => what);
        const isRejected = rejected.some(({ stream }) => stream.symbol === symbol);
        if (!said.includes("reject")) assert.ok(!isRejected);
        if (said.at(-1) === "reject") assert.ok(isRejected);
      }
      const untouched = letters.filter((symbol) => answers.every((each) => each.symbol !== symbol)).length;
      assert.ok(streams.pending >= untouched);
    }),
    { numRuns: 80 },
  );
});
