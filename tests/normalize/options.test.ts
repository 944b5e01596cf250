import assert from "node:assert/strict";
import { parseCanonicalSymbol } from "../../src/model/mod.ts";
import { describedFrames, DescribedReader } from "../support/described.ts";

Deno.test("parseCanonicalSymbol() reads an option's strike and type", () => {
  const parts = (text: string) => {
    const { family, settle, expiry, strike, optionType } = parseCanonicalSymbol(text) ?? {};
    return [family, settle, expiry, strike, optionType];
  };
  assert.deepEqual(parts("BTC/USD:BTC-260327-100000-C"), ["option", "BTC", "260327", "100000", "C"]);
  assert.deepEqual(parts("XRP/USDT:USDT-251219-2.05-P"), ["option", "USDT", "251219", "2.05", "P"]);
  assert.deepEqual(parts("BTC/USD:BTC-260327"), ["inverse", "BTC", "260327", null, null]);
  for (const text of ["BTC/USD:BTC-260327-100000", "BTC/USD:BTC-260327-100000-X", "BTC/USD:BTC-260327--C"]) {
    assert.equal(parseCanonicalSymbol(text), null, text);
  }
});

Deno.test("an option's summary holds what its row and its name say, and a row without any of it is no event", () => {
  const reader = new DescribedReader(describedFrames(`
[[events]]
kind = "option_summary"
symbol = "/s"
exchange_ts = "/t"
option_type = { at = "split(s,'-',3)", map = { C = "call", P = "put" } }
strike_price = "split(s,'-',2)"
expiration_ts = { at = "concat(reformat_date(split(s,'-',1),'YYMMDD','YYYY-MM-DD'),'T08:00:00Z')", unit = "iso" }
bid_iv = { at = "/b", absent = ["-1.0"] }
mark_price = "/m"
delta = "/d"
underlying_index = "split(s,'-',0)"
`));
  const [event] = reader.events('{"s":"BTC-251219-89000-C","t":1,"b":"-1.0","m":"1450.50","d":-0.75}') as object[];
  assert.deepEqual(Object.entries(event).filter(([, value]) => value !== null), [
    ["kind", "option_summary"],
    ["option_type", "call"],
    ["strike_price", "89000"],
    ["expiration_ts", Date.parse("2025-12-19T08:00:00Z") * 1000],
    ["mark_price", "1450.50"],
    ["delta", "-0.75"],
    ["underlying_index", "BTC"],
  ]);
  assert.deepEqual(reader.events('{"s":"BTC-251219-89000-C","t":1,"b":"-1.0"}'), []);
});
