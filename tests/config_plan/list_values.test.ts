import assert from "node:assert/strict";
import { buildExchange } from "../../src/config/plan/mod.ts";
import type { ListedInstrument } from "../../src/config/plan/input.ts";
import { showRequest } from "../../src/model/mod.ts";
import { FrameMemory, Normalizer } from "../../src/normalize/mod.ts";
import { descriptorTable, planInput } from "./plan_input.ts";

const LIST = [{ path: "/list", rows: "/*", native: "/s", canonical: "/c", values: { tick: "/t", scale: "/e" } }];

function row(base: string, values: Readonly<Record<string, string>>): ListedInstrument {
  return { canonical: `${base}/USDT`, native: `${base}USDT`, values };
}

/** An instance whose books are asked for by the tick of each instrument. */
function build(
  { listed, over = {}, map }: {
    readonly listed?: readonly ListedInstrument[];
    readonly over?: Readonly<Record<string, unknown>>;
    readonly map?: Readonly<Record<string, string>>;
  },
) {
  const descriptor = descriptorTable({
    rest: { base_urls: ["https://x.test"], instruments: LIST },
    subscriptions: [{
      connection_id: "public",
      generator: `foreach (s in symbols) { emit('{"sub":"{symbol}_{sym:tick}"}'); }`,
    }],
    events: [{ kind: "trade", symbol: "/s", price: "shift(p, neg(listed(s, 'scale') ?? '2'))", size: "/q" }],
    ...over,
  });
  const instance = { symbols: ["BTC/USDT", "ETH/USDT"] };
  const { runnable, issues } = buildExchange({ ...planInput({ descriptor, instance, map }), listed });
  return {
    runnable,
    sent: runnable?.connections.flatMap(({ requests }) => requests.map(({ message }) => showRequest(message, 1))),
    issues: issues.map(({ severity, message }) => `${severity}: ${message}`),
  };
}

const LISTED = [row("BTC", { tick: "0.10", scale: "4", quote_volume: "7" }), row("ETH", { tick: "0.01" })];

Deno.test("{sym:NAME} is what the exchange's list says of each instrument", () => {
  const { sent, issues } = build({ listed: LISTED });
  assert.deepEqual(sent, ['{"sub":"BTCUSDT_0.10"}', '{"sub":"ETHUSDT_0.01"}']);
  assert.deepEqual(issues, []);
});

Deno.test("an instrument waits for the list that requests need, also one of the map, and an argument stands in for it", () => {
  const map = { "BTC/USDT": "BTCUSDT", "ETH/USDT": "ETHUSDT" };
  const waiting = build({ map });
  assert.deepEqual([waiting.runnable?.instruments, waiting.runnable?.unresolved], [[], ["BTC/USDT", "ETH/USDT"]]);
  assert.deepEqual(waiting.issues, [
    "warning: Requests hold tick of BTC/USDT and ETH/USDT, which the exchange's instrument list gives: they wait for it",
  ]);
  const half = build({ map, listed: [LISTED[0], row("ETH", {})] });
  assert.deepEqual([half.sent, half.runnable?.unresolved], [['{"sub":"BTCUSDT_0.10"}'], ["ETH/USDT"]]);
  const standing = build({ map, over: { args: { tick: "0.5" } } });
  assert.deepEqual(standing.sent, ['{"sub":"BTCUSDT_0.5"}', '{"sub":"ETHUSDT_0.5"}']);
  assert.deepEqual(build({ map, listed: LISTED, over: { args: { tick: "0.5" } } }).sent?.[0], '{"sub":"BTCUSDT_0.10"}');
});

Deno.test("[symbol_values] compute with what the list says, and a name that nothing gives is an error", () => {
  const computed = build({ listed: LISTED, over: { symbol_values: { tick: "replace(list.tick, '.', '_')" } } });
  assert.deepEqual(computed.sent?.[0], '{"sub":"BTCUSDT_0_10"}');
  const generator = `foreach (s in symbols) { emit('{"sub":"{sym:tik}"}'); }`;
  const { issues } = build({ listed: LISTED, over: { subscriptions: [{ connection_id: "public", generator }] } });
  assert.match(issues.join(), /tik/);
});

Deno.test("listed() gives rules the scale of the instrument, and what no list says is null", () => {
  const { runnable } = build({ listed: LISTED });
  assert.ok(runnable !== null);
  assert.deepEqual(runnable.frames.connections[0].listed, {
    BTCUSDT: { tick: "0.10", scale: "4" },
    ETHUSDT: { tick: "0.01" },
  });
  const normalizer = new Normalizer(runnable.frames);
  const price = (symbol: string) => {
    const payload = new TextEncoder().encode(`{"s":"${symbol}","p":123456,"q":"1"}`);
    const frame = { connectionId: "public", payload, binary: false, receivedTs: 1 };
    return normalizer.read(frame, new FrameMemory()).events.map(({ event }) => event.kind === "trade" && event.price);
  };
  assert.deepEqual([price("BTCUSDT"), price("ETHUSDT"), price("XRPUSDT")], [["12.3456"], ["1234.56"], ["1234.56"]]);
});
