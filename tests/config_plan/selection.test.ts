import assert from "node:assert/strict";
import { buildExchange } from "../../src/config/plan/build_exchange.ts";
import type { ListedInstrument } from "../../src/config/plan/input.ts";
import { descriptorTable, planInput } from "./plan_input.ts";

const REST = {
  base_urls: ["https://x.test"],
  instruments: [{ path: "/list", rows: "/*", native: "/s", canonical: "/c" }],
  rankings: [{ path: "/tickers", rows: "/*", native: "/s", values: { quote_volume: "/v", trades: "/n" } }],
};

const LIST: readonly ListedInstrument[] = [["BTC/USDT", 5], ["ETH/USDT", 40], ["BTCUP/USDT", 900], ["ETH/BTC", 3], [
  "XRP/USDT",
  5,
]].map(([canonical, volume]) => ({
  canonical: String(canonical),
  native: String(canonical).replace("/", ""),
  values: { quote_volume: String(volume) },
}));

/** What symbols stand for, and what is said about them: by a list, or by a map where there is no list. */
function select(
  symbols: readonly string[],
  from: { listed?: readonly ListedInstrument[]; map?: Record<string, string>; max?: number } = {},
) {
  const { listed, map, max } = from;
  const descriptor = descriptorTable(map === undefined ? { rest: REST } : {});
  const instance = { symbols, ...(max === undefined ? {} : { symbols_max: max }) };
  const { runnable, issues } = buildExchange({ ...planInput({ descriptor, instance, map }), listed });
  return {
    symbols: runnable?.instruments.map(({ symbol }) => symbol) ?? null,
    selection: runnable?.selection,
    issues: issues.map(({ severity, file, message }) =>
      `${severity} ${file.replace("collector/exchange/0/", "")}: ${message}`
    ),
  };
}

for (
  const [symbols, expected] of [
    [["*/USDT"], ["BTC/USDT", "ETH/USDT", "BTCUP/USDT", "XRP/USDT"]],
    [["*/USDT", "!*UP/USDT"], ["BTC/USDT", "ETH/USDT", "XRP/USDT"]],
    [["!*UP/USDT", "*/USDT"], ["BTC/USDT", "ETH/USDT", "XRP/USDT"]],
    [["!*/USDT"], ["ETH/BTC"]],
    [["???/BTC", "XRP*"], ["ETH/BTC", "XRP/USDT"]],
    [["BTCUSD?"], ["BTC/USDT"]],
    [["top:2 by quote_volume"], ["ETH/USDT", "BTCUP/USDT"]],
    [["*/USDT", "!*UP/USDT", "top:2 by quote_volume"], ["BTC/USDT", "ETH/USDT"]],
    [["TOP:1", "*/BTC"], ["ETH/BTC"]],
    // What is named stays, whatever patterns leave out, and is not there twice.
    [["BTCUP/USDT", "*/USDT", "!*UP/USDT", "top:1"], ["BTCUP/USDT", "ETH/USDT"]],
    [["ETH/USDT", "E*"], ["ETH/USDT", "ETH/BTC"]],
  ] as const
) {
  Deno.test(`symbols ${JSON.stringify(symbols)} select ${expected.join(", ")}`, () => {
    const { symbols: found, issues } = select(symbols, { listed: LIST });
    assert.deepEqual(found, expected);
    assert.deepEqual(issues, []);
  });
}

Deno.test("a selection says what each pattern means", () => {
  const { selection } = select(["*/USDT", "!*UP/USDT", "top:2 by quote_volume"], { listed: LIST });
  assert.deepEqual(selection, {
    refreshMs: 3_600_000,
    isRanked: true,
    isKnown: true,
    patterns: [{ text: "*/USDT", symbols: 4 }, { text: "!*UP/USDT", symbols: 1 }, {
      text: "top:2 by quote_volume",
      symbols: 2,
    }],
  });
});

Deno.test("without the list patterns wait for it, and what is named does not", () => {
  const { symbols, selection, issues } = select(["*/USDT", "top:2"]);
  assert.deepEqual([symbols, selection?.isKnown], [[], false]);
  assert.deepEqual(issues, [
    "warning symbols/0: What patterns stand for is known with the exchange's instrument list, which the collector asks " +
    "for: no list of an earlier run is here",
  ]);
  const unranked = select(["*/USDT", "top:2"], { listed: LIST.map((one) => ({ ...one, values: {} })) });
  assert.equal(unranked.selection?.isKnown, false);
  assert.equal(select(["*/USDT"], { listed: LIST.map((one) => ({ ...one, values: {} })) }).symbols?.length, 4);
});

Deno.test("a descriptor without a list selects of its symbol map", () => {
  const map = { "A/B": "AB", "C/B": "CB", "A/D": "AD" };
  assert.deepEqual(select(["*/B"], { map }).symbols, ["A/B", "C/B"]);
  assert.deepEqual(select(["*/B", "*/X"], { map }).issues, [
    'error symbols/1: Pattern "*/X" fits none of the 3 instruments in the symbol map',
  ]);
  assert.match(
    select(["*/B", "top:2"], { map }).issues.join(),
    /top:2: the descriptor does not say where the exchange lists quote_volume/,
  );
  assert.match(
    select(["*/B"], { map: {} }).issues.join(),
    /neither an instrument list \(\[\[rest\.instruments\]\]\) nor a symbol map/,
  );
});

Deno.test("patterns that fit nothing, are none, or select too much are told where they stand", () => {
  const issues = (symbols: readonly string[], max?: number) => select(symbols, { listed: LIST, max }).issues;
  assert.deepEqual(issues(["*/USDT", "*/XYZ"]), [
    `warning symbols/1: Pattern "*/XYZ" fits none of the 5 instruments in the exchange's instrument list`,
  ]);
  assert.deepEqual(issues(["*/XYZ"]).slice(1), [
    "error symbols: The patterns select none of the 5 instruments in the exchange's instrument list",
  ]);
  assert.match(
    issues(["top:0 by x", "*/USDT"]).join(),
    /^error symbols\/0: Not a selection: "top:0 by x"; it is written like/,
  );
  assert.match(issues(["top:5 by volume"]).join(), /no measure volume; it has quote_volume and trades/);
  assert.match(issues(["!", "*/USDT"]).join(), /Nothing to leave out: "!"/);
  assert.match(issues(["BTC/{USDT,USDC}"]).join(), /Not a symbol: "BTC\/\{USDT,USDC\}"; patterns have/);
  assert.match(issues(["*"], 2).join(), /warning symbols: Patterns select 5 symbols, more than symbols_max = 2/);
  assert.deepEqual(select(["*"], { listed: LIST, max: 2 }).symbols, ["BTC/USDT", "BTCUP/USDT"]);
});
