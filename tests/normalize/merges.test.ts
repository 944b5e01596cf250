import assert from "node:assert/strict";
import { SESSION_STREAMS_MAX, SESSION_SYMBOLS_MAX } from "../../src/model/mod.ts";
import { Merges } from "../../src/normalize/merges.ts";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";

const RULE = `
[[events]]
kind = "quote"
when = { "/t" = "q" }
symbol = "/s"
bid_price = "/bp"
bid_size = "/bs"
ask_price = "/ap"
ask_size = "/as"
merge = true
`;

function quote(reader: DescribedReader, fields: Readonly<Record<string, unknown>>, session = 1): unknown {
  const found = reader.events(JSON.stringify({ t: "q", s: "X", ...fields }), session) as { [key: string]: unknown }[];
  return found.map(({ bid_price, bid_size, ask_price, ask_size }) => [bid_price, bid_size, ask_price, ask_size])[0];
}

Deno.test("merge fills what a row lacks with what was last known of its symbol and session", () => {
  const reader = new DescribedReader(describedFrames(RULE));
  assert.deepEqual(quote(reader, { bp: 1, bs: 2 }), ["1", "2", null, null]);
  assert.deepEqual(quote(reader, { ap: 3, as: 4 }), ["1", "2", "3", "4"]);
  assert.deepEqual(quote(reader, { bs: 9, ap: null }), ["1", "9", "3", "4"]);
  assert.deepEqual(quote(reader, { s: "Y", bp: 5 }), ["5", null, null, null]);
  assert.deepEqual(quote(reader, { bp: 6 }, 2), ["6", null, null, null]);
  assert.equal(quote(reader, {}), undefined);
  reader.normalizer.forgetSession(1);
  assert.deepEqual(quote(reader, { bp: 7 }), ["7", null, null, null]);
});

Deno.test("a quote of a single side that is zero is no event, two say that the book is empty, and a partial one may carry sizes alone", () => {
  const plain = new DescribedReader(describedFrames(RULE.replace("merge = true", "")));
  const read = (fields: object) => plain.read(JSON.stringify({ t: "q", s: "X", ...fields })).events;
  assert.deepEqual(read({ bp: "0.00", bs: "1" }), []);
  const [{ event }] = read({ bp: 0, bs: 0, ap: 0, as: 0 });
  assert.deepEqual(event, { kind: "quote", bid_price: null, bid_size: null, ask_price: null, ask_size: null });
  assert.deepEqual(quote(plain, { bp: 0, bs: 0, ap: 5, as: 6 }), [null, null, "5", "6"]);
  const merged = new DescribedReader(describedFrames(RULE));
  assert.deepEqual(quote(merged, { bp: 1, bs: 2 }), ["1", "2", null, null]);
  assert.deepEqual(quote(merged, { bs: 3 }), ["1", "3", null, null]);
});

Deno.test("a quote without any side is counted, whether it is emitted or not", () => {
  const reader = new DescribedReader(describedFrames(RULE.replace("merge = true", "")));
  const faults = (fields: object) =>
    reader.read(JSON.stringify({ t: "q", s: "X", ...fields })).faults.map(({ code, where }) => [code, where]);
  assert.deepEqual(faults({ bp: 0, bs: 0, ap: 0, as: 0 }), [["empty_quote", "quote"]]);
  assert.deepEqual(faults({ bp: 0, bs: 1 }), [["empty_quote", "quote"]]);
  assert.deepEqual(faults({ bp: 0, bs: 0, ap: 5, as: 6 }), []);
});

Deno.test("merge_start withholds everything before the first image, and an image begins anew", () => {
  const reader = new DescribedReader(describedFrames(`${RULE}merge_start = { "/a" = "image" }\n`));
  assert.equal(quote(reader, { bp: 1 }), undefined);
  assert.deepEqual(quote(reader, { a: "image", bp: 2, bs: 3 }), ["2", "3", null, null]);
  assert.deepEqual(quote(reader, { ap: 4 }), ["2", "3", "4", null]);
  assert.deepEqual(quote(reader, { a: "image", bp: 5 }), ["5", null, null, null]);
});

Deno.test("without merge a derivative ticker is what its frame carries", () => {
  const reader = new DescribedReader(describedFrames(`
[[events]]
kind = "derivative_ticker"
symbol = "/s"
mark_price = "/m"
index_price = "/i"
`));
  reader.read('{"s":"X","m":1}');
  const [event] = reader.events('{"s":"X","i":2}') as { mark_price: string | null }[];
  assert.equal(event.mark_price, null);
});

Deno.test("what is merged outlasts a restart from the saved state", () => {
  const first = new DescribedReader(describedFrames(RULE));
  quote(first, { bp: 1, bs: 2 });
  const second = new DescribedReader(describedFrames(RULE));
  second.normalizer.restoreState(JSON.parse(JSON.stringify(first.normalizer.saveState())));
  assert.deepEqual(quote(second, { ap: 3 }), ["1", "2", "3", null]);
});

Deno.test("Merges evicts the oldest stream past its limit", () => {
  const merges = new Merges();
  const row = (bid_price: string | null, ask_price: string | null) =>
    ({ kind: "quote", bid_price, bid_size: null, ask_price, ask_size: null }) as const;
  for (let i = 0; i <= SESSION_STREAMS_MAX; i++) merges.fill(`quote S${i}`, row("1", null));
  assert.deepEqual(merges.fill("quote S0", row(null, "3")), row(null, "3"));
  assert.deepEqual(merges.fill(`quote S${SESSION_STREAMS_MAX}`, row(null, "3")), row("1", "3"));
});

Deno.test("rows of unmapped symbols past the session's limit are faults, and a new session begins to count anew", () => {
  const reader = new DescribedReader(describedFrames(RULE));
  for (let i = 0; i < SESSION_SYMBOLS_MAX; i++) reader.read(`{"t":"q","s":"S${i}","bp":1}`);
  const { events, faults } = reader.read('{"t":"q","s":"one too many","bp":1}');
  assert.deepEqual([events.length, faults.map(({ code }) => code)], [0, ["too_many_symbols"]]);
  assert.deepEqual(quote(reader, { s: "S0", bp: 2 }), ["2", null, null, null]);
  assert.deepEqual(quote(reader, { s: "one too many", bp: 2 }, 2), ["2", null, null, null]);
});

Deno.test("merge_start without merge is refused", () => {
  assert.deepEqual(describedIssues(RULE.replace("merge = true", 'merge_start = "a == 1"')), [
    "`merge_start` without `merge = true`",
  ]);
});
