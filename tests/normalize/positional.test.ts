import assert from "node:assert/strict";
import { describedFrames, DescribedReader } from "../support/described.ts";

const RULES = `
[parse]
route_key = "/0"
[[subscriptions]]
connection_id = "public"
generator = "// nothing"
ack = { field = "/event", value = "subscribed", route = { key = "/chanId", set = { channel = "/channel", symbol = "/symbol", key = "/key" } } }
[event_defaults]
symbol = "route.symbol"
levels = "/1/*"
side = { at = "sign([2])", map = { 1 = "bid", -1 = "ask" } }
level = { price = "/0", size = "[1] == 0 ? '0' : abs([2])" }
[[events]]
kind = "book"
name = "image"
when = { "route.channel" = "book", "/1/0" = { is = "array" } }
snapshot = true
[[events]]
kind = "book"
name = "change"
when = { "route.channel" = "book", "/1/0" = { is = "number" } }
levels = "/1"
[[events]]
kind = "liquidation"
when = "route.key == 'liq:global'"
rows = "/1/*"
where = "[8] == 0"
symbol = "/4"
id = "/1"
size = "abs([5])"
price = "/6"
side = { at = "sign([5])", map = { -1 = "buy", 1 = "sell" } }
`;

const ROWS_OF_BOTH_SIDES = `
[[events]]
kind = "book"
snapshot = true
symbol = "/code"
bids = "/units/*"
asks = "/units/*"
bid_level = { price = "bid_price == 0 ? null : bid_price", size = "/bid_size" }
ask_level = { price = "ask_price == 0 ? null : ask_price", size = "/ask_size" }
drop_malformed_levels = true
`;

Deno.test("positional arrays become books by the type of their first element and the sign of their last", () => {
  const reader = new DescribedReader(describedFrames(RULES));
  reader.read('{"event":"subscribed","channel":"book","chanId":7,"symbol":"tETHUSD"}');
  assert.deepEqual(reader.events("[7,[[216,2,31.52],[218.75,1,-13.33333333]],10]"), [
    { kind: "book_snapshot", bids: [["216", "31.52"]], asks: [["218.75", "13.33333333"]], sequence: null },
  ]);
  const none = { first_sequence: null, last_sequence: null, previous_sequence: null };
  assert.deepEqual(reader.events("[7,[219.11,3,-18.10913638],45]"), [
    { kind: "book_delta", bids: [], asks: [["219.11", "18.10913638"]], ...none },
  ]);
  assert.deepEqual(reader.events("[7,[218.99,0,1],61]"), [
    { kind: "book_delta", bids: [["218.99", "0"]], asks: [], ...none },
  ]);
});

Deno.test("a feed over all symbols names them in its rows, whatever its key was acknowledged for", () => {
  const reader = new DescribedReader(describedFrames(RULES));
  reader.read('{"event":"subscribed","channel":"status","chanId":8,"key":"liq:global"}');
  const row = (flag: number) =>
    `["pos",143683674,1593522802742,null,"tBTCF0:USTF0",0.5,9135.9,null,${flag},1,null,9080]`;
  const { events } = reader.read(`[8,[${row(0)},${row(1)}],7]`);
  assert.deepEqual(events.map(({ symbol, event }) => [symbol, event]), [
    ["tBTCF0:USTF0", { kind: "liquidation", id: "143683674", price: "9135.9", size: "0.5", side: "sell" }],
  ]);
});

Deno.test("rows that hold both sides give both, without the side whose price is 0", () => {
  const reader = new DescribedReader(describedFrames(ROWS_OF_BOTH_SIDES));
  const units = [
    { ask_price: 41840, bid_price: 41730, ask_size: 103.6, bid_size: 47.62562404 },
    { ask_price: 0, bid_price: 41720, ask_size: 102.9, bid_size: 250 },
  ];
  assert.deepEqual(reader.events(JSON.stringify({ code: "KRW-DOT", units })), [{
    kind: "book_snapshot",
    bids: [["41730", "47.62562404"], ["41720", "250"]],
    asks: [["41840", "103.6"]],
    sequence: null,
  }]);
});
