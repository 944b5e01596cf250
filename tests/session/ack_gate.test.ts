import assert from "node:assert/strict";
import fc from "fast-check";
import { AckGate, type Acknowledgement, type ItemEntry, newRequest } from "../../src/session/ack_gate.ts";
import type { AckPlan } from "../../src/model/mod.ts";
import { echoOf, item, request, signal } from "../support/session_harness.ts";

/** A gate with requests sent under ids 1, 2, … ; items are named by letters. */
function gateOf(groups: readonly string[], ack: Partial<AckPlan>, { echo }: { echo?: null } = {}) {
  const requests = groups.map((group) => {
    const asked = request([...group].map((symbol) => item(symbol, echo === null ? { echo } : {})), ack);
    const items: ItemEntry[] = asked.items.map((each) => ({
      item: each,
      ack: asked.ack,
      replaces: false,
      rejections: 0,
      state: "queued",
    }));
    return newRequest(asked, items);
  });
  const gate = new AckGate();
  gate.add(requests.flatMap(({ items }) => items));
  requests.forEach((each, i) => gate.sent(each, ack.correlated === false ? [] : [String(i + 1)], i));
  return { gate, requests };
}

const names = (entries: readonly ItemEntry[]) => entries.map(({ item }) => item.streams[0].symbol).join("");
const acked = (answer: Acknowledgement) => names(answer.acked);
const echo = (symbols: string) => [...symbols].map((symbol) => echoOf("trades", symbol));

Deno.test("AckGate.acknowledge() confirms all items of the request that an ack names by id", () => {
  const { gate } = gateOf(["AB", "CD"], { mode: "request" });
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "2" }))), "CD");
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "2" }))), "");
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "9" }))), "");
  assert.equal(gate.settled, false);
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "1" }))), "AB");
  assert.equal(gate.settled, true);
});

Deno.test("AckGate.acknowledge() confirms the oldest request alone when acks carry no id", () => {
  const { gate } = gateOf(["A", "B"], { mode: "request", correlated: false }, { echo: null });
  assert.equal(acked(gate.acknowledge(signal("ack"))), "A");
  assert.equal(acked(gate.acknowledge(signal("ack"))), "B");
  assert.equal(acked(gate.acknowledge(signal("ack"))), "");
});

Deno.test("AckGate.acknowledge() takes an ack that lost its id only where one request waits", () => {
  const { gate } = gateOf(["A", "B"], { mode: "request" }, { echo: null });
  assert.equal(acked(gate.acknowledge(signal("ack"))), "");
  gate.acknowledge(signal("ack", { correlation: "1" }));
  assert.equal(acked(gate.acknowledge(signal("ack"))), "B");
});

Deno.test("AckGate.acknowledge() confirms echoed items and no others, several acks for one request", () => {
  const { gate } = gateOf(["ABC"], { mode: "item" });
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "1", echoes: echo("B") }))), "B");
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "1" }))), "");
  assert.equal(acked(gate.acknowledge(signal("ack", { echoes: echo("XAB") }))), "A");
  assert.equal(gate.settled, false);
  assert.equal(acked(gate.acknowledge(signal("ack", { echoes: echo("ABC") }))), "C");
  assert.equal(gate.settled, true);
});

Deno.test("AckGate.acknowledge() confirms no more than is named, whatever acks come", () => {
  const ack = fc.record({
    correlation: fc.option(fc.constantFrom("1", "2", "3", "7")),
    letters: fc.subarray(["A", "B", "C", "D", "E", "X"]),
  });
  fc.assert(fc.property(fc.constantFrom("request" as const, "item" as const), fc.array(ack), (mode, acks) => {
    const { gate, requests } = gateOf(["AB", "C", "DE"], { mode });
    for (const { correlation, letters } of acks) {
      const confirmed = acked(gate.acknowledge(signal("ack", { correlation, echoes: echo(letters.join("")) })));
      const own = names(requests[Number(correlation ?? 0) - 1]?.items ?? []);
      for (const name of confirmed) {
        const byId = letters.length === 0 && own.includes(name);
        const alone = letters.length === 0 && correlation === null && confirmed.length <= 2;
        assert.ok(letters.includes(name) || byId || alone, `${name} of ${correlation} ${letters}`);
      }
    }
  }));
});

Deno.test("AckGate.reject() rejects echoed items alone, also after their acknowledgement", () => {
  const { gate } = gateOf(["ABC"], { mode: "item" });
  const first = gate.reject(signal("reject", { correlation: "1", echoes: echo("B"), reason: "no such symbol" }));
  assert.deepEqual([names(first.rejected), names(first.split)], ["B", ""]);
  gate.acknowledge(signal("ack", { echoes: echo("AC") }));
  assert.equal(names(gate.reject(signal("reject", { echoes: echo("C") })).rejected), "C");
  assert.equal(gate.settled, true);
});

Deno.test("AckGate.reject() splits a request that is refused as a whole, and rejects one of a single item", () => {
  const { gate, requests } = gateOf(["AB", "C"], { mode: "request" });
  const whole = gate.reject(signal("reject", { correlation: "1" }));
  assert.deepEqual([names(whole.rejected), names(whole.split), requests[0].abandoned], ["", "AB", true]);
  assert.equal(names(gate.reject(signal("reject", { correlation: "2" })).rejected), "C");
  assert.equal(gate.settled, false);
});

Deno.test("AckGate.reject() goes by the exchange's words where nothing else names an item", () => {
  const { gate } = gateOf(["AB", "C"], { mode: "item", correlated: false });
  const found = gate.reject(signal("reject", { reason: "channel trades:B does not exist" }));
  assert.deepEqual([names(found.rejected), found.attributed], ["B", true]);
});

Deno.test("AckGate.reject() goes by symbol and channel in the exchange's words where acks echo nothing", () => {
  for (const mode of ["none", "request"] as const) {
    const spelled = (symbol: string, channel: string) => item(symbol, { echo: null, spelling: { symbol, channel } });
    const asked = request(
      [spelled("A_USDT", "deal"), spelled("A_USDT", "depth"), spelled("A_USDT_1", "deal"), spelled("B_USDT", "deal")],
      { mode, correlated: false },
    );
    const items: ItemEntry[] = asked.items.map((each) => ({
      item: each,
      ack: asked.ack,
      replaces: false,
      rejections: 0,
      state: "queued",
    }));
    const gate = new AckGate();
    gate.add(items);
    const rejected = (reason: string) =>
      gate.reject(signal("reject", { reason })).rejected.map((entry) => items.indexOf(entry));
    for (const entry of items) gate.sent(newRequest(asked, [entry]), [], 0);
    assert.deepEqual(rejected("Contract [NOPE_USDT] not exists"), []);
    assert.deepEqual(rejected("no depth of [A_USDT]"), [1]);
    assert.deepEqual(rejected("Contract [A_USDT] not exists"), [0]);
    assert.deepEqual(items.map(({ state }) => state), ["rejected", "rejected", "waiting", "waiting"]);
  }
});

Deno.test("AckGate.reject() takes the only request that waits, and nothing where several do", () => {
  const { gate } = gateOf(["A", "B"], { mode: "item", correlated: false });
  assert.equal(gate.reject(signal("reject", { reason: "bad request" })).attributed, false);
  gate.acknowledge(signal("ack", { echoes: echo("A") }));
  assert.equal(gate.reject(signal("reject", { reason: "bad", echoes: echo("X") })).attributed, false);
  assert.equal(names(gate.reject(signal("reject", { reason: "bad request" })).rejected), "B");
});

Deno.test("AckGate.expire() gives overdue requests once and still takes their late answer", () => {
  const { gate, requests } = gateOf(["A", "B"], { mode: "request", timeoutMs: 1000 });
  assert.deepEqual(gate.expire(999), []);
  assert.deepEqual(gate.expire(1000), [requests[0]]);
  assert.equal(gate.nextDueMs, 1001);
  assert.deepEqual(gate.expire(5000), [requests[1]]);
  assert.equal(gate.nextDueMs, Infinity);
  assert.equal(acked(gate.acknowledge(signal("ack", { correlation: "1" }))), "A");
});

Deno.test("AckGate.settled does not wait for items that only data confirms", () => {
  const { gate, requests } = gateOf(["AB"], { mode: "none" });
  assert.equal(gate.settled, true);
  assert.equal(gate.nextDueMs, Infinity);
  assert.equal(names(gate.prove(requests[0].items[0])), "A");
});
