import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import type { Envelope } from "../../src/model/mod.ts";
import { frameCorpora } from "../fuzz/frame_corpus.ts";
import { type PlacedRecord, RECORDS_DEDUP, sessionRecords } from "../support/session_records.ts";

/** What each record gives; `restarts`: the state is saved and a new pipeline goes on from it after each record. */
function derive(records: readonly PlacedRecord[], restarts: boolean): readonly (readonly Envelope[])[] {
  const create = () => {
    const pipeline = new Pipeline([], RECORDS_DEDUP);
    const [offset, plan] = records[0];
    pipeline.process(offset, plan);
    return pipeline;
  };
  let pipeline = create();
  return records.slice(1).map(([offset, record]) => {
    const { envelopes } = pipeline.process(offset, record);
    if (restarts) {
      const saved = [...pipeline.saveState()];
      pipeline = create();
      pipeline.restoreState(saved);
      assert.deepEqual([...pipeline.saveState()], saved, "a restored pipeline saves what it was given");
    }
    return envelopes;
  });
}

for (const corpus of frameCorpora({ recordedMax: 40, bytesMax: 200_000 })) {
  Deno.test(`events of ${corpus.plan.exchange} are the same with a restart after every record`, () => {
    const records = sessionRecords(corpus);
    const expected = derive(records, false);
    const cut = derive(records, true);
    for (let i = 0; i < expected.length; i++) assert.deepEqual(cut[i], expected[i], `record ${i}`);
    assert.ok(expected.some((envelopes) => envelopes.some(({ event }) => event.kind !== "gap")));
  });
}
