import assert from "node:assert/strict";
import { EventRows } from "../../src/model/mod.ts";
import { sinkFilter } from "../../src/sink/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";

const event = (exchange: string, symbol: string, native_symbol = symbol.replace("/", "")) =>
  envelope(1, trade("1"), { exchange, symbol, native_symbol });

function isTaken(filter: ReturnType<typeof sinkFilter>, of: ReturnType<typeof event>): boolean {
  return filter === null || EventRows.from([of]).filter(filter).length === 1;
}

/** Whether a filter by exchanges and symbols takes the event. */
function takes(filter: { exchanges?: readonly string[]; symbols?: readonly string[] }, of: ReturnType<typeof event>) {
  return isTaken(sinkFilter({ kinds: null, ...filter }), of);
}

Deno.test("sinkFilter() is null where a sink receives everything", () => {
  assert.equal(sinkFilter({ kinds: null }), null);
});

Deno.test("sinkFilter() takes what a pattern fits and leaves out what an exclusion fits", () => {
  assert.ok(takes({ exchanges: ["alpha*"] }, event("alpha_spot", "BTC/USDT")));
  assert.ok(!takes({ exchanges: ["alpha"] }, event("alpha_spot", "BTC/USDT")));
  assert.ok(takes({ symbols: ["*/USDT"] }, event("alpha", "BTC/USDT")));
  assert.ok(!takes({ symbols: ["*/USDT"] }, event("alpha", "BTC/USDT:USDT")));
  assert.ok(takes({ symbols: ["???/*"] }, event("alpha", "BTC/USDT:USDT")));
  assert.ok(!takes({ symbols: ["*", "!*UP/USDT"] }, event("alpha", "BTCUP/USDT")));
  assert.ok(takes({ symbols: ["!*UP/USDT"] }, event("alpha", "BTC/USDT")), "exclusions alone leave out of everything");
});

Deno.test("sinkFilter() holds symbols against both spellings, and signs of expressions stand for themselves", () => {
  assert.ok(takes({ symbols: ["XBT.USD+"] }, event("alpha", "BTC/USD", "XBT.USD+")));
  assert.ok(!takes({ symbols: ["XBT.USD+"] }, event("alpha", "BTC/USD", "XBTxUSDD")));
  assert.ok(!takes({ symbols: ["*", "!XBT*"] }, event("alpha", "BTC/USD", "XBTUSD")));
});

Deno.test("sinkFilter() passes what concerns no single symbol, of the exchanges that are wanted", () => {
  const filter = { exchanges: ["alpha"], symbols: ["BTC/*"] };
  assert.ok(takes(filter, event("alpha", "")));
  assert.ok(!takes(filter, event("beta", "")));
});

Deno.test("sinkFilter() takes kinds besides", () => {
  assert.ok(!isTaken(sinkFilter({ kinds: ["quote"], exchanges: ["alpha"] }), event("alpha", "BTC/USDT")));
});
