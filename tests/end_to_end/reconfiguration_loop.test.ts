import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runReconfigurationLoop } from "./reconfiguration_loop.ts";

Deno.test("run loses nothing journaled and tells every loss, however its configuration changes between kills", async () => {
  const seed = Math.floor(denoHost().random.next() * 2 ** 31);
  console.log(`reconfiguration loop: seed ${seed}`);
  const figures = await runReconfigurationLoop({ kills: 5, seed, rate: 300 });
  assert.ok(figures.events > 500, `${figures.events} events are a load`);
  assert.ok(figures.gapsOpened >= 1, "a kill is told by a gap");
});
