import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure, type FailureCode } from "../../src/model/mod.ts";
import { HostLimits } from "../../src/rest/mod.ts";
import { connectionPlan, item, request, SessionHarness, template } from "../support/session_harness.ts";
import { source } from "../support/frame_plan.ts";
import { SimulatedHost } from "../support/simulated_host.ts";

const REPLY = JSON.stringify({ data: { token: "t0ken", servers: [{ endpoint: "ws://boot.test", ping: 18000 }] } });

function bootPlan() {
  return connectionPlan({
    urls: [template("{boot:endpoint}/ws?token={boot:token}&id={uuid}")],
    bootstrap: {
      method: "POST",
      url: template("http://boot.test/token"),
      body: null,
      headers: {},
      values: [
        { name: "token", expression: source("/data/token") },
        { name: "endpoint", expression: source("/data/servers/0/endpoint") },
        { name: "ping_ms", expression: source("/data/servers/0/ping") },
      ],
    },
    keepalive: {
      mode: "application",
      intervalMs: 1000,
      intervalFrom: "ping_ms",
      when: "always",
      template: template("ping {id}"),
      pongTimeoutMs: 10_000,
      expectsPong: true,
    },
  });
}

Deno.test("Session goes through connecting, subscribing and live to closed", async () => {
  const harness = new SessionHarness(connectionPlan());
  assert.equal(harness.state, "closed");
  harness.session.start();
  assert.equal(harness.state, "connecting");
  const socket = await harness.open();
  assert.equal(harness.state, "subscribing");
  assert.deepEqual(socket.texts, ["sub 1 trades A"]);
  harness.signal("ack", { correlation: "1" });
  assert.equal(harness.state, "live");
  assert.equal(harness.session.status.sessionId, 1);
  const stopping = harness.session.stop();
  assert.equal(harness.state, "closing");
  await harness.host.clock.advance(1);
  await stopping;
  assert.equal(harness.state, "closed");
  assert.deepEqual(socket.closing, { code: 1000, reason: "" });
  assert.deepEqual(harness.records.map(({ kind }) => kind), ["opened", "acked", "closed"]);
  assert.deepEqual(harness.of("closed"), [{ kind: "closed", cause: "shutdown", code: 1000, reason: "shutdown" }]);
  assert.equal(harness.host.clock.pending, 0);
});

Deno.test("Session never gives up connecting and its delay is capped", async () => {
  const harness = new SessionHarness(connectionPlan());
  harness.host.random.value = 0.999999;
  harness.session.start();
  await harness.host.clock.advance(0);
  const codes: readonly FailureCode[] = ["connect", "tls", "timeout", "http_status", "closed"];
  for (let attempt = 1; attempt <= 60; attempt++) {
    assert.equal(harness.host.dialer.dials.length, attempt);
    await harness.host.dialer.last.fail(new Failure(codes[attempt % codes.length], "no", { status: 500 }));
    const { state } = harness.session.status;
    assert.ok(state.kind === "waiting" && state.attempt === attempt);
    await harness.host.clock.advance(60_000);
  }
  const delays = harness.observed("session_state").flatMap(({ state }) =>
    state.kind === "waiting" ? [state.delayMs] : []
  );
  assert.deepEqual(delays.slice(0, 9), [249, 499, 999, 1999, 3999, 7999, 15999, 31999, 59999]);
  assert.ok(delays.every((delayMs) => delayMs <= 60_000));
  assert.equal(harness.observed("connect_failed").length, 60);
});

Deno.test("Session waits as long as Retry-After asks", async () => {
  for (const status of [429, 503]) {
    const harness = new SessionHarness(connectionPlan());
    harness.session.start();
    await harness.host.clock.advance(0);
    await harness.host.dialer.last.fail(new Failure("http_status", "no", { status, retryAfterMs: 90_000 }));
    assert.deepEqual(harness.observed("connect_failed")[0].status, status);
    await harness.host.clock.advance(89_999);
    assert.equal(harness.host.dialer.dials.length, 1);
    await harness.host.clock.advance(1);
    assert.equal(harness.host.dialer.dials.length, 2);
  }
});

Deno.test("Session keeps away from the host that asked for it, and takes the next URL without waiting", async () => {
  const urls = ["ws://one.test/", "ws://two.test/"].map(template);
  const harness = new SessionHarness(connectionPlan({ urls }));
  const dialled = () => harness.host.dialer.dials.map(({ options }) => options.url);
  harness.session.start();
  await harness.host.clock.advance(0);
  await harness.host.dialer.last.fail(new Failure("http_status", "no", { status: 429, retryAfterMs: 90_000 }));
  await harness.host.clock.advance(1_000);
  assert.deepEqual(dialled(), ["ws://one.test/", "ws://two.test/"]);
  await harness.host.dialer.last.fail(new Failure("connect", "no"));
  await harness.host.clock.advance(1_000);
  assert.deepEqual(dialled().slice(2), ["ws://two.test/"], "not the one that is still blocked");
  await harness.host.dialer.last.fail(new Failure("http_status", "no", { status: 503, retryAfterMs: 120_000 }));
  await harness.host.clock.advance(80_000);
  assert.equal(dialled().length, 3);
  await harness.host.clock.advance(10_000);
  assert.deepEqual(dialled().slice(3), ["ws://one.test/"], "the one that is free first");
});

Deno.test("Session takes the next URL after each failed attempt and keeps one that worked", async () => {
  const urls = ["ws://one.test/", "ws://two.test/", "ws://three.test/"].map(template);
  const harness = new SessionHarness(connectionPlan({ urls }));
  harness.session.start();
  await harness.host.clock.advance(0);
  for (let i = 0; i < 4; i++) {
    await harness.host.dialer.last.fail(new Failure("connect", "no"));
    await harness.host.clock.advance(60_000);
  }
  assert.deepEqual(
    harness.host.dialer.dials.map(({ options }) => options.url),
    ["ws://one.test/", "ws://two.test/", "ws://three.test/", "ws://one.test/", "ws://two.test/"],
  );
  const socket = await harness.host.dialer.last.open();
  harness.signal("ack", { correlation: "1" });
  socket.end(1001, "maintenance");
  const again = await harness.reopen();
  assert.equal(harness.host.dialer.last.options.url, "ws://two.test/");
  again.end(4000, "before any ack");
  await harness.reopen();
  assert.equal(harness.host.dialer.last.options.url, "ws://three.test/");
});

Deno.test("Session begins with the first delay again after a long life, and not after a short one", async () => {
  const harness = new SessionHarness(connectionPlan());
  harness.host.random.value = 0.999999;
  const delays: number[] = [];
  for (const livedMs of [10, 10, 10, 60_000, 10]) {
    const socket = delays.length === 0 ? await harness.open() : await harness.reopen();
    await harness.host.clock.advance(livedMs);
    socket.end(1006, "");
    await harness.host.clock.advance(0);
    const { state } = harness.session.status;
    assert.ok(state.kind === "waiting");
    delays.push(state.delayMs);
  }
  assert.deepEqual(delays, [249, 499, 999, 249, 499]);
});

Deno.test("Session connects again after any close code and any words", async () => {
  const code = fc.option(fc.oneof(fc.integer({ min: 1000, max: 1015 }), fc.integer({ min: 3000, max: 4999 })));
  await fc.assert(
    fc.asyncProperty(code, fc.string(), async (closeCode, reason) => {
      const harness = new SessionHarness(connectionPlan());
      const socket = await harness.open();
      socket.end(closeCode, reason);
      await harness.host.clock.advance(0);
      assert.equal(harness.state, "waiting");
      const cause = closeCode === null ? "error" : "peer";
      assert.deepEqual(harness.of("closed"), [{ kind: "closed", cause, code: closeCode, reason }]);
      await harness.reopen();
      assert.equal(harness.state, "subscribing");
      assert.equal(harness.session.status.reconnects, 1);
      assert.deepEqual(harness.session.status.streams, { pending: 1, acked: 0, live: 0, stale: 0, rejected: 0 });
    }),
    { numRuns: 60 },
  );
});

Deno.test("Session makes its bootstrap call before every connect and hides the token", async () => {
  const harness = new SessionHarness(bootPlan());
  harness.host.fetcher.answer = () => ({ status: 200, body: REPLY });
  const socket = await harness.open();
  assert.equal(
    harness.host.dialer.last.options.url,
    "ws://boot.test/ws?token=t0ken&id=00000000-0000-4000-8000-000000000001",
  );
  assert.equal(
    harness.of("opened")[0].url,
    "ws://boot.test/ws?token={boot:token}&id=00000000-0000-4000-8000-000000000001",
  );
  assert.ok(!JSON.stringify([harness.session.status, harness.observations]).includes("t0ken"));
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(17_999);
  assert.equal(socket.sent.length, 1);
  await harness.host.clock.advance(1);
  assert.deepEqual(socket.texts.slice(1), ["ping 2"]);
  socket.end(1000, "Bye");
  await harness.reopen();
  assert.equal(harness.host.fetcher.requests.length, 2);
});

Deno.test("Session treats any failed bootstrap as a failed attempt", async () => {
  const answers = [
    { status: 429, body: "", retryAfterMs: 70_000 },
    { status: 500, body: REPLY },
    { status: 200, body: "not json" },
    { status: 200, body: "{}" },
    { status: 200, body: REPLY.replace("18000", '"soon"') },
    new Failure("timeout", "Request timed out"),
  ];
  for (const answer of answers) {
    const harness = new SessionHarness(bootPlan());
    harness.host.fetcher.answer = () => answer;
    harness.session.start();
    await harness.host.clock.advance(0);
    assert.equal(harness.state, "waiting");
    assert.equal(harness.observed("connect_failed").length, 1);
    harness.host.fetcher.answer = () => ({ status: 200, body: REPLY });
    await harness.host.clock.advance(60_000);
    assert.equal(harness.host.dialer.dials.length, answer === answers[0] ? 0 : 1);
    await harness.host.clock.advance(10_000);
    assert.equal(harness.host.dialer.dials.length, 1);
  }
});

Deno.test("Session hides environment values in what it shows of a failed dial", async () => {
  const harness = new SessionHarness(connectionPlan({ urls: [template("ws://one.test/{env:KEY}/ws")] }));
  harness.session.start();
  await harness.host.clock.advance(0);
  assert.equal(harness.host.dialer.last.options.url, "ws://one.test/secret-KEY/ws");
  await harness.host.dialer.last.fail(new Failure("connect", "Cannot dial ws://one.test/secret-KEY/ws: refused"));
  assert.equal(harness.observed("connect_failed")[0].reason, "Cannot dial ws://one.test/{env:KEY}/ws: refused");
  assert.ok(!JSON.stringify([harness.session.status, harness.observations]).includes("secret"));
});

Deno.test("Sessions of an instance share a host's budget of attempts", async () => {
  const host = new SimulatedHost();
  const openGate = new HostLimits(host.clock).of("example");
  const plan = connectionPlan({ openLimit: { count: 2, perMs: 10_000 } });
  const harnesses = Array.from({ length: 5 }, () => new SessionHarness(plan, { host, openGate }));
  for (const { session } of harnesses) session.start();
  await host.clock.advance(30_000);
  assert.deepEqual(host.dialer.dials.map(({ atMs }) => atMs), [0, 0, 10_001, 10_001, 20_002]);
});

Deno.test("Sessions open no more sockets at a time than a host allows, and the next one when one has ended", async () => {
  const host = new SimulatedHost();
  const openGate = new HostLimits(host.clock).of("example");
  const harnesses = Array.from(
    { length: 3 },
    () => new SessionHarness(connectionPlan({ socketsMax: 2 }), { host, openGate }),
  );
  for (const { session } of harnesses) session.start();
  await host.clock.advance(60_000);
  assert.equal(host.dialer.dials.length, 2);
  assert.equal(harnesses[2].state, "connecting");
  const stopping = harnesses[0].session.stop();
  await host.clock.advance(0);
  assert.equal(host.dialer.dials.length, 3);
  await stopping;
  const waiting = harnesses[2].session.stop();
  await host.clock.advance(60_000);
  await waiting;
});

Deno.test("Session waits for the welcome and the delay before it sends anything, hello first", async () => {
  const plan = connectionPlan({ awaitsWelcome: true, connectDelayMs: 1000, hello: [template('{"event":"conf"}')] });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  assert.equal(harness.state, "welcoming");
  await harness.host.clock.advance(500);
  harness.signal("welcome");
  assert.equal(socket.sent.length, 0);
  await harness.host.clock.advance(499);
  assert.equal(socket.sent.length, 0);
  await harness.host.clock.advance(1);
  assert.deepEqual(socket.texts, ['{"event":"conf"}', "sub 1 trades A"]);
  assert.equal(harness.state, "subscribing");
  harness.signal("welcome");
  assert.equal(socket.sent.length, 2);
});

Deno.test("Session connects again when no welcome comes", async () => {
  const harness = new SessionHarness(connectionPlan({ awaitsWelcome: true, welcomeTimeoutMs: 3000 }));
  const socket = await harness.open();
  await harness.host.clock.advance(3001);
  assert.equal(socket.sent.length, 0);
  assert.equal(harness.of("closed")[0].cause, "error");
  await harness.reopen();
  assert.equal(harness.state, "welcoming");
});

Deno.test("Session hands on TLS, header and compression options of its plan", async () => {
  const harness = new SessionHarness(connectionPlan({
    headers: { "X-Thing": "1" },
    compression: true,
    tls: { enabled: true, caCertPath: "ca.pem" },
  }));
  await harness.open();
  const { headers, compression, caCertPath } = harness.host.dialer.last.options;
  assert.deepEqual([headers, compression, caCertPath], [{ "X-Thing": "1" }, true, "ca.pem"]);
});

Deno.test("Session.stop() ends a session in any state within a second", async () => {
  const stages: readonly ((harness: SessionHarness) => Promise<unknown>)[] = [
    () => Promise.resolve(),
    (harness) => Promise.resolve(harness.session.start()),
    async (harness) => {
      harness.session.start();
      await harness.host.clock.advance(0);
    },
    async (harness) => {
      harness.session.start();
      await harness.host.clock.advance(0);
      await harness.host.dialer.last.fail(new Failure("http_status", "no", { retryAfterMs: 1e7 }));
    },
    (harness) => harness.open(),
    (harness) => harness.open({ answersClose: false }),
    async (harness) => {
      await harness.open();
      harness.session.pause();
      harness.session.reconnect("asked");
    },
  ];
  for (const reach of stages) {
    const harness = new SessionHarness(connectionPlan({ requests: [request([item("A")]), request([item("B")])] }));
    await reach(harness);
    let stopped = false;
    const stopping = harness.session.stop().then(() => stopped = true);
    await harness.host.clock.advance(1000);
    assert.ok(stopped);
    await stopping;
    assert.equal(harness.state, "closed");
    assert.equal(harness.of("opened").length, harness.of("closed").length);
    const dialled = harness.host.dialer.dials.length;
    await harness.host.clock.advance(1e8);
    assert.equal(harness.host.dialer.dials.length, dialled);
    assert.equal(harness.host.clock.pending, 0);
  }
});
