import assert from "node:assert/strict";
import { frameCorpora } from "./frame_corpus.ts";
import { fuzzFrames } from "./fuzz_frames.ts";

/** `deno task fuzz` goes on with other seeds for as long as is asked for. */
const [FRAMES, SEED] = [3_000, 1];

Deno.test(`${FRAMES} mutated frames of all shipped exchanges neither crash nor hang, each counted once`, () => {
  const corpora = frameCorpora({ recordedMax: 50, bytesMax: 300_000 });
  const { accounted, frames, events } = fuzzFrames(corpora, { seed: SEED, frames: FRAMES });
  console.log(`${frames} frames of ${corpora.length} descriptors: ${JSON.stringify(accounted)}, ${events} events`);
  for (const how of ["matched", "control", "unmatched", "undecodable"]) assert.ok(accounted[how] > 0, how);
});
