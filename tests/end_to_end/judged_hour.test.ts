import assert from "node:assert/strict";
import { judgeHour } from "./judged_hour.ts";

Deno.test("stalls, maintenance, refused snapshots and wrong clocks lose nothing that is not told, and filled gaps are whole", async () => {
  const { stalled, maintenances, clockSteps, refusedSnapshots, ...judged } = await judgeHour({
    seed: 3,
    minutes: 2,
    rate: 2,
  });
  assert.ok(stalled > 0 && maintenances > 0 && clockSteps > 0 && refusedSnapshots > 0);
  assert.ok(judged.losses > 10 && judged.filledGaps > 5 && judged.filledTrades > judged.filledGaps);
});
