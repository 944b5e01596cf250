import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import type { DroppedRecord, Envelope, Gap } from "../../src/model/mod.ts";
import { frameCorpora } from "../fuzz/frame_corpus.ts";
import { seeded } from "../support/seeded.ts";
import { type PlacedRecord, RECORDS_DEDUP, sessionRecords } from "../support/session_records.ts";

/** Records between two checkpoints. */
const SPACING = 25;

/** A gap that was told to begin and not to end, or the other way round. */
interface Told {
  readonly open: ReadonlySet<string>;
  readonly envelopes: ReadonlyMap<number, readonly Envelope[]>;
}

/** The records with the checkpoints that a journal of short segments would hold among them. */
function withCheckpoints(records: readonly PlacedRecord[]): readonly PlacedRecord[] {
  const pipeline = new Pipeline([], RECORDS_DEDUP);
  const placed: PlacedRecord[] = [];
  let shift = 0;
  records.forEach(([offset, record], i) => {
    if (i > 0 && i % SPACING === 0) {
      const parts = [...pipeline.saveState()];
      parts.forEach((state, part) => {
        const last = part === parts.length - 1;
        placed.push([offset + shift++, { kind: "checkpoint", at: record.at, part, last, state }]);
      });
    }
    // Ids of sessions and gaps are offsets: the pipeline is told the place that the record has among the checkpoints.
    const at = offset + shift;
    const moved = "session" in record && typeof record.session === "number"
      ? { ...record, session: moves.get(record.session) ?? record.session }
      : record;
    if (record.kind === "opened") moves.set(offset, at);
    placed.push([at, moved]);
    pipeline.process(at, moved);
  });
  moves.clear();
  return placed;
}
const moves = new Map<number, number>();

/** Puts a `dropped` record in the place of a stretch. */
function without(records: readonly PlacedRecord[], from: number, to: number): readonly PlacedRecord[] {
  const [offset, { at: fromTs }] = records[from];
  const [toOffset, { at }] = records[to];
  const lost: DroppedRecord = {
    kind: "dropped",
    session: null,
    at,
    frames: toOffset - offset,
    fromTs,
    toTs: at,
    toOffset,
    reason: "lost",
  };
  return [...records.slice(0, from), [offset, lost], ...records.slice(to)];
}

/** Derives records and follows the life of every gap: none begins twice, none ends that has not begun or is told whole. */
function derive(records: readonly PlacedRecord[]): Told {
  const pipeline = new Pipeline([], RECORDS_DEDUP);
  const envelopes = new Map<number, readonly Envelope[]>();
  const open = new Set<string>();
  for (const [offset, record] of records) {
    const result = pipeline.process(offset, record);
    envelopes.set(offset, result.envelopes);
    for (const envelope of result.envelopes) {
      if (envelope.event.kind === "gap") follow(open, envelope, envelope.event);
    }
  }
  return { open, envelopes };
}

function follow(open: Set<string>, { exchange, symbol, offset }: Envelope, { gap_id, stream, state }: Gap): void {
  const key = [gap_id, exchange, symbol, stream].join(" ");
  if (state === "opened") {
    assert.ok(!open.has(key), `gap ${key} begins again at ${offset}`);
    open.add(key);
  } else if (state === "closed") {
    if (!gap_id.startsWith(`${offset}-`)) assert.ok(open.has(key), `gap ${key} ends at ${offset} and had not begun`);
    open.delete(key);
  }
}

/** Index after the last part of the first checkpoint that begins at or behind an index; null where none does. */
function afterCheckpoint(records: readonly PlacedRecord[], from: number): number | null {
  for (let i = from; i < records.length; i++) {
    const { 1: record } = records[i];
    if (record.kind !== "checkpoint" || record.part !== 0) continue;
    for (let end = i; end < records.length; end++) {
      const part = records[end][1];
      if (part.kind === "checkpoint" && part.last) return end + 1;
    }
  }
  return null;
}

for (const corpus of frameCorpora({ recordedMax: 40, bytesMax: 200_000 })) {
  Deno.test(`events of ${corpus.plan.exchange} after a lost stretch are those of the whole journal from a checkpoint on`, () => {
    const seed = corpus.plan.exchange.length * 7919;
    const random = seeded(seed);
    const records = withCheckpoints(sessionRecords(corpus));
    const whole = derive(records);
    for (let round = 0; round < 12; round++) {
      const from = 1 + Math.floor(random() * (records.length - 2));
      const to = Math.min(records.length - 1, from + 1 + Math.floor(random() * SPACING * 2));
      const torn = without(records, from, to);
      const told = derive(torn);
      const hole = [...told.envelopes.get(records[from][0]) ?? []].map(({ event }) => event);
      assert.ok(
        hole.some((event) => event.kind === "gap" && event.cause === "dropped"),
        `seed ${seed}: no gap is told`,
      );
      const resumed = afterCheckpoint(records, to);
      if (resumed === null) continue;
      for (const [offset] of records.slice(resumed)) {
        assert.deepEqual(
          told.envelopes.get(offset),
          whole.envelopes.get(offset),
          `seed ${seed}: lost ${from} to ${to}, offset ${offset}`,
        );
      }
      assert.deepEqual(told.open, whole.open, `seed ${seed}: lost ${from} to ${to}, gaps that stay open`);
    }
  });
}

Deno.test("Pipeline waits for the next checkpoint where the one after a lost stretch cannot be read or is cut", () => {
  const [corpus] = frameCorpora({ recordedMax: 0, bytesMax: 0 });
  const frames = Array.from({ length: 8 }, () => corpus.frames).flat();
  const records = withCheckpoints(sessionRecords({ ...corpus, frames }));
  const whole = derive(records);
  const first = records.findIndex(([, { kind }]) => kind === "checkpoint");
  const firstEnd = afterCheckpoint(records, first);
  const second = afterCheckpoint(records, first + 1);
  assert.ok(firstEnd !== null && second !== null, "the records hold two checkpoints");
  const foreign = records.map(([offset, record], i): PlacedRecord =>
    i >= first && i < firstEnd && record.kind === "checkpoint"
      ? [offset, { ...record, state: '{"version":0,"items":[]}' }]
      : [offset, record]
  );
  // What is lost ends before a checkpoint of another build, or within its parts.
  const cut = records.map(([offset, record], i): PlacedRecord =>
    i === first && record.kind === "checkpoint" ? [offset, { ...record, part: 1 }] : [offset, record]
  );
  for (const damaged of [foreign, cut]) {
    const told = derive(without(damaged, first - 3, first));
    for (const [offset] of records.slice(second)) {
      assert.deepEqual(told.envelopes.get(offset), whole.envelopes.get(offset), `offset ${offset}`);
    }
    assert.deepEqual(told.open, whole.open);
  }
});
