import assert from "node:assert/strict";
import type { BackfillPlan } from "../../src/model/mod.ts";
import { Backfiller, type BackfillPage, type BackfillTask } from "../../src/rest/mod.ts";
import { type Reply, restPlan, restRig, text } from "../support/rest_rig.ts";

const AT = 1_767_225_600_000_000;

const PLAN: BackfillPlan = {
  name: "history",
  channel: "trades",
  connectionId: "public",
  method: "GET",
  targets: [{ native: "A", symbol: "A", path: text("/trades?s=A&from={from_id}"), body: null }],
  direction: "forward",
  isExclusive: false,
  pageRows: 3,
  windowMs: null,
  retentionMs: null,
};

const TASK: BackfillTask = {
  gapId: "7-0",
  connectionId: "public",
  request: "history",
  native: "A",
  from: { id: "10", ts: AT },
  to: { id: "20", ts: AT + 10_000 },
};

/** An exchange whose trades have the ids of a list, a ms apart, and what a collector makes of its pages. */
function rigOf(plan: Partial<BackfillPlan>, ids: readonly number[], reply?: (url: string) => Reply) {
  const held = [...ids];
  const rig = restRig((url) => {
    if (reply !== undefined) return reply(url);
    const query = new URL(url).searchParams;
    const from = Number(query.get("from") ?? "0");
    const to = Number(query.get("to") ?? "Infinity");
    const inside = held.filter((id) => id >= from && id <= to);
    const page = query.has("to") && !query.has("from") ? inside.slice(-3) : inside.slice(0, 3);
    return { body: JSON.stringify(query.has("all") ? held : page) };
  });
  const ends: string[] = [];
  const filled = new Set<number>();
  let [isFromMet, isToMet] = [false, false];
  const backfiller = new Backfiller({
    exchange: "one",
    plan: { ...restPlan([]), backfills: [{ ...PLAN, ...plan }] },
    client: rig.client,
    clock: rig.clock,
    onPage: ({ body }): BackfillPage | string => {
      const rows: number[] = JSON.parse(new TextDecoder().decode(body));
      if (!Array.isArray(rows)) return "not a list";
      for (const id of rows) {
        if (id <= 10) isFromMet = true;
        else if (id >= 20) isToMet = true;
        else filled.add(id);
      }
      const mark = (id: number | undefined) => id === undefined ? null : { id: String(id), ts: AT + (id - 10) * 1000 };
      const isFilled = isFromMet && isToMet;
      return {
        rows: rows.length,
        oldest: mark(rows.at(0)),
        newest: mark(rows.at(-1)),
        isFromMet,
        isToMet,
        isFilled,
        lacksIds: false,
        filled: filled.size,
      };
    },
    onEnd: (_, reason) => ends.push(reason ?? "whole"),
  });
  return { ...rig, backfiller, ends, filled, held };
}

const ALL = [...Array(16).keys()].map((at) => at + 8);
const INSIDE = [11, 12, 13, 14, 15, 16, 17, 18, 19];

Deno.test("Backfiller follows pages forward by ids until they meet what is known behind", async () => {
  const rig = rigOf({}, ALL);
  rig.backfiller.fill(TASK);
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.asked.map(({ url }) => url.slice(url.indexOf("from="))), [
    "from=10",
    "from=12",
    "from=14",
    "from=16",
    "from=18",
  ]);
  assert.deepEqual([...rig.filled], INSIDE);
  assert.deepEqual(rig.ends, []);
  await rig.clock.advance(1);
  assert.equal(rig.backfiller.pending, 0);
});

Deno.test("Backfiller fetches for the streams of the plan it was given last", async () => {
  const rig = rigOf({}, ALL);
  const target = (native: string) => ({
    native,
    symbol: native,
    path: text(`/trades?s=${native}&from={from_id}`),
    body: null,
  });
  rig.backfiller.changePlan({ ...restPlan([]), backfills: [{ ...PLAN, targets: [target("B")] }] });
  rig.backfiller.fill({ ...TASK, native: "B" });
  rig.backfiller.fill(TASK);
  await rig.clock.advance(60_000);
  assert.deepEqual([...rig.filled], INSIDE);
  assert.ok(rig.asked.every(({ url }) => url.includes("s=B")));
  assert.deepEqual(rig.ends, ["it is not configured any more"]);
});

Deno.test("Backfiller follows pages backward until they meet what is known before", async () => {
  const path = text("/trades?s=A&to={to_id}");
  const targets = [{ native: "A", symbol: "A", path, body: null }];
  const rig = rigOf({ direction: "backward", targets }, ALL);
  rig.backfiller.fill(TASK);
  await rig.clock.advance(60_000);
  assert.equal(rig.asked[0].url.endsWith("to=20"), true);
  assert.deepEqual([...rig.filled].sort((a, b) => a - b), INSIDE);
  assert.deepEqual(rig.ends, []);
});

Deno.test("Backfiller asks for one page where the exchange gives the newest alone, and says how far it reached", async () => {
  const targets = [{ native: "A", symbol: "A", path: text("/trades?s=A&all=1"), body: null }];
  const rig = rigOf({ direction: "latest", targets, pageRows: null }, [18, 19, 20, 21]);
  rig.backfiller.fill(TASK);
  await rig.clock.advance(60_000);
  assert.equal(rig.asked.length, 1);
  assert.deepEqual(rig.ends, ["the exchange gives the newest events alone"]);
  assert.deepEqual([...rig.filled], [18, 19]);
});

Deno.test("Backfiller waits for a history that lags behind the stream", async () => {
  const rig = rigOf({}, [10, 11, 12]);
  rig.backfiller.fill(TASK);
  await rig.clock.advance(4_000);
  assert.deepEqual(rig.ends, []);
  rig.held.push(...ALL.filter((id) => id > 12));
  await rig.clock.advance(60_000);
  assert.deepEqual([...rig.filled], INSIDE);
  assert.deepEqual(rig.ends, []);
});

Deno.test("Backfiller gives up where the history does not reach back, with the reason", async () => {
  const rig = rigOf({}, ALL.filter((id) => id > 14));
  rig.backfiller.fill(TASK);
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.ends, ["the exchange's history does not reach back to what is known"]);
  assert.deepEqual([...rig.filled], [15, 16, 17, 18, 19]);
});

Deno.test("Backfiller gives up a request that is refused again and again, and goes on with the next stretch", async () => {
  const rig = rigOf({}, [], () => ({ status: 400, body: "no such symbol" }));
  rig.backfiller.fill(TASK);
  rig.backfiller.fill({ ...TASK, gapId: "8-0" });
  await rig.clock.advance(600_000);
  assert.deepEqual(rig.ends, ["status 400: no such symbol", "status 400: no such symbol"]);
  assert.equal(rig.asked.length, 12);
});

Deno.test("Backfiller asks for nothing that lies behind what the exchange keeps, or is not configured any more", async () => {
  const rig = rigOf({ retentionMs: 3_600_000 }, ALL);
  rig.backfiller.fill({ ...TASK, to: { id: "20", ts: rig.clock.nowMicros() - 2 * 3_600_000_000 } });
  rig.backfiller.fill({ ...TASK, native: "B" });
  await rig.clock.advance(60_000);
  assert.equal(rig.asked.length, 0);
  assert.deepEqual(rig.ends.sort(), ["it is not configured any more", "the exchange keeps no more than 1.0 hours"]);
});

Deno.test("Backfiller goes window by window through times, empty ones included", async () => {
  const path = text("/trades?s=A&begin={from_ms}&end={to_ms}");
  const targets = [{ native: "A", symbol: "A", path, body: null }];
  const rig = rigOf({ targets, windowMs: 4_000 }, [], () => ({ body: "[]" }));
  rig.backfiller.fill({ ...TASK, to: { id: "20", ts: AT + 10_000_000 } });
  await rig.clock.advance(4_000);
  const base = AT / 1000;
  const windows = rig.asked.slice(0, 3).map(({ url }) => {
    const query = new URL(url).searchParams;
    return [Number(query.get("begin")) - base, Number(query.get("end")) - base];
  });
  assert.deepEqual(windows, [[-1, 4_001], [3_999, 8_001], [7_999, 10_001]]);
});

Deno.test("Backfiller goes day by day where files of a day are asked for", async () => {
  const rig = rigOf(
    { targets: [{ native: "A", symbol: "A", path: text("/trades/{yyyymmdd}?day={day}"), body: null }], pageRows: 1000 },
    [],
    () => ({ body: "[15]" }),
  );
  // From the last second of 2025 until the second day of 2026.
  rig.backfiller.fill({ ...TASK, from: { id: "10", ts: AT - 1_000_000 }, to: { id: "20", ts: AT + 90_000_000_000 } });
  await rig.clock.advance(10_000);
  const days = rig.asked.map(({ url }) => url.slice(url.indexOf("/trades/")));
  assert.deepEqual(days.slice(0, 3), [
    "/trades/20251231?day=2025-12-31",
    "/trades/20260101?day=2026-01-01",
    "/trades/20260102?day=2026-01-02",
  ]);
});

Deno.test("Backfiller gives a search for the beginning up where the exchange's ids are no numbers", async () => {
  const rig = rigOf({}, ALL, () => ({ body: '["x"]' }));
  const begun = rig.backfiller.fill({ ...TASK, cause: null, from: { id: null, ts: AT } });
  await rig.clock.advance(60_000);
  assert.match((await begun).reason ?? "", /asked for by ids, and none that lies near is known/);
  assert.equal(rig.asked.length, 1);
});
