import assert from "node:assert/strict";
import type { ControlRule, KeepalivePlan } from "../../src/model/mod.ts";
import { connectionPlan, item, request, SessionHarness, template } from "../support/session_harness.ts";

const NOTHING = { pending: 0, acked: 0, live: 0, stale: 0, rejected: 0 };

function keepalive(changes: Partial<KeepalivePlan>): KeepalivePlan {
  return {
    mode: "ping_frame",
    intervalMs: 20_000,
    intervalFrom: null,
    when: "always",
    template: null,
    pongTimeoutMs: 5000,
    expectsPong: true,
    ...changes,
  };
}

const causes = (harness: SessionHarness) => harness.of("closed").map(({ cause }) => cause);

Deno.test("Session connects again when a subscription shows no data, counted from when it was asked for", async () => {
  const harness = new SessionHarness(connectionPlan({ firstDataTimeoutMs: 30_000 }));
  await harness.open();
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(29_999);
  assert.deepEqual(causes(harness), []);
  await harness.host.clock.advance(2);
  assert.deepEqual(causes(harness), ["stale"]);
  const stale = harness.observed("stream_state").at(-1);
  assert.deepEqual([stale?.state, stale?.stream.symbol], ["stale", "A"]);
  await harness.reopen();
});

Deno.test("Session marks one silent stream as stale and keeps the socket for the others", async () => {
  const plan = connectionPlan({ firstDataTimeoutMs: 30_000, requests: [request([item("A"), item("B")])] });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(10_000);
  harness.data("A");
  await harness.host.clock.advance(1e6);
  assert.deepEqual(causes(harness), []);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, live: 1, stale: 1 });
  harness.data("B");
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, live: 2 });
});

Deno.test("Session lets quiet channels and rejected streams be silent for ever", async () => {
  const plan = connectionPlan({
    firstDataTimeoutMs: 30_000,
    quietChannels: ["liquidations"],
    requests: [request([item("A", { channel: "liquidations" })]), request([item("B")])],
  });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.signal("reject", { correlation: "2", reason: "no" });
  await harness.host.clock.advance(1e6);
  assert.deepEqual(causes(harness), []);
  assert.deepEqual(harness.session.status.streams, { ...NOTHING, acked: 1, rejected: 1 });
});

Deno.test("Session gives streams that wait for the send limit their full time", async () => {
  const requests = ["A", "B", "C"].map((symbol) => request([item(symbol)], { mode: "none" }));
  const plan = connectionPlan({ firstDataTimeoutMs: 3000, sendLimit: { count: 1, perMs: 2000 }, requests });
  const harness = new SessionHarness(plan);
  await harness.open();
  await harness.host.clock.advance(4002 + 2999);
  assert.deepEqual(causes(harness), []);
  await harness.host.clock.advance(2);
  assert.deepEqual(causes(harness), ["stale"]);
});

Deno.test("Session pings by frames and lives as long as they are answered", async () => {
  const harness = new SessionHarness(connectionPlan({ keepalive: keepalive({}), readTimeoutMs: 25_000 }));
  const socket = await harness.open();
  for (let i = 1; i <= 50; i++) {
    await harness.host.clock.advance(20_000);
    assert.equal(socket.pings.length, i);
    socket.pong();
  }
  assert.deepEqual(causes(harness), []);
});

Deno.test("Session ends a socket whose pings nobody answers, although data flows", async () => {
  const harness = new SessionHarness(connectionPlan({ keepalive: keepalive({}) }));
  const socket = await harness.open();
  for (let ms = 0; ms < 26_000 && causes(harness).length === 0; ms += 1000) {
    await harness.host.clock.advance(1000);
    socket.frame("data");
    socket.serverPing();
  }
  assert.deepEqual(causes(harness), ["pong_timeout"]);
  assert.deepEqual(socket.pings, [20_000]);
  assert.equal(harness.host.clock.monotonicMs(), 25_000);
});

Deno.test("Session in application mode takes the named pong as answer, or any frame where none is named", async () => {
  const template_ = template("ping {id}");
  const mode = "application" as const;
  const named = new SessionHarness(connectionPlan({ keepalive: keepalive({ mode, template: template_ }) }));
  const socket = await named.open();
  named.signal("ack", { correlation: "1" });
  await named.host.clock.advance(20_000);
  assert.equal(socket.texts.at(-1), "ping 2");
  socket.frame("data");
  named.signal("pong");
  await named.host.clock.advance(20_000);
  socket.frame("data");
  socket.pong();
  await named.host.clock.advance(5001);
  assert.deepEqual(causes(named), ["pong_timeout"]);

  const any = new SessionHarness(
    connectionPlan({ keepalive: keepalive({ mode, template: template_, expectsPong: false }) }),
  );
  const other = await any.open();
  any.signal("ack", { correlation: "1" });
  await any.host.clock.advance(20_000);
  other.frame("data");
  await any.host.clock.advance(24_999);
  assert.deepEqual(causes(any), []);
  await any.host.clock.advance(2);
  assert.deepEqual(causes(any), ["pong_timeout"]);
});

Deno.test("Session in idle mode pings only after silence, and in mode none never", async () => {
  const idle = new SessionHarness(connectionPlan({
    keepalive: keepalive({ mode: "application", when: "idle", template: template("ping"), intervalMs: 5000 }),
  }));
  const socket = await idle.open();
  idle.signal("ack", { correlation: "1" });
  for (let i = 0; i < 20; i++) {
    await idle.host.clock.advance(4000);
    socket.frame("data");
  }
  await idle.host.clock.advance(4999);
  assert.equal(socket.sent.length, 1);
  await idle.host.clock.advance(1);
  assert.deepEqual(socket.texts.slice(1), ["ping"]);

  const none = new SessionHarness(connectionPlan({ keepalive: keepalive({ mode: "none" }) }));
  const quiet = await none.open();
  none.signal("ack", { correlation: "1" });
  await none.host.clock.advance(1e7);
  assert.deepEqual([quiet.sent.length, quiet.pings.length, causes(none)], [1, 0, []]);
});

Deno.test("Session counts frames, pings and pongs as life of the connection, silence as its end", async () => {
  const signs = ["frame", "serverPing", "pong"] as const;
  for (const sign of signs) {
    const harness = new SessionHarness(connectionPlan({ readTimeoutMs: 10_000 }));
    const socket = await harness.open();
    for (let i = 0; i < 30; i++) {
      await harness.host.clock.advance(9999);
      if (sign === "frame") socket.frame("x");
      else socket[sign]();
    }
    assert.deepEqual(causes(harness), []);
    await harness.host.clock.advance(10_001);
    assert.deepEqual(causes(harness), ["read_timeout"]);
    await harness.reopen();
  }
});

Deno.test("Session answers a server's ping by the rule's template", async () => {
  const rule = (reply: string | null): ControlRule => ({
    name: "server_ping",
    action: "reply",
    connections: null,
    text: null,
    when: null,
    correlation: null,
    rows: null,
    echo: [],
    accepted: null,
    rejected: null,
    reason: null,
    final: null,
    capture: null,
    alias: null,
    reply: reply === null ? null : template(reply),
  });
  const harness = new SessionHarness(connectionPlan(), { controls: [rule(null), rule('{"pong":{capture}}')] });
  const socket = await harness.open();
  harness.signal("reply", { ruleIndex: 1, capture: "1492420473027" });
  assert.equal(socket.texts.at(-1), '{"pong":1492420473027}');
});

Deno.test("Session moves to a new socket on a notice, on request and at its greatest age", async () => {
  const harness = new SessionHarness(connectionPlan({ maxAgeMs: 1e6 }));
  await harness.open();
  harness.signal("reconnect", { reason: "maintenance in 5 minutes" });
  await harness.host.clock.advance(1);
  await harness.reopen();
  harness.session.reconnect("descriptor changed");
  await harness.host.clock.advance(1);
  await harness.reopen();
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(1e6 + 1);
  assert.deepEqual(
    harness.of("closed").map(({ cause, reason }) => [cause, reason]),
    [["notice", "maintenance in 5 minutes"], ["notice", "descriptor changed"], ["max_age", "open for 1000000 ms"]],
  );
  await harness.reopen();
  assert.equal(harness.session.status.reconnects, 3);
});

Deno.test("Session does nothing on signals that only name a frame", async () => {
  const harness = new SessionHarness(connectionPlan());
  const socket = await harness.open();
  const before = JSON.stringify(harness.session.status);
  for (const action of ["ignore", "history", "pong", "welcome"] as const) harness.signal(action);
  assert.equal(JSON.stringify(harness.session.status), before);
  assert.equal(socket.sent.length, 1);
});

Deno.test("Session.pause() stops reading, and the time until resume() is no silence", async () => {
  const plan = connectionPlan({
    readTimeoutMs: 10_000,
    firstDataTimeoutMs: 20_000,
    keepalive: keepalive({ intervalMs: 8000 }),
  });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  await harness.host.clock.advance(8000);
  harness.session.pause();
  assert.equal(socket.paused, true);
  await harness.host.clock.advance(300_000);
  assert.deepEqual(causes(harness), []);
  assert.equal(harness.observed("request_failed").length, 1, "the ack was due before the pause");
  harness.session.resume();
  assert.equal(socket.paused, false);
  socket.pong();
  harness.data("A");
  await harness.host.clock.advance(7999);
  socket.pong();
  await harness.host.clock.advance(20_001);
  assert.deepEqual(causes(harness), ["pong_timeout"]);
});

Deno.test("Session opens a socket paused where reading was paused before", async () => {
  const harness = new SessionHarness(connectionPlan({ readTimeoutMs: 1000 }));
  harness.session.pause();
  const socket = await harness.open();
  assert.equal(socket.paused, true);
  await harness.host.clock.advance(60_000);
  harness.session.resume();
  assert.equal(socket.paused, false);
  assert.deepEqual(causes(harness), []);
});

Deno.test("Session records what still comes while it closes", async () => {
  const harness = new SessionHarness(connectionPlan());
  const socket = await harness.open({ answersClose: false });
  const stopping = harness.session.stop();
  socket.frame("last words");
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(1000);
  await stopping;
  assert.deepEqual(harness.records.map(({ kind }) => kind), ["opened", "frame", "closed"]);
  assert.equal(harness.of("closed")[0].code, null);
  assert.ok(harness.session.status.lastMessageTs !== null);
});
