import assert from "node:assert/strict";
import { runWorld } from "./world.ts";

/** `deno task world` runs others, without end. */
const SEED = 1;

Deno.test(`the program loses nothing without a word in a simulated world (seed ${SEED})`, async () => {
  const { events, starts } = await runWorld({ seed: SEED, hours: 0.3, actEveryMs: 60_000 });
  assert.ok(events > 0 && starts > 1);
});

Deno.test("the same seed gives the same world", async () => {
  const [first, second] = [await runWorld({ seed: 7, hours: 0.1 }), await runWorld({ seed: 7, hours: 0.1 })];
  assert.deepEqual({ ...first, speed: 0 }, { ...second, speed: 0 });
});
