import { frameCorpora } from "./frame_corpus.ts";
import { fuzzDecimals } from "./fuzz_decimals.ts";
import { fuzzFrames } from "./fuzz_frames.ts";

/**
 * The long run: `deno task fuzz [frames] [seed]`, a million frames and as many decimals where nothing else is said. Prints
 * the seed first and a line for every round; the same seed gives the same frames. Ends with an error at the first one that
 * is handled wrongly.
 */

/** Frames between two lines; each round has a seed of its own, one up from the one before. */
const ROUND_FRAMES = 50_000;

const total = Number(Deno.args[0] ?? 1_000_000);
const seed = Number(Deno.args[1] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
if (!(total > 0) || !Number.isInteger(seed)) throw new Error("usage: deno task fuzz [frames] [seed]");
console.log(`seed ${seed}`);
console.log(`${total} decimals, ${fuzzDecimals({ seed, count: total })} of them numbers of the plain way`);
const corpora = frameCorpora({ recordedMax: 300, bytesMax: 3_000_000 });
console.log(corpora.map(({ name, frames }) => `${name} ${frames.length}`).join(", "));
const began = performance.now();
for (let done = 0, round = 0; done < total; round++) {
  const frames = Math.min(ROUND_FRAMES, total - done);
  const { accounted, events, slowestMs } = fuzzFrames(corpora, { seed: (seed + round) >>> 0, frames });
  done += frames;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const slowest = `slowest ${slowestMs.toFixed(1)} ms`;
  console.log(`${done} frames in ${seconds} s: ${JSON.stringify(accounted)}, ${events} events, ${slowest}`);
}
