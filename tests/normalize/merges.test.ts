import assert from "node:assert/strict";
import { STREAMS_MAX } from "../../src/model/mod.ts";
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

Deno.test("what is merged is bounded: the oldest stream goes first", () => {
  const reader = new DescribedReader(describedFrames(RULE));
  quote(reader, { bp: 1 });
  for (let i = 0; i < STREAMS_MAX; i++) reader.read(`{"t":"q","s":"S${i}","bp":1}`);
  assert.deepEqual(quote(reader, { ap: 3 }), [null, null, "3", null]);
  assert.deepEqual(quote(reader, { s: `S${STREAMS_MAX - 1}`, ap: 3 }), ["1", null, "3", null]);
});

Deno.test("merge_start without merge is refused", () => {
  assert.deepEqual(describedIssues(RULE.replace("merge = true", 'merge_start = "a == 1"')), [
    "`merge_start` without `merge = true`",
  ]);
});
