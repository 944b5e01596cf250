import assert from "node:assert/strict";
import type { ComparisonNote } from "../../src/certificate/mod.ts";
import { CERTIFICATE_DAYS_BACK, type SinkPlan } from "../../src/model/mod.ts";
import { Comparisons, PlanNotes } from "../../src/runtime/kept_archives.ts";
import { framePlan } from "../support/frame_plan.ts";

const DAY_US = 86_400_000_000;
/** 2026-11-22T00:00:00Z, µs. */
const AT = 1_795_305_600_000_000;

Deno.test("Comparisons tells the archive of a folder each comparison once, whoever asks for the folder", async () => {
  const comparisons = new Comparisons();
  const told = new Map<string, ComparisonNote[]>();
  const tell = (dir: string) =>
    comparisons.tell(dir, (news) => Promise.resolve(void told.set(dir, [...(told.get(dir) ?? []), ...news])));
  const counts = (dir: string) => told.get(dir)?.map(({ same, different }) => [same, different]);
  comparisons.note("alpha", "BTC/USDT", { isSame: true, at: AT });
  comparisons.note("alpha", "BTC/USDT", { isSame: false, at: AT });
  await tell("one");
  await tell("one");
  assert.deepEqual(counts("one"), [[1, 1]]);
  comparisons.note("alpha", "BTC/USDT", { isSame: true, at: AT });
  await assert.rejects(comparisons.tell("one", () => Promise.reject(new Error("disk full"))));
  await tell("one");
  await tell("two");
  assert.deepEqual(counts("one"), [[1, 1], [1, 0]]);
  assert.deepEqual(counts("two"), [[2, 1]]);
});

Deno.test("PlanNotes keeps the plans of the days that are certified, and the one that is in use", () => {
  const notes = new PlanNotes();
  const frames = framePlan();
  const sink = { kinds: null } as SinkPlan;
  const hashes = () => notes.for(sink).map(({ exchange, hash }) => `${exchange} ${hash}`);
  notes.note("beta", { hash: "b", frames, at: AT });
  for (let hour = 0; hour < 24 * 30; hour++) {
    notes.note("alpha", { hash: `${hour}`, frames, at: AT + hour * DAY_US / 24 });
  }
  const kept = hashes();
  assert.equal(kept[0], "beta b");
  assert.equal(kept.at(-1), "alpha 719");
  const days = CERTIFICATE_DAYS_BACK + 1;
  assert.ok(kept.length > days * 24 && kept.length < days * 24 + 4, `${kept.length}`);
  notes.note("alpha", { hash: "719", frames, at: AT + 60 * DAY_US });
  assert.deepEqual(hashes(), kept, "the same plan again is no news");
});
