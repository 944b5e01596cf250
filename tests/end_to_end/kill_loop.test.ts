import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runKillLoop } from "./kill_loop.ts";

Deno.test("run loses nothing journaled and doubles nothing in files however often it is killed", async () => {
  const seed = Math.floor(denoHost().random.next() * 2 ** 31);
  console.log(`kill loop: seed ${seed}`);
  const figures = await runKillLoop({ kills: 6, seed, rate: 1_500 });
  assert.ok(figures.records > 1_000, `${figures.records} records are a load`);
  assert.ok(figures.cutSessions >= 1, "at least one kill cut an open session");
  assert.ok(figures.crashGaps >= 1, "a crash is told by a gap");
});
