import assert from "node:assert/strict";
import { denoHost, type Files } from "../../src/host/mod.ts";
import type { ExchangePlan, InstrumentListPlan, RankingPlan, RunnableExchange } from "../../src/model/mod.ts";
import { InstrumentLists, parseKeptList } from "../../src/rest/mod.ts";
import { rows, source } from "../support/frame_plan.ts";
import { type Reply, restPlan, restRig } from "../support/rest_rig.ts";
import { settle } from "../support/simulated_host.ts";

/** A list whose answers name the page behind them. */
const PAGED: InstrumentListPlan = {
  name: "instruments",
  fields: {},
  values: {},
  method: "GET",
  path: "/instruments",
  body: null,
  rows: rows("/list/*"),
  where: null,
  native: source("/s"),
  canonical: source("/c"),
  next: { at: source("/next"), parameter: "cursor" },
};

function exchange(name: string, unresolved: readonly string[], lists: readonly InstrumentListPlan[]): ExchangePlan {
  const rest = restPlan([], { instruments: lists });
  return {
    name,
    enabled: true,
    runnable: { unresolved, rest, frames: {} } as unknown as RunnableExchange,
  } as unknown as ExchangePlan;
}

/** Files that keep nothing and take no time. */
const FILES: Files = {
  ...denoHost().files,
  stat: () => Promise.resolve(null),
  makeDir: () => Promise.resolve(),
  writeAtomic: () => Promise.resolve(),
};

function listsRig(reply: (url: string, count: number) => Reply) {
  const rig = restRig(reply);
  const changed: string[] = [];
  const lists = new InstrumentLists({
    client: rig.client,
    clock: rig.clock,
    random: rig.random,
    files: FILES,
    dataDir: "/nowhere",
    observe: (one) => rig.seen.push(one),
    onChange: (name) => changed.push(name),
    onPages: () => {},
  });
  return { ...rig, lists, changed };
}

function page(symbols: readonly string[], cursor = ""): Reply {
  const list = symbols.map((symbol) => ({ s: `${symbol}USDT`, c: `${symbol}/USDT:USDT` }));
  return { body: JSON.stringify({ list, next: cursor }) };
}

Deno.test("InstrumentLists asks page by page, the failing page again, and keeps what all of them say", async () => {
  const rig = listsRig((url, count) =>
    url.includes("cursor=two") ? count < 3 ? { status: 500 } : page(["BAR"]) : page(["FOO"], "two")
  );
  await rig.lists.want([exchange("one", ["BAR/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(5_000);
  assert.equal(rig.asked.length, 4);
  assert.deepEqual([...rig.lists.maps.get("one")?.natives ?? []], [["FOO/USDT:USDT", "FOOUSDT"], [
    "BAR/USDT:USDT",
    "BARUSDT",
  ]]);
  assert.deepEqual(rig.changed, ["one"]);
  assert.equal(rig.lists.status("one")?.state, "fetched");
  rig.lists.stop();
});

Deno.test("InstrumentLists stops at a page that was given already", async () => {
  const rig = listsRig((url) => page([url.includes("cursor") ? "BAR" : "FOO"], "again"));
  await rig.lists.want([exchange("one", ["BAR/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(5_000);
  assert.equal(rig.asked.length, 2);
  assert.equal(rig.lists.maps.get("one")?.natives.size, 2);
  rig.lists.stop();
});

Deno.test("InstrumentLists looks again, less and less often, while a configured symbol is in no list", async () => {
  const rig = listsRig((_, count) => page(count < 4 ? ["FOO"] : ["FOO", "NEW"]));
  await rig.lists.want([exchange("one", ["FOO/USDT:USDT", "NEW/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(1);
  assert.deepEqual(rig.lists.status("one")?.unresolved, ["NEW/USDT:USDT"]);
  assert.ok(rig.seen.some((one) => one.kind === "symbols_unresolved" && one.symbols.includes("NEW/USDT:USDT")));
  await rig.clock.advance(3_600_000);
  assert.equal(rig.asked.length, 4, "not again once all are known");
  assert.deepEqual(rig.lists.status("one")?.unresolved, []);
  const delays = rig.asked.slice(1).map(({ atMs }, i) => atMs - rig.asked[i].atMs);
  assert.ok(delays.every((delay, i) => i === 0 || delay > delays[i - 1]));
  rig.lists.stop();
});

Deno.test("InstrumentLists looks at once where a reload adds a symbol that the list lacks", async () => {
  const rig = listsRig((_, count) => page(count < 2 ? ["FOO"] : ["FOO", "NEW"]));
  await rig.lists.want([exchange("one", ["FOO/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(600_000);
  assert.equal(rig.asked.length, 1);
  await rig.lists.want([exchange("one", ["FOO/USDT:USDT", "NEW/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(1);
  assert.equal(rig.asked.length, 2);
  assert.deepEqual(rig.lists.status("one")?.unresolved, []);
  rig.lists.stop();
});

Deno.test("InstrumentLists forgets instances that are gone, and asks anew where one asks elsewhere", async () => {
  const rig = listsRig(() => page(["FOO"]));
  await rig.lists.want([exchange("one", ["FOO/USDT:USDT"], [PAGED])]);
  await rig.clock.advance(1);
  await rig.lists.want([exchange("one", ["FOO/USDT:USDT"], [{ ...PAGED, path: "/elsewhere" }])]);
  await rig.clock.advance(1);
  assert.equal(rig.asked.length, 2);
  await rig.lists.want([]);
  assert.equal(rig.lists.status("one"), null);
  assert.equal(rig.lists.maps.size, 0);
  await settle();
  assert.equal(rig.clock.pending, 0);
});

/** An instance that selects of its list, and ranks it. */
function selecting(name: string): ExchangePlan {
  const ranking: RankingPlan = {
    method: "GET",
    path: "/tickers",
    body: null,
    rows: rows("/list/*"),
    where: null,
    native: source("/s"),
    families: ["linear"],
    values: { quote_volume: source("/v") },
  };
  const rest = restPlan([], { instruments: [PAGED], rankings: [ranking] });
  const selection = { patterns: [], refreshMs: 120_000, isKnown: false, isRanked: true };
  return {
    name,
    enabled: true,
    runnable: { unresolved: [], rest, selection, frames: {}, instrumentsRefreshMs: 1 } as unknown as RunnableExchange,
  } as unknown as ExchangePlan;
}

Deno.test("InstrumentLists asks again on a timer where patterns select, and knows what rankings measure", async () => {
  const rig = listsRig((url, count) =>
    url.includes("/tickers")
      ? { body: JSON.stringify({ list: [{ s: "FOOUSDT", v: String(count) }, { s: "ODD", v: "1" }] }) }
      : page(count < 5 ? ["FOO"] : ["FOO", "NEW"])
  );
  await rig.lists.want([selecting("one")]);
  await rig.clock.advance(1);
  const list = () => rig.lists.maps.get("one");
  assert.deepEqual([...list()?.natives.keys() ?? []], ["FOO/USDT:USDT"]);
  assert.deepEqual([...list()?.values ?? []].map(([symbol]) => symbol), ["FOO/USDT:USDT"]);
  assert.equal(rig.lists.status("one")?.state, "fetched");
  const changes = rig.changed.length;
  await rig.clock.advance(600_000);
  assert.ok(rig.changed.length > changes);
  assert.deepEqual([...list()?.natives.keys() ?? []], ["FOO/USDT:USDT", "NEW/USDT:USDT"]);
  rig.lists.stop();
});

Deno.test("InstrumentLists keeps what lists say besides, for instances whose map has every symbol too", async () => {
  const list = { ...PAGED, values: { tick: source("/t") } };
  const rig = listsRig(() => ({ body: JSON.stringify({ list: [{ s: "FOOUSDT", c: "FOO/USDT:USDT", t: "0.5" }] }) }));
  await rig.lists.want([exchange("one", [], [list])]);
  await rig.clock.advance(1);
  assert.deepEqual([...rig.lists.maps.get("one")?.values ?? []], [["FOO/USDT:USDT", { tick: "0.5" }]]);
  rig.lists.stop();
});

Deno.test("a kept list holds what was measured, and is read in its earlier form too", () => {
  assert.deepEqual(parseKeptList('{"A/B":"AB","C/D":["CD",{"quote_volume":"5"}]}'), {
    natives: new Map([["A/B", "AB"], ["C/D", "CD"]]),
    values: new Map([["C/D", { quote_volume: "5" }]]),
  });
  for (const text of ['{"A/B":[]}', '{"A/B":7}', '{"A/B":null}', "{}", "[]", "x"]) {
    assert.equal(parseKeptList(text), null);
  }
});
