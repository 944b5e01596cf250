import assert from "node:assert/strict";
import { SESSION_STREAMS_MAX } from "../../src/model/mod.ts";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";

const ROUTED = `
[parse]
route_key = "/0"
[[subscriptions]]
connection_id = "public"
generator = "// nothing"
ack = { field = "/event", value = "subscribed", route = { key = "/chanId", set = { channel = "/channel", symbol = "/symbol", key = "/key" } } }
[[control]]
name = "unsubscribed"
when = { "/event" = "unsubscribed" }
route = { key = "/chanId", forget = true }
[[events]]
kind = "trade"
when = { "route.channel" = "trades", "/1" = "te" }
rows = "/2"
symbol = "route.symbol"
price = "/3"
size = "abs([2])"
side = { at = "sign([2])", map = { "1" = "buy", "-1" = "sell" } }
[[events]]
kind = "derivative_ticker"
when = "route.channel == 'status' && starts_with(route.key, 'deriv:')"
rows = "/1"
symbol = "strip_prefix(route.key, 'deriv:')"
mark_price = "/0"
`;

const TRADES = '{"event":"subscribed","channel":"trades","chanId":89,"symbol":"tBTCUSD"}';
const STATUS = '{"event":"subscribed","channel":"status","chanId":90,"key":"deriv:tBTCF0:USTF0"}';
const TRADE = '[89,"te",[1,2,-0.5,10087.98969503]]';

/** Symbols and kinds of a frame's events; the fault's code where there is one. */
function shown(reader: DescribedReader, text: string, session = 1): readonly string[] {
  const { events, faults } = reader.read(text, session);
  return [...events.map(({ symbol, event }) => `${event.kind} ${symbol}`), ...faults.map(({ code }) => code)];
}

Deno.test("a route tells later frames by the key that an acknowledgement assigned", () => {
  const reader = new DescribedReader(describedFrames(ROUTED));
  assert.deepEqual(shown(reader, TRADE), ["unmatched"]);
  reader.read(TRADES);
  reader.read(STATUS);
  assert.deepEqual(reader.events(TRADE), [
    { kind: "trade", trade_id: null, price: "10087.98969503", size: "0.5", side: "sell" },
  ]);
  assert.deepEqual(shown(reader, "[90,[86676.3]]"), ["derivative_ticker tBTCF0:USTF0"]);
});

Deno.test("a route belongs to its session and is forgotten with it, or where a frame says so", () => {
  const reader = new DescribedReader(describedFrames(ROUTED));
  reader.read(TRADES, 1);
  assert.deepEqual(shown(reader, TRADE, 2), ["unmatched"]);
  reader.read(TRADES.replace("tBTCUSD", "tETHUSD"), 2);
  assert.deepEqual(shown(reader, TRADE, 1), ["trade tBTCUSD"]);
  assert.deepEqual(shown(reader, TRADE, 2), ["trade tETHUSD"]);
  reader.normalizer.forgetSession(1);
  assert.deepEqual(shown(reader, TRADE, 1), ["unmatched"]);
  reader.read('{"event":"unsubscribed","chanId":89}', 2);
  assert.deepEqual(shown(reader, TRADE, 2), ["unmatched"]);
});

Deno.test("a key that is assigned again has its new meaning alone", () => {
  const reader = new DescribedReader(describedFrames(ROUTED));
  reader.read(STATUS);
  reader.read(TRADES.replace("89", "90"));
  assert.deepEqual(shown(reader, "[90,[86676.3]]"), ["unmatched"]);
});

Deno.test("routes outlast a restart from the saved state", () => {
  const first = new DescribedReader(describedFrames(ROUTED));
  first.read(TRADES, 7);
  const second = new DescribedReader(describedFrames(ROUTED));
  second.normalizer.restoreState(JSON.parse(JSON.stringify(first.normalizer.saveState())));
  assert.deepEqual(shown(second, TRADE, 7), ["trade tBTCUSD"]);
});

Deno.test("routes are bounded: the oldest goes first", () => {
  const reader = new DescribedReader(describedFrames(ROUTED));
  reader.read(TRADES);
  for (let id = 100; id < 100 + SESSION_STREAMS_MAX; id++) reader.read(TRADES.replace("89", String(id)));
  assert.deepEqual(shown(reader, TRADE), ["unmatched"]);
  assert.deepEqual(shown(reader, TRADE.replace("89", "100")), ["trade tBTCUSD"]);
});

Deno.test("a descriptor whose routes nothing reads, or that name no text, is refused", () => {
  assert.deepEqual(describedIssues(ROUTED.replace('route_key = "/0"', "")), [
    "No `route_key` in [parse]: it says where later frames carry the key",
    "No `route_key` in [parse]: it says where later frames carry the key",
  ]);
  assert.deepEqual(describedIssues(ROUTED.replace('symbol = "route.symbol"', 'symbol = "route"')), [
    "`route` is followed by one name, as in route.symbol",
  ]);
  assert.deepEqual(describedIssues(ROUTED.replace(", forget = true", "")), [
    "A route has either `set`, what is remembered, or `forget = true`",
  ]);
});
