import assert from "node:assert/strict";
import { connectionPlan, SessionHarness, template } from "../support/session_harness.ts";

Deno.test("Session.ask() sends a frame with the next id, within the send limit", async () => {
  const harness = new SessionHarness(connectionPlan({ sendLimit: { count: 2, perMs: 1000 } }));
  const socket = await harness.open();
  assert.deepEqual(socket.texts, ["sub 1 trades A"]);
  harness.session.ask(template("image {id} A"));
  harness.session.ask(template("image {id} B"));
  const before = socket.texts.length;
  await harness.host.clock.advance(3000);
  assert.deepEqual(socket.texts, ["sub 1 trades A"], "a request that nobody has answered keeps its slot");
  harness.signal("ack", { correlation: "1" });
  await harness.host.clock.advance(3000);
  assert.ok(before < 3, "the limit lets the second wait");
  assert.deepEqual(socket.texts, ["sub 1 trades A", "image 2 A", "image 3 B"]);
});

Deno.test("Session.ask() sends nothing where no socket is open", async () => {
  const harness = new SessionHarness(connectionPlan());
  harness.session.ask(template("image {id} A"));
  const socket = await harness.open();
  assert.deepEqual(socket.texts, ["sub 1 trades A"]);
});
