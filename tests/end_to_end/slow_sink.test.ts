import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runSlowSink } from "./slow_sink.ts";

Deno.test("a sink whose reader takes one percent costs the others nothing, and has every event once in the end", async () => {
  const seed = Math.floor(denoHost().random.next() * 2 ** 31);
  console.log(`slow sink: seed ${seed}`);
  const result = await runSlowSink({ rate: 500, share: 0.01, lagRecords: 3_000, slowMs: 0, seed });
  const { isSame, outOfOrder, reconnects, gaps } = result;
  assert.deepEqual({ isSame, outOfOrder, reconnects, gaps }, { isSame: true, outOfOrder: 0, reconnects: 0, gaps: 0 });
  assert.ok(result.lagMax >= 3_000 && result.othersMeanwhile >= 3_000);
  assert.ok(result.slowEvents < result.othersMeanwhile / 2, `the slow sink took ${result.slowEvents} events`);
});
