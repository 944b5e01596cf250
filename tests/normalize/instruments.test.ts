import assert from "node:assert/strict";
import type { FramePlan, InstrumentListRule, Micros } from "../../src/model/mod.ts";
import { FrameMemory, Normalizer } from "../../src/normalize/mod.ts";
import { field, framePlan, rows, source, when } from "../support/frame_plan.ts";

const DAY = 24 * 3_600_000_000;

const LIST: InstrumentListRule = {
  name: "instruments",
  rows: rows("/list/*"),
  where: when({ "/open": "true" }),
  native: source("/s"),
  canonical: source("/c"),
  next: { at: source("/next"), parameter: "cursor" },
  fields: { tick_size: field("/tick"), contract_size: field("/value"), status: field("/state") },
};

interface Row {
  readonly s: string;
  readonly c: string;
  readonly [name: string]: unknown;
}

const SPOT: Row = { s: "AB", c: "A/B", tick: "0.10", state: "live", open: true };
const SWAP: Row = { s: "AB-SWAP", c: "A/B:B", tick: "0.5", value: "0.01", state: "live", open: true };

/** Reads pages one after the other, each at its time; gives what was told by page. */
function reading(asked: Readonly<Record<string, string>> | null, list: Partial<InstrumentListRule> = {}) {
  const frames: FramePlan = { ...framePlan({}), instruments: { lists: [{ ...LIST, ...list }], asked } };
  const normalizer = new Normalizer(frames);
  let memory = new FrameMemory();
  return {
    page: (at: Micros, all: readonly Row[], next = "") => {
      const body = new TextEncoder().encode(JSON.stringify({ list: all, next }));
      const { events, faults } = normalizer.readList({ request: "instruments", body, receivedTs: at }, memory);
      return {
        events: events.map(({ symbol, native_symbol, event }) => ({ symbol, native_symbol, ...event })),
        faults: [...faults],
      };
    },
    /** The memory goes through its written form. */
    restore: () => {
      const fresh = new FrameMemory();
      for (const [part, entries] of memory.parts()) fresh.restore(part, JSON.parse(JSON.stringify(entries)));
      memory = fresh;
    },
  };
}

Deno.test("an instrument list tells its instruments, with what follows from their canonical symbols", () => {
  const { page } = reading(null);
  const { events } = page(0, [SPOT, SWAP]);
  assert.deepEqual(events, [
    {
      symbol: "A/B",
      native_symbol: "AB",
      kind: "instrument",
      type: "spot",
      base: "A",
      quote: "B",
      settle: null,
      tick_size: "0.10",
      lot_size: null,
      contract_size: "1",
      contract_unit: "A",
      min_size: null,
      min_notional: null,
      expiration_ts: null,
      strike_price: null,
      option_type: null,
      status: "live",
      listed_ts: null,
    },
    {
      ...events[0],
      symbol: "A/B:B",
      native_symbol: "AB-SWAP",
      type: "perpetual",
      settle: "B",
      tick_size: "0.5",
      contract_size: "0.01",
    },
  ]);
  const inverse = reading(null).page(0, [{ ...SWAP, c: "A/USD:A-270101-5.5-P" }, { ...SWAP, c: "A/USD:A" }, {
    ...SWAP,
    c: "odd",
  }]);
  assert.deepEqual(
    inverse.events.map((event) =>
      event.kind === "instrument" && [event.type, event.contract_unit, event.option_type, event.strike_price]
    ),
    [["option", "A", "put", "5.5"], ["perpetual", "USD", null, null], ["unknown", null, null, null]],
  );
});

Deno.test("an instrument is told again when something of it has changed, and once a day", () => {
  const { page, restore } = reading({ "A/B": "AB" });
  assert.equal(page(1, [SPOT, SWAP]).events.length, 1, "only what is asked for");
  assert.equal(page(2, [SPOT]).events.length, 0);
  assert.equal(page(3, [{ ...SPOT, tick: "0.2" }]).events.length, 1);
  restore();
  assert.equal(page(DAY - 1, [{ ...SPOT, tick: "0.2" }]).events.length, 0);
  assert.equal(page(DAY, [{ ...SPOT, tick: "0.2" }]).events.length, 1);
  assert.equal(page(DAY + 1, [{ ...SPOT, tick: "0.2" }]).events.length, 0);
  // A clock that was set back begins no new day.
  assert.equal(page(5, [{ ...SPOT, tick: "0.2" }]).events.length, 0);
});

Deno.test("an instrument that its list has no more, or not as open, is told once with its last fields", () => {
  const { page, restore } = reading({ "A/B": "AB", "A/B:B": "AB-SWAP" });
  page(1, [SPOT, SWAP]);
  const closed = page(2, [{ ...SPOT, open: false, state: "halt" }, SWAP]).events;
  assert.deepEqual(closed.map((event) => [event.symbol, event.kind === "instrument" && event.status]), [[
    "A/B",
    "halt",
  ]]);
  assert.equal(page(3, [SPOT], "more").events.length, 1, "a page that is not the last says nothing of what it lacks");
  restore();
  assert.equal(page(4, [{ ...SPOT, s: "C", c: "C/B" }], "").events.length, 1);
  const gone = page(5, [SPOT]).events;
  assert.deepEqual(gone, []);
  assert.equal(page(6, [SWAP]).events.length, 2, "one is back, the other is gone");
  assert.equal(page(7, []).events.length, 0, "a page without rows says nothing");
});

Deno.test("an instrument that left both list and plan is told as unlisted; one that left the plan alone is not", () => {
  const before = reading({ "A/B": "AB", "A/B:B": "AB-SWAP" });
  before.page(1, [SPOT, SWAP]);
  const frames: FramePlan = { ...framePlan({}), instruments: { lists: [LIST], asked: {} } };
  const memory = new FrameMemory();
  const read = (asked: Readonly<Record<string, string>>, at: Micros, list: readonly Row[]) =>
    new Normalizer({ ...frames, instruments: { lists: [LIST], asked } }).readList({
      request: "instruments",
      body: new TextEncoder().encode(JSON.stringify({ list })),
      receivedTs: at,
    }, memory).events.map(({ symbol, event }) => [symbol, event.kind === "instrument" && event.status]);
  assert.equal(read({ "A/B": "AB", "A/B:B": "AB-SWAP" }, 1, [SPOT, SWAP]).length, 2);
  assert.deepEqual(read({}, 2, [SWAP]), [["A/B", "unlisted"]]);
  assert.deepEqual(read({}, 3, [SWAP]), []);
});

Deno.test("a row that the filter leaves out and that spells another instrument alike is not told", () => {
  const { page } = reading({ "A/B:B": "AB-SWAP" });
  const dated = { ...SWAP, s: "AB-27", open: false };
  assert.deepEqual(page(1, [dated, SWAP]).events.map(({ native_symbol }) => native_symbol), ["AB-SWAP"]);
});

Deno.test("a value at fault is counted and missing, and the instrument is told", () => {
  const { events, faults } = reading(null).page(1, [{ ...SPOT, tick: "cheap" }]);
  assert.deepEqual(events.map((event) => event.kind === "instrument" && event.tick_size), [null]);
  assert.deepEqual(faults.map(({ code, where }) => [code, where]), [["bad_decimal", "instruments.tick_size /tick"]]);
  const bad = new Normalizer({ ...framePlan({}), instruments: { lists: [LIST], asked: null } })
    .readList({ request: "instruments", body: new TextEncoder().encode("<html>"), receivedTs: 1 }, new FrameMemory());
  assert.deepEqual(bad.faults.map(({ code }) => code), ["not_json"]);
});
