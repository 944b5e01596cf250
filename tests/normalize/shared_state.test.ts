import assert from "node:assert/strict";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";

const RULES = `
[[events]]
kind = "option_summary"
name = "ticker"
when = { "/t" = "ticker" }
symbol = "/s"
bid_price = { at = "/b", absent = [""] }
last_price = "/l"
state = "options"
emit = "never"
[[events]]
kind = "option_summary"
name = "index"
when = { "/t" = "index" }
symbol = "/i"
underlying_price = "/p"
state = "options"
emit = "never"
[[events]]
kind = "option_summary"
name = "summary"
when = { "/t" = "summary" }
symbol = "/s"
mark_iv = { at = "/v", absent = [""] }
delta = "/d"
underlying_index = "/u"
state = "options"
state_of = "u"
`;

interface Summary {
  readonly bid_price: string | null;
  readonly last_price: string | null;
  readonly mark_iv: string | null;
  readonly underlying_price: string | null;
}

function read(reader: DescribedReader, frame: object, session = 1): readonly (string | null)[][] {
  return (reader.events(JSON.stringify(frame), session) as Summary[]).map((event) => [
    event.bid_price,
    event.last_price,
    event.mark_iv,
    event.underlying_price,
  ]);
}

Deno.test("rules of one state know together, by symbol and by a second key, and those that never emit say nothing", () => {
  const reader = new DescribedReader(describedFrames(RULES));
  assert.deepEqual(read(reader, { t: "ticker", s: "A", b: "1", l: "2" }), []);
  assert.deepEqual(read(reader, { t: "index", i: "BTC", p: "100" }), []);
  assert.deepEqual(read(reader, { t: "summary", s: "A", v: "0.5", d: "1", u: "BTC" }), [["1", "2", "0.5", "100"]]);
  assert.deepEqual(read(reader, { t: "summary", s: "B", v: "0.6", d: "1", u: "ETH" }), [[null, null, "0.6", null]]);
  assert.deepEqual(read(reader, { t: "index", i: "BTC", p: "101" }), []);
  assert.deepEqual(read(reader, { t: "summary", s: "A", v: "0.5", d: "1", u: "BTC" }), [["1", "2", "0.5", "101"]]);
  assert.deepEqual(read(reader, { t: "summary", s: "A", v: "0.5", d: "1", u: "BTC" }, 2), [[null, null, "0.5", null]]);
});

Deno.test("a row of a shared state is whole in the fields that its rule names: what it lacks is no longer known", () => {
  const reader = new DescribedReader(describedFrames(RULES));
  read(reader, { t: "ticker", s: "A", b: "1", l: "2" });
  read(reader, { t: "ticker", s: "A", b: "", l: "3" });
  assert.deepEqual(read(reader, { t: "summary", s: "A", v: "", d: "1" }), [[null, "3", null, null]]);
});

Deno.test("what is shared outlasts a restart from the saved state", () => {
  const first = new DescribedReader(describedFrames(RULES));
  read(first, { t: "ticker", s: "A", b: "1", l: "2" });
  const second = new DescribedReader(describedFrames(RULES));
  second.normalizer.restoreState(JSON.parse(JSON.stringify(first.normalizer.saveState())));
  assert.deepEqual(read(second, { t: "summary", s: "A", v: "0.5", d: "1" }), [["1", "2", "0.5", null]]);
});

Deno.test("emit = changed leaves out an event that says what the last one of its symbol said", () => {
  const reader = new DescribedReader(describedFrames(`
[[events]]
kind = "derivative_ticker"
symbol = "/s"
exchange_ts = "/t"
mark_price = "/m"
index_price = "/i"
merge = true
emit = "changed"
`));
  const marks = (frame: object) =>
    (reader.events(JSON.stringify(frame)) as { mark_price: string; index_price: string }[])
      .map(({ mark_price, index_price }) => `${mark_price} ${index_price}`);
  assert.deepEqual(marks({ s: "A", t: 1, m: "5", i: "4" }), ["5 4"]);
  assert.deepEqual(marks({ s: "A", t: 2, m: "5" }), []);
  assert.deepEqual(marks({ s: "A", t: 3, i: "6" }), ["5 6"]);
  assert.deepEqual(marks({ s: "B", t: 3, i: "6" }), ["null 6"]);
});

Deno.test("a state that nothing names, and rows that could not be known to anyone, are issues", () => {
  const rule = (more: string) => `
[[events]]
kind = "quote"
symbol = "/s"
bid_price = "/b"
${more}
`;
  assert.deepEqual(describedIssues(rule('state_of = "u"')), [
    "`state_of` without `state`: name the shared `state`",
  ]);
  assert.deepEqual(describedIssues(rule('emit = "never"')), [
    '`emit = "never"` without `state`: the rule would do nothing; name a `state`',
  ]);
});
