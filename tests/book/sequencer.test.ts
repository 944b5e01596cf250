import assert from "node:assert/strict";
import { junction, type Succession, succession } from "../../src/book/mod.ts";
import type { BookDelta, BridgeRule, SequenceRule } from "../../src/model/mod.ts";

/** A delta from texts such as `5-7` (first and last), `7` (last alone) or `4>7` (previous and last), and a time. */
function delta(text: string, exchangeTs: number | null = null): BookDelta & { readonly exchangeTs: number | null } {
  const match = /^(?:(-?\d+)-|(-?\d+)>)?(-?\d+)?$/.exec(text);
  if (match === null) throw new Error(`Not a delta: ${text}`);
  const [, first = null, previous = null, last = null] = match;
  return {
    kind: "book_delta",
    bids: [],
    asks: [],
    first_sequence: first,
    last_sequence: last,
    previous_sequence: previous,
    exchangeTs,
  };
}

const HUGE = "12345678901234567890";

Deno.test("succession() follows each rule's numbering", () => {
  const cases: readonly (readonly [SequenceRule, string, Succession])[] = [
    // At 10, after 8.
    ["next", "11-13", "next"],
    ["next", "11", "next"],
    ["next", "9-12", "next"],
    ["next", "12-13", "gap"],
    ["next", "12", "gap"],
    ["next", "9-10", "repeat"],
    ["next", "7-8", "repeat"],
    ["next", "9", "gap"],
    ["next", "", "gap"],
    ["previous", "10>15", "next"],
    ["previous", "10>10", "next"],
    ["previous", "8>10", "repeat"],
    ["previous", "6>8", "repeat"],
    ["previous", "11>15", "gap"],
    ["previous", "10>3", "repeat"],
    ["previous", "15", "gap"],
    ["overlap", "10-12", "next"],
    ["overlap", "11-12", "gap"],
    ["overlap", "8-10", "repeat"],
    ["rising", "11", "next"],
    ["rising", "400", "next"],
    ["rising", "10", "repeat"],
    ["rising", "9", "gap"],
    ["none", "3", "next"],
  ];
  const points = {
    last: { sequence: "10", exchangeTs: null },
    before: { sequence: "8", exchangeTs: null },
    resetsLower: false,
  };
  for (const [rule, text, expected] of cases) {
    assert.equal(succession(rule, delta(text), points), expected, `${rule} ${text}`);
  }
  assert.equal(succession("previous", delta("10>3"), { ...points, resetsLower: true }), "next");
});

Deno.test("succession() compares numbers beyond 2^53 exactly", () => {
  const nowhere = { sequence: null, exchangeTs: null };
  const points = { last: { sequence: HUGE, exchangeTs: null }, before: nowhere, resetsLower: false };
  assert.equal(succession("next", delta("12345678901234567891"), points), "next");
  assert.equal(succession("next", delta("12345678901234567892"), points), "gap");
  assert.equal(succession("previous", delta("12345678901234567889>12345678901234567893"), points), "gap");
});

Deno.test("succession() by time takes what is later, and takes a number as it is where there was none", () => {
  const nowhere = { sequence: null, exchangeTs: null };
  const at = (exchangeTs: number) => ({ sequence: null, exchangeTs });
  const points = { last: at(100), before: at(90), resetsLower: false };
  assert.equal(succession("time", delta("", 101), points), "next");
  assert.equal(succession("time", delta("", 100), points), "repeat");
  assert.equal(succession("time", delta("", 95), points), "gap");
  assert.equal(succession("time", delta(""), points), "gap");
  assert.equal(succession("next", delta("77"), { last: nowhere, before: nowhere, resetsLower: false }), "next");
});

Deno.test("junction() follows the documented join of a REST snapshot", () => {
  const spot: BridgeRule = { drop: "<=", first: "S+1", orPrevious: false };
  const futures: BridgeRule = { drop: "<", first: "S", orPrevious: true };
  const exact: BridgeRule = { ...spot, exact: true };
  const cases: readonly (readonly [SequenceRule, BridgeRule, string, string])[] = [
    ["next", exact, "9-11", "ahead"],
    ["next", exact, "11-12", "joins"],
    ["next", exact, "12-14", "ahead"],
    ["previous", exact, "9>12", "ahead"],
    ["previous", exact, "10>12", "joins"],
    ["next", spot, "5-10", "old"],
    ["next", spot, "9-11", "joins"],
    ["next", spot, "11-11", "joins"],
    ["next", spot, "11", "joins"],
    ["next", spot, "12-14", "ahead"],
    ["previous", futures, "5-9", "old"],
    ["previous", futures, "5-10", "joins"],
    ["previous", futures, "10-12", "joins"],
    ["previous", futures, "11-12", "ahead"],
    ["previous", futures, "10>12", "joins"],
    ["previous", futures, "11>12", "ahead"],
    ["rising", spot, "10", "old"],
    ["rising", spot, "99", "joins"],
  ];
  for (const [sequence, bridge, text, expected] of cases) {
    const found = junction({ sequence, bridge }, { sequence: "10", exchangeTs: null }, delta(text));
    assert.equal(found, expected, `${sequence} ${text}`);
  }
  const listed = { sequence: "-1", exchangeTs: null };
  assert.equal(junction({ sequence: "next", bridge: spot }, listed, delta("40-44")), "joins");
  const timed = { sequence: null, exchangeTs: 100 };
  assert.equal(junction({ sequence: "time", bridge: spot }, timed, delta("", 100)), "old");
  assert.equal(junction({ sequence: "time", bridge: spot }, timed, delta("", 101)), "joins");
});
