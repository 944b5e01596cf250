import assert from "node:assert/strict";
import { runRotations } from "./rotation_loop.ts";

const SEED = Math.floor(Math.random() * 2 ** 31);

// A short run of `deno task rotations`.
Deno.test(`sockets that end at an age are replaced without a number missing or twice (seed ${SEED})`, async () => {
  const { rotations, trades, bookUpdates, missing, twice, gaps } = await runRotations({ rotations: 6, seed: SEED });
  assert.deepEqual({ missing, twice, gaps }, { missing: 0, twice: 0, gaps: 0 });
  assert.ok(rotations >= 6 && trades > 100 && bookUpdates > 100);
});
