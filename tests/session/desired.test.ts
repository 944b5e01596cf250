import assert from "node:assert/strict";
import fc from "fast-check";
import type { SubscribeItem, SubscribeRequest } from "../../src/model/mod.ts";
import { connectionPlan, item, request, SessionHarness, template } from "../support/session_harness.ts";

/** An item that its own message ends. */
function endable(symbol: string): SubscribeItem {
  return { ...item(symbol), unsubscribe: template(`unsub ${symbol}`) };
}

const names = (streams: readonly { readonly symbol: string }[]) => streams.map(({ symbol }) => symbol).join();

/** What a server that follows the requests would send. */
function subscribedBy(texts: readonly string[]): string[] {
  const there = new Set<string>();
  for (const text of texts) {
    const [verb, ...words] = text.split(" ");
    if (verb === "unsub") there.delete(words[0]);
    else for (const part of words.slice(1).join(" ").split(",")) there.add(part.replace(/^trades /, ""));
  }
  return [...there].sort();
}

Deno.test("Session.setDesired() asks for the difference alone on the open socket", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([endable("A"), endable("B")])] }));
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.data("A");
  harness.data("B");
  const change = harness.session.setDesired([request([endable("B"), endable("C")]), request([endable("D")])]);
  assert.deepEqual([names(change.added), names(change.removed), names(change.kept)], ["C,D", "A", ""]);
  assert.deepEqual(socket.texts.slice(1), ["unsub A", "sub 2 trades C", "sub 3 trades D"]);
  assert.deepEqual(harness.session.status.streams, { pending: 2, acked: 0, live: 1, stale: 0, rejected: 0 });
  assert.equal(harness.state, "live");
  harness.signal("ack", { correlation: "3" });
  harness.data("D");
  assert.deepEqual(harness.session.status.streams, { pending: 1, acked: 0, live: 2, stale: 0, rejected: 0 });
  assert.deepEqual(harness.observed("streams_changed").map(({ added, removed, kept }) => [added, removed, kept]), [
    [2, 1, []],
  ]);
  socket.end(1001, "");
  const second = await harness.reopen();
  assert.deepEqual(second.texts, ["sub 1 trades B,trades C", "sub 2 trades D"]);
  assert.equal(harness.of("closed").length, 1);
});

Deno.test("Session.setDesired() tells streams that nothing ends, and leaves them out of the next socket", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A"), item("B")])] }));
  const socket = await harness.open();
  const change = harness.session.setDesired([request([item("B")])]);
  assert.deepEqual([names(change.removed), names(change.kept)], ["", "A"]);
  assert.equal(socket.sent.length, 1);
  assert.deepEqual(harness.observed("streams_changed").map(({ kept }) => kept), [["trades A"]]);
  harness.data("A");
  assert.deepEqual(names([...harness.session.streams].map(({ stream }) => stream)), "A,B");
  const again = harness.session.setDesired([request([item("B"), item("A")])]);
  assert.deepEqual([names(again.added), names(again.kept)], ["A", ""]);
  assert.equal(socket.sent.length, 1, "it comes already");
  harness.session.setDesired([request([item("B")])]);
  socket.end(1001, "");
  const second = await harness.reopen();
  assert.deepEqual(second.texts, ["sub 1 trades B"]);
  assert.equal(harness.session.status.streams.pending, 1);
});

Deno.test("Session.setDesired() reaches the socket that is being dialled", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A")])] }));
  harness.session.start();
  await harness.host.clock.advance(0);
  const change = harness.session.setDesired([request([item("B")])]);
  assert.deepEqual([names(change.added), names(change.removed)], ["B", "A"]);
  const socket = await harness.host.dialer.last.open();
  await harness.host.clock.advance(0);
  assert.deepEqual(socket.texts, ["sub 1 trades B"]);
  assert.deepEqual(names([...harness.session.streams].map(({ stream }) => stream)), "B");
});

Deno.test("Session.setDesired() sends the whole anew where requests replace each other", async () => {
  const whole = (symbols: string): SubscribeRequest => ({
    ...request([...symbols].map((symbol) => item(symbol))),
    replaces: true,
  });
  const harness = new SessionHarness(connectionPlan({ requests: [whole("AB")] }));
  const socket = await harness.open();
  harness.signal("ack", { correlation: "1" });
  harness.data("A");
  harness.session.setDesired([whole("BC")]);
  harness.session.setDesired([whole("BC")]);
  assert.deepEqual(socket.texts.slice(1), ["sub 2 trades B,trades C"]);
  harness.signal("ack", { correlation: "2" });
  assert.deepEqual(harness.session.status.streams, { pending: 0, acked: 2, live: 0, stale: 0, rejected: 0 });
});

Deno.test("Session.setDesired() before the socket or its welcome is what the socket asks for", async () => {
  const harness = new SessionHarness(connectionPlan({ requests: [request([item("A")])], awaitsWelcome: true }));
  harness.session.setDesired([request([item("B")])]);
  const socket = await harness.open();
  harness.session.setDesired([request([item("C")])]);
  harness.signal("welcome");
  assert.deepEqual(socket.texts, ["sub 1 trades C"]);
  assert.equal(harness.session.status.streams.pending, 1);
});

Deno.test("Session.setDesired() takes back what still waits for its turn without a word", async () => {
  const plan = connectionPlan({
    requests: [request([endable("A")]), request([endable("B")])],
    sendLimit: { count: 1, perMs: 1000 },
  });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.session.setDesired([request([endable("A")])]);
  await harness.host.clock.advance(10_000);
  assert.ok(!socket.texts.some((text) => text.includes("B")));
});

Deno.test("Session ends with what is desired last, whatever was desired before, and asks for nothing twice", async () => {
  const wishes = fc.array(fc.subarray(["A", "B", "C", "D", "E", "F"], { minLength: 1 }), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(wishes, fc.integer({ min: 1, max: 4 }), fc.boolean(), async (sets, size, limited) => {
      const requestsOf = (symbols: readonly string[]) => {
        const groups: SubscribeRequest[] = [];
        for (let at = 0; at < symbols.length; at += size) {
          groups.push(request(symbols.slice(at, at + size).map(endable)));
        }
        return groups;
      };
      const sendLimit = limited ? { count: 2, perMs: 1000 } : null;
      const harness = new SessionHarness(connectionPlan({ requests: requestsOf(sets[0]), sendLimit }));
      const socket = await harness.open();
      let answered = 0;
      for (const set of sets) {
        harness.session.setDesired(requestsOf(set));
        await harness.host.clock.advance(limited ? 700 : 1);
        for (const text of socket.texts.slice(answered)) {
          if (text.startsWith("sub ")) harness.signal("ack", { correlation: text.split(" ")[1] });
        }
        answered = socket.texts.length;
      }
      await harness.host.clock.advance(40_000);
      const last = [...sets[sets.length - 1]].sort();
      assert.deepEqual(subscribedBy(socket.texts), last);
      assert.deepEqual([...harness.session.streams].map(({ stream }) => stream.symbol).sort(), last);
      const counts = harness.session.status.streams;
      assert.equal(Object.values(counts).reduce((a, b) => a + b, 0), last.length);
    }),
  );
});
