import assert from "node:assert/strict";
import type { SubscribeItem } from "../../src/model/mod.ts";
import { connectionPlan, echoOf, item, request, SessionHarness, template } from "../support/session_harness.ts";

const echo = (symbols: string) => [...symbols].map((symbol) => echoOf("trades", symbol));

Deno.test("Session rejects the items that a listing acknowledgement leaves out", async () => {
  const plan = connectionPlan({ requests: [request(["A", "B", "C"].map((symbol) => item(symbol)), { mode: "item" })] });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "1", accepted: echo("AC") });
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades A", "trades C"]]);
  assert.deepEqual(harness.of("rejected"), [{ kind: "rejected", streams: ["trades B"], reason: "not accepted" }]);
  assert.equal(harness.state, "live");
});

Deno.test("Session rejects the items that an acknowledgement lists as failed and takes the others", async () => {
  const plan = connectionPlan({ requests: [request(["A", "B"].map((symbol) => item(symbol)))] });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "1", rejected: echo("A"), reason: "no such topic" });
  assert.deepEqual(harness.of("acked").map(({ streams }) => streams), [["trades B"]]);
  assert.deepEqual(harness.of("rejected"), [{ kind: "rejected", streams: ["trades A"], reason: "no such topic" }]);
});

Deno.test("Session says nothing of other requests from a listing acknowledgement", async () => {
  const plan = connectionPlan({
    requests: ["AB", "CD"].map((symbols) => request([...symbols].map((symbol) => item(symbol)), { mode: "item" })),
  });
  const harness = new SessionHarness(plan);
  await harness.open();
  harness.signal("ack", { correlation: "2", accepted: [] });
  harness.signal("ack", { correlation: "9", accepted: [] });
  assert.deepEqual(harness.of("rejected").map(({ streams }) => streams), [["trades C", "trades D"]]);
  assert.deepEqual(harness.session.status.streams.pending, 2);
});

/** A session whose items A and B are live; B is taken back by a message of its own. */
async function live(unsubscribe: "none" | null | string) {
  const taken: SubscribeItem["unsubscribe"] = unsubscribe === null || unsubscribe === "none"
    ? unsubscribe
    : template(unsubscribe);
  const items = ["A", "B"].map((symbol) => ({ ...item(symbol), unsubscribe: taken }));
  const harness = new SessionHarness(connectionPlan({ requests: [request(items)] }));
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  for (const symbol of ["A", "B"]) harness.data(symbol);
  return { harness, socket };
}

const B = { channel: "trades", symbol: "B" } as const;

Deno.test("Session.resubscribe() takes an item back and asks for it again", async () => {
  const { harness, socket } = await live("unsub {id} B");
  const before = socket.texts.length;
  assert.equal(harness.session.resubscribe(B), true);
  assert.deepEqual(socket.texts.slice(before), ["unsub 2 B", "sub 3 trades B"]);
  assert.deepEqual(harness.session.status.streams.live, 2);
  harness.signal("ack", { correlation: "3" });
  assert.equal(harness.of("acked").length, 1);
  harness.session.resubscribe(B);
  harness.signal("reject", { correlation: "5", reason: "gone" });
  assert.deepEqual(harness.of("rejected").map(({ streams }) => streams), [["trades B"]]);
  assert.equal(harness.session.resubscribe(B), false);
});

Deno.test("Session.resubscribe() asks again alone where nothing has to be taken back", async () => {
  const { harness, socket } = await live("none");
  assert.equal(harness.session.resubscribe(B), true);
  assert.deepEqual(socket.texts.slice(-1), ["sub 2 trades B"]);
});

Deno.test("Session.resubscribe() is false where only a new socket helps, or there is none", async () => {
  const { harness, socket } = await live(null);
  const before = socket.texts.length;
  assert.equal(harness.session.resubscribe(B), false);
  assert.equal(harness.session.resubscribe({ channel: "trades", symbol: "X" }), false);
  assert.equal(socket.texts.length, before);
  assert.equal(new SessionHarness(connectionPlan()).session.resubscribe(B), false);
});

Deno.test("Session asks again for an item that a resubscription got no answer for", async () => {
  const { harness, socket } = await live("unsub {id} B");
  harness.session.resubscribe(B);
  const before = socket.texts.length;
  await harness.host.clock.advance(120_000);
  assert.ok(socket.texts.slice(before).every((text) => text.endsWith("trades B")));
});

Deno.test("Session rejects all of a request that replaces the one before, without asking one by one", async () => {
  const whole = { ...request(["A", "B"].map((symbol) => item(symbol)), { correlated: false }), replaces: true };
  const harness = new SessionHarness(connectionPlan({ requests: [whole] }));
  const socket = await harness.open();
  const before = socket.texts.length;
  harness.signal("reject", { reason: "WRONG_FORMAT" });
  assert.deepEqual(harness.of("rejected").map(({ streams }) => streams), [["trades A", "trades B"]]);
  assert.equal(socket.texts.length, before);
});
