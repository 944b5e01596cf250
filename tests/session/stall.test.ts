import assert from "node:assert/strict";
import type { ConnectionPlan } from "../../src/model/mod.ts";
import type { SessionOptions } from "../../src/session/mod.ts";
import { connectionPlan, item, request, SessionHarness, template } from "../support/session_harness.ts";
import type { SimulatedConnection } from "../support/simulated_host.ts";

const UNSUBSCRIBE = template("unsub {id}");

interface Rig {
  readonly harness: SessionHarness;
  readonly socket: SimulatedConnection;
}

/** A session whose streams A and B have shown data each second for ten minutes. */
async function live(changes: Partial<ConnectionPlan> = {}, probe?: SessionOptions["probe"]): Promise<Rig> {
  const items = ["A", "B"].map((symbol) => ({ ...item(symbol), unsubscribe: UNSUBSCRIBE }));
  const plan = connectionPlan({ stallAfterMs: null, requests: [request(items)], ...changes });
  const harness = new SessionHarness(plan, probe === undefined ? {} : { probe });
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  await flow(harness, socket, ["A", "B"], 600);
  return { harness, socket };
}

/** Data of streams, once a second. */
async function flow(
  harness: SessionHarness,
  socket: SimulatedConnection,
  symbols: readonly string[],
  seconds: number,
): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await harness.host.clock.advance(1000);
    if (symbols.length > 0) socket.frame("data");
    for (const symbol of symbols) harness.data(symbol);
  }
}

/** Lets the next dial succeed, which may be under way. */
async function again(harness: SessionHarness): Promise<SimulatedConnection> {
  return harness.state === "connecting" ? await harness.host.dialer.last.open() : await harness.reopen();
}

const steps = (harness: SessionHarness) => harness.observed("stream_stalled").map(({ step }) => step);
const stateOf = (harness: SessionHarness, symbol: string) =>
  [...harness.session.streams].find(({ stream }) => stream.symbol === symbol)?.state;

Deno.test("Session asks again for the one stream that stands still, and tells since when", async () => {
  const { harness, socket } = await live();
  const sent = socket.sent.length;
  await flow(harness, socket, ["B"], 4);
  assert.deepEqual(steps(harness), []);
  await flow(harness, socket, ["B"], 3);
  assert.deepEqual(steps(harness), ["resubscribe"]);
  assert.deepEqual(socket.texts.slice(sent), ["unsub 2", "sub 3 trades A"]);
  const [{ stream, action, reason }] = harness.of("stalled");
  assert.deepEqual([stream, action], ["trades A", "asked again for it"]);
  assert.match(reason, /^no data for \d\.\d s; its usual gap is 1\.\d s$/);
  const entry = [...harness.session.streams][0];
  assert.deepEqual([entry.state, entry.openGap?.cause, entry.openGap?.from], ["stale", "stalled", entry.lastDataTs]);
  assert.deepEqual([stateOf(harness, "B"), harness.of("closed").length], ["live", 0]);
  harness.signal("ack", { correlation: "3" });
  assert.equal(stateOf(harness, "A"), "stale", "an acknowledgement is no data");
  harness.data("A");
  assert.deepEqual([stateOf(harness, "A"), entry.openGap, steps(harness)], ["live", null, ["resubscribe", "resumed"]]);
});

Deno.test("Session goes on to a new socket and to the next address where a stream stays silent, and not beyond", async () => {
  const { harness, socket } = await live({ urls: [template("ws://one.test/ws"), template("ws://two.test/ws")] });
  await flow(harness, socket, ["B"], 20);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["notice"]);
  let last = await again(harness);
  harness.signal("ack", { correlation: "1" });
  await flow(harness, last, ["B"], 20);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["notice", "stale"]);
  last = await again(harness);
  assert.deepEqual(harness.host.dialer.dials.map(({ options }) => options.url), [
    "ws://one.test/ws",
    "ws://one.test/ws",
    "ws://two.test/ws",
  ]);
  assert.deepEqual(steps(harness), ["resubscribe", "reconnect", "next_address"]);
  assert.deepEqual(
    harness.of("stalled").map(({ action }) => action),
    ["asked again for it", "a new socket", "a new socket to the next address"],
  );
  harness.signal("ack", { correlation: "1" });
  await flow(harness, last, ["B"], 900);
  assert.equal(harness.of("closed").length, 2, "the others of the socket are not troubled again");
  assert.deepEqual(steps(harness).slice(3), ["resubscribe"]);
  harness.data("A");
  assert.equal(steps(harness).at(-1), "resumed");
});

Deno.test("Session replaces the socket where a stream cannot be asked for again alone", async () => {
  const { harness, socket } = await live({ requests: [request([item("A"), item("B")])] });
  await flow(harness, socket, ["B"], 9);
  assert.deepEqual(harness.of("stalled").map(({ action }) => action), [
    "it cannot be asked for again alone",
    "a new socket",
  ]);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["notice"]);
});

Deno.test("Session lets a socket that is silent altogether end by its own deadlines", async () => {
  const { harness } = await live();
  await harness.host.clock.advance(300_000);
  assert.deepEqual([steps(harness), harness.of("closed")], [[], []]);
});

Deno.test("Session follows a fixed silence, or none", async () => {
  const fixed = await live({ stallAfterMs: 60_000 });
  await flow(fixed.harness, fixed.socket, ["B"], 58);
  assert.deepEqual(steps(fixed.harness), []);
  await flow(fixed.harness, fixed.socket, ["B"], 5);
  assert.deepEqual(steps(fixed.harness), ["resubscribe"]);
  const none = await live({ stallAfterMs: 0 });
  await flow(none.harness, none.socket, ["B"], 600);
  assert.deepEqual(steps(none.harness), []);
});

Deno.test("Session judges a stream of a quiet channel by what it has shown, and by no fixed silence", async () => {
  const quietChannels = ["trades"] as const;
  const fixed = await live({ quietChannels, stallAfterMs: 20_000 });
  await flow(fixed.harness, fixed.socket, ["B"], 600);
  assert.deepEqual(steps(fixed.harness), []);
  const learned = await live({ quietChannels });
  await flow(learned.harness, learned.socket, ["B"], 9);
  assert.deepEqual([steps(learned.harness), learned.harness.of("closed")], [["resubscribe"], []]);
});

Deno.test("Session judges no stream of a quiet channel that has shown long silences", async () => {
  const plan = connectionPlan({ stallAfterMs: null, quietChannels: ["trades"] });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  for (let hour = 0; hour < 60; hour++) {
    await harness.host.clock.advance(3_600_000);
    harness.data("A");
  }
  for (let hour = 0; hour < 600; hour++) {
    await harness.host.clock.advance(3_600_000);
    socket.pong();
  }
  assert.deepEqual(steps(harness), []);
});

Deno.test("Session asks the exchange before it takes a stream for dead, and believes that it is quiet", async () => {
  let asked = 0;
  const { harness, socket } = await live({}, ({ symbol }) => {
    asked++;
    assert.equal(symbol, "A");
    return Promise.resolve("quiet");
  });
  await flow(harness, socket, ["B"], 60);
  assert.ok(asked >= 2 && asked <= 5, `${asked}: the longer the silence, the longer an answer holds`);
  assert.deepEqual(new Set(steps(harness)), new Set(["quiet"]));
  assert.deepEqual([harness.of("stalled"), stateOf(harness, "A")], [[], "live"]);
});

Deno.test("Session takes a stream for dead at once where the exchange has later data of it", async () => {
  const { harness, socket } = await live({}, () => Promise.resolve("behind"));
  await flow(harness, socket, ["B"], 14);
  assert.equal(steps(harness)[0], "resubscribe");
  assert.match(harness.of("stalled")[0].reason, /the exchange has later data$/);
});

Deno.test("Session waits for the limit where asking says nothing", async () => {
  const { harness, socket } = await live({ stallAfterMs: 30_000 }, () => Promise.resolve("unknown"));
  await flow(harness, socket, ["B"], 34);
  assert.equal(steps(harness)[0], "resubscribe");
});

Deno.test("Session counts neither a pause nor the time without a socket as silence", async () => {
  const { harness, socket } = await live();
  harness.session.pause();
  await harness.host.clock.advance(60_000);
  harness.session.resume();
  await flow(harness, socket, ["A", "B"], 10);
  assert.deepEqual(steps(harness), []);
  socket.end(1006, "gone");
  const next = await again(harness);
  harness.signal("ack", { correlation: "1" });
  await flow(harness, next, ["A", "B"], 60);
  assert.deepEqual(steps(harness), []);
});

Deno.test("Session finds a stream that shows nothing on a new socket, although it has shown data before", async () => {
  const { harness, socket } = await live();
  socket.end(1006, "gone");
  const next = await again(harness);
  harness.signal("ack", { correlation: "1" });
  await flow(harness, next, ["B"], 9);
  assert.deepEqual(steps(harness), ["resubscribe"]);
});

Deno.test("Session outlives a sink that cannot take a stream that stands still", async () => {
  const { harness, socket } = await live();
  harness.fault = (called) => {
    if (called === "stalled") throw new TypeError("undefined is not a function");
  };
  await flow(harness, socket, ["B"], 9);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["error"]);
  harness.fault = () => {};
  const next = await again(harness);
  harness.signal("ack", { correlation: "1" });
  await flow(harness, next, ["A", "B"], 10);
  assert.equal(stateOf(harness, "A"), "live");
});
