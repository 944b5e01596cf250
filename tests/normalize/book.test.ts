import assert from "node:assert/strict";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { bookFields, eventRule, field, framePlan, rows, source, when } from "../support/frame_plan.ts";
import type { EventRule } from "../../src/model/mod.ts";

function readBook(rule: EventRule, text: string) {
  const normalizer = new FrameReader(framePlan({ events: [rule] }));
  return structuredClone(normalizer.read({
    session: 1,
    connectionId: "public",
    payload: new TextEncoder().encode(text),
    binary: false,
    receivedTs: 0,
  }));
}

const SEQUENCES = { first_sequence: "/U", last_sequence: "/u", previous_sequence: "/pu" };

Deno.test("read() gives a book delta with absolute sizes and its sequences", () => {
  const rule = eventRule("book", { channel: "book", fields: SEQUENCES, book: bookFields("/b/*", "/a/*") });
  const text = '{"s":"BTCUSDT","U":1,"u":99999999999999999999,"pu":0,"b":[["1.50","0.000"],[2,3,"0",4]],"a":[]}';
  assert.deepEqual(readBook(rule, text).events[0].event, {
    kind: "book_delta",
    bids: [["1.50", "0.000"], ["2", "3"]],
    asks: [],
    first_sequence: "1",
    last_sequence: "99999999999999999999",
    previous_sequence: "0",
  });
});

Deno.test("read() tells snapshots from deltas by the rule's predicate on the row", () => {
  const rule = eventRule("book", {
    channel: "book",
    rows: "/data/*",
    fields: { last_sequence: "/u" },
    book: bookFields("/b/*", "/a/*", { snapshot: when({ "/kind": "all" }) }),
  });
  const read = readBook(rule, '{"data":[{"s":"X","kind":"all","u":7,"b":[[1,2]]},{"s":"X","u":8,"a":[[3,4]]}]}');
  assert.deepEqual(read.events.map(({ event }) => event), [
    { kind: "book_snapshot", bids: [["1", "2"]], asks: [], sequence: "7" },
    {
      kind: "book_delta",
      bids: [],
      asks: [["3", "4"]],
      first_sequence: null,
      last_sequence: "8",
      previous_sequence: null,
    },
  ]);
});

const SIDED = bookFields("", "", {
  bids: null,
  asks: null,
  levels: rows("/changes/*"),
  side: field("/0", { map: { buy: "bid", sell: "ask" } }),
  bidLevel: { price: source("/1"), size: source("/2"), id: null },
  askLevel: { price: source("/1"), size: source("/2"), id: null },
});

Deno.test("read() sorts levels that carry their own side", () => {
  const rule = eventRule("book", { channel: "book", book: SIDED });
  const read = readBook(rule, '{"s":"X","changes":[["sell","2","1"],["buy","1","0"],["sell","3","1"]]}');
  const [{ event }] = read.events;
  assert.ok(event.kind === "book_delta");
  assert.deepEqual([event.bids, event.asks], [[["1", "0"]], [["2", "1"], ["3", "1"]]]);
  assert.deepEqual(
    readBook(rule, '{"s":"X","changes":[["hold","2","1"]]}').faults.map(({ code, where }) => `${code} ${where}`),
    [
      "unknown_value book.side /0",
    ],
  );
});

Deno.test("read() makes a malformed level a fault, or drops it where the rule says so", () => {
  const text = '{"s":"X","b":[["1","0.-10000"],["2","1"],["3"],[]],"a":[["4","1"]]}';
  const strict = readBook(eventRule("book", { channel: "book", book: bookFields("/b/*", "/a/*") }), text);
  assert.deepEqual(strict.events, []);
  assert.deepEqual(strict.faults.map(({ code, where }) => `${code} ${where}`), [
    "bad_decimal book.bids /1",
    "missing_field book.bids /1",
    "missing_field book.bids /0",
  ]);
  const lenient = bookFields("/b/*", "/a/*", { dropMalformedLevels: true });
  const [{ event }] = readBook(eventRule("book", { channel: "book", book: lenient }), text).events;
  assert.ok(event.kind === "book_delta");
  assert.deepEqual([event.bids, event.asks], [[["2", "1"]], [["4", "1"]]]);
});

Deno.test("read() reads levels that are objects", () => {
  const level = { price: source("/px"), size: source("/sz"), id: null };
  const rule = eventRule("book", {
    channel: "book",
    book: bookFields("/levels/0/*", "/levels/1/*", { snapshot: true, bidLevel: level, askLevel: level }),
  });
  const read = readBook(rule, '{"s":"X","levels":[[{"px":"1","sz":"2","n":1}],[{"px":"3","sz":"4"}]]}');
  assert.deepEqual(read.events[0].event, {
    kind: "book_snapshot",
    bids: [["1", "2"]],
    asks: [["3", "4"]],
    sequence: null,
  });
});

Deno.test("read() takes a single object for the only element of an expected array", () => {
  const rule = eventRule("book", { channel: "book", rows: "/data/*", book: bookFields("/b/*", "/a/*") });
  assert.equal(readBook(rule, '{"data":{"s":"X","b":[]}}').events.length, 1);
  assert.equal(readBook(rule, '{"data":null}').events.length, 0);
  assert.equal(readBook(rule, "{}").events.length, 0);
});

Deno.test("read() takes the members of an object of objects for rows by key", () => {
  const rule = eventRule("book", { channel: "book", rows: "/data/*", book: bookFields("/b/*", "/a/*") });
  const read = readBook(rule, '{"data":{"k1":{"s":"X","b":[]},"k2":{"s":"Y","b":[]}}}');
  assert.deepEqual(read.events.map(({ symbol }) => symbol), ["X", "Y"]);
  assert.equal(readBook(rule, '{"data":{}}').events.length, 0);
});

Deno.test("levels of a flat list are so many values each, and a value too few is a fault", () => {
  const text = `
[[events]]
kind = "book"
snapshot = true
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
level = { stride = 2 }
`;
  const reader = new DescribedReader(describedFrames(text));
  const [event] = reader.events('{"s":"X","b":["1","2","0.5",3],"a":[]}') as { bids: unknown; asks: unknown }[];
  assert.deepEqual([event.bids, event.asks], [[["1", "2"], ["0.5", "3"]], []]);
  assert.deepEqual(reader.read('{"s":"X","b":["1","2","0.5"],"a":[]}').faults.map(({ code }) => code), [
    "missing_field",
  ]);
  assert.deepEqual(describedIssues(text.replace("stride = 2", 'stride = 2, size = "/2"')), [
    "Not a place in a level of 2 values: /2; it is one of /0 to /1",
  ]);
});
