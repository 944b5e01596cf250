import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { Envelope } from "../../src/model/mod.ts";
import { type Corpus, frameCorpora } from "../fuzz/frame_corpus.ts";
import { seeded } from "../support/seeded.ts";
import { type PlacedRecord, RECORDS_DEDUP, sessionRecords } from "../support/session_records.ts";

export interface EquivalenceOptions {
  readonly seed: number;
  /** Runs of each exchange, each with its own cuts. */
  readonly rounds: number;
  /** Most cuts of one run. */
  readonly cutsMax: number;
  /** Most frames that are taken of a recording. */
  readonly recordedMax: number;
  readonly report?: (line: string) => void;
}

/**
 * Checks for every shipped descriptor, over its evidence and the shared recordings, that a run which is cut at random
 * records, with its state saved and restored there, gives what the uncut run gives. Returns how many cuts were made.
 */
export function runEquivalenceLoop({ seed, rounds, cutsMax, recordedMax, report }: EquivalenceOptions): number {
  const random = seeded(seed);
  let cuts = 0;
  for (const corpus of frameCorpora({ recordedMax, bytesMax: 64 * 1024 * 1024 })) {
    const records = sessionRecords(corpus);
    const expected = derive(records, new Set());
    for (let round = 0; round < rounds; round++) {
      const at = new Set<number>();
      for (let cut = 1 + Math.floor(random() * cutsMax); cut > 0; cut--) at.add(Math.floor(random() * records.length));
      cuts += at.size;
      compare(corpus, { seed, at, given: derive(records, at), expected });
    }
    report?.(`${corpus.name}: ${records.length} records, ${expected.flat().length} events, ${rounds} runs`);
  }
  return cuts;
}

function compare(
  { name }: Corpus,
  { seed, at, given, expected }: {
    readonly seed: number;
    readonly at: ReadonlySet<number>;
    readonly given: readonly (readonly Envelope[])[];
    readonly expected: readonly (readonly Envelope[])[];
  },
): void {
  for (let i = 0; i < expected.length; i++) {
    assert.deepEqual(
      given[i],
      expected[i],
      `seed ${seed}, ${name}, cut after ${[...at]}: record ${i} gives other events`,
    );
  }
}

/** What each record gives; the state is saved after the records `cuts` and a new pipeline goes on from it. */
function derive(records: readonly PlacedRecord[], cuts: ReadonlySet<number>): readonly (readonly Envelope[])[] {
  const create = () => {
    const pipeline = new Pipeline([], RECORDS_DEDUP);
    pipeline.process(...records[0]);
    return pipeline;
  };
  let pipeline = create();
  return records.map(([offset, record], i) => {
    const { envelopes } = pipeline.process(offset, record);
    if (!cuts.has(i)) return envelopes;
    const saved = [...pipeline.saveState()];
    pipeline = create();
    pipeline.restoreState(saved);
    return envelopes;
  });
}

if (import.meta.main) {
  const argument = (name: string, fallback: number): number => {
    const at = Deno.args.indexOf(name);
    return at < 0 ? fallback : Number(Deno.args[at + 1]);
  };
  const seed = argument("--seed", Math.floor(denoHost().random.next() * 2 ** 31));
  console.log(`seed ${seed}`);
  const cuts = runEquivalenceLoop({
    seed,
    rounds: argument("--rounds", 20),
    cutsMax: argument("--cuts", 20),
    recordedMax: argument("--frames", 20_000),
    report: (line) => console.log(line),
  });
  console.log(`${cuts} cuts, no difference`);
}
