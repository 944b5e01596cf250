import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import {
  buildDerivation,
  type Envelope,
  type JournalRecord,
  type Offset,
  writeDerivation,
} from "../../src/model/mod.ts";
import { frameCorpora } from "../fuzz/frame_corpus.ts";

const DEDUP = { enabled: true, windowSeconds: 300, keysMax: 1000 };
const TOPS = { levels: 5, intervalMs: 1 };
const START = 1_767_225_600_000_000;

type Placed = readonly [Offset, JournalRecord];

/** Sessions over all evidence frames of a descriptor: a second one begins half-way, after the first was closed. */
function recordsOf({ plan, frames }: ReturnType<typeof frameCorpora>[number]): readonly Placed[] {
  const { hash, body } = writeDerivation(buildDerivation(plan, { dedup: DEDUP, bookTops: TOPS }));
  const records: Placed[] = [];
  let at = START;
  const place = (make: (at: number) => JournalRecord): Offset => {
    const offset = at++;
    records.push([offset, make(offset)]);
    return offset;
  };
  place((at) => ({ kind: "plan", at, hash, body }));
  for (const half of [frames.slice(0, frames.length / 2), frames]) {
    const sessions = new Map<string, Offset>();
    for (const { origin, payload } of half) {
      const connection = origin.kind === "ws" ? origin.connectionId : plan.connections[0].id;
      const session = sessions.get(connection) ?? place((at) => ({
        kind: "opened",
        at,
        exchange: plan.exchange,
        connection,
        url: "",
        descriptorHash: "",
        planHash: hash,
        streams: [],
      }));
      sessions.set(connection, session);
      if (origin.kind === "ws") {
        place((at) => ({ kind: "frame", session, at, binary: origin.binary, payload }));
      } else {
        const { request, native } = origin;
        const { exchange } = plan;
        const http = {
          kind: "http",
          planHash: hash,
          exchange,
          session,
          request,
          native,
          url: "",
          status: 200,
        } as const;
        place((at) => ({ ...http, at, body: payload }));
      }
    }
    const drop = [...sessions.values()][0];
    place((at) => ({
      kind: "dropped",
      session: drop,
      at,
      frames: 1,
      fromTs: at,
      toTs: at,
      toOffset: null,
      reason: "",
    }));
    for (const session of sessions.values()) {
      place((at) => ({ kind: "closed", session, at, cause: "peer", code: 1006, reason: "" }));
    }
  }
  return records;
}

/** What each record gives; `restarts`: the state is saved and a new pipeline goes on from it after each record. */
function derive(records: readonly Placed[], restarts: boolean): readonly (readonly Envelope[])[] {
  const create = () => {
    const pipeline = new Pipeline([], DEDUP);
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
    const records = recordsOf(corpus);
    const expected = derive(records, false);
    const cut = derive(records, true);
    for (let i = 0; i < expected.length; i++) assert.deepEqual(cut[i], expected[i], `record ${i}`);
    assert.ok(expected.some((envelopes) => envelopes.some(({ event }) => event.kind !== "gap")));
  });
}
