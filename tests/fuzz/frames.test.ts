import assert from "node:assert/strict";
import { frameCorpora } from "./frame_corpus.ts";
import { fuzzFrames } from "./fuzz_frames.ts";

const FRAMES = 10_000;

Deno.test("10,000 mutated frames of all shipped exchanges neither crash nor hang, each counted once", () => {
  const corpora = frameCorpora({ recordedMax: 50, bytesMax: 300_000 });
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  console.log(`fuzz seed ${seed}`);
  const { accounted, frames, events } = fuzzFrames(corpora, { seed, frames: FRAMES });
  console.log(`${frames} frames of ${corpora.length} descriptors: ${JSON.stringify(accounted)}, ${events} events`);
  for (const how of ["matched", "control", "unmatched", "undecodable"]) assert.ok(accounted[how] > 0, how);
});
