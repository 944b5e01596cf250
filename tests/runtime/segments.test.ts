import assert from "node:assert/strict";
import { CheckpointError, Pipeline } from "../../src/derive/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import { buildDerivation, type Offset, writeDerivation } from "../../src/model/mod.ts";
import { CatchUp } from "../../src/runtime/catch_up.ts";
import { eventJson } from "../../src/sink/event_json.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const DEDUP = { enabled: true, windowSeconds: 300, keysMax: 1000 };

/**
 * A journal of many small segments whose checkpoints are what the pipeline saved, or `state` instead; hands each event
 * that was derived live, and what a reader derives that begins at any segment.
 */
async function readFromEverySegment(state: readonly string[] | null): Promise<void> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("segments");
  const pipeline = new Pipeline([], DEDUP);
  const journal = await openJournal({
    host,
    dir,
    plan: { syncMs: 5, segmentBytes: 4096, totalBytesMax: 2 ** 40, retainHours: 1, archiveDir: null, onFull: "block" },
    observer: () => {},
    checkpoint: () => state === null ? pipeline.saveState() : [...state],
  });
  try {
    const derivation = writeDerivation(
      buildDerivation(loadShipped("binance").frames, { dedup: DEDUP, bookTops: { levels: 2, intervalMs: 1 } }),
    );
    const live: string[] = [];
    const offsets: Offset[] = [];
    const append = (record: Parameters<typeof journal.append>[0]): Offset => {
      const offset = journal.append(record);
      for (const envelope of pipeline.process(offset, record).envelopes) {
        live.push(eventJson(envelope));
        offsets.push(offset);
      }
      return offset;
    };
    const at = host.clock.nowMicros();
    append({ kind: "plan", at, ...derivation });
    const stream = { channel: "trades", symbol: "BTCUSDT" } as const;
    for (let round = 0; round < 3; round++) {
      const { hash: planHash } = derivation;
      const opened = { kind: "opened", at, exchange: "binance", connection: "public", url: "" } as const;
      const session = append({ ...opened, descriptorHash: "", planHash, streams: [stream] });
      for (let i = 0; i < 60; i++) {
        const id = round * 40 + i;
        const payload = new TextEncoder().encode(
          `{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":${id},"p":"1.${id}","q":"0.1","T":1723161256321,"m":true}}`,
        );
        append({ kind: "frame", session, at: at + id, binary: false, payload });
        if (i % 10 === 0) await journal.sync();
      }
      append({ kind: "closed", session, at: at + 100, cause: "peer", code: 1006, reason: "" });
      await journal.sync();
    }
    const starts = new Set(
      Array.from({ length: journal.next - journal.oldest }, (_, i) => journal.oldest + i)
        .map((offset) => journal.segmentStart(offset)),
    );
    assert.ok(starts.size > 5, `${starts.size} segments`);
    for (const from of starts) {
      const { signal } = new AbortController();
      const catchUp = new CatchUp({ journal, pipeline: new Pipeline([], DEDUP), from, signal });
      const derived: string[] = [];
      let next = from;
      for (let taken = await catchUp.readBatch(next, () => journal.next); taken !== null;) {
        derived.push(...taken.rows.envelopes().map((envelope) => eventJson(envelope)));
        next = taken.next;
        taken = next >= journal.next ? null : await catchUp.readBatch(next, () => journal.next);
      }
      await catchUp.close();
      assert.deepEqual(derived, live.filter((_, i) => offsets[i] >= from), `from ${from - journal.oldest}`);
    }
  } finally {
    await journal.close();
    await host.files.removeTree(dir);
  }
}

Deno.test("a reader that begins at any segment derives the events of the live run", async () => {
  await readFromEverySegment(null);
});

for (
  const [name, text] of [["of an older build", '{"sessions":[],"normalizers":{}}'], ["that is no JSON", "{"]] as const
) {
  Deno.test(`a checkpoint ${name} is refused by its version, and events follow from the oldest record on`, async () => {
    assert.throws(
      () => new Pipeline([], DEDUP).restoreState([text]),
      (error) => error instanceof CheckpointError && error.version === 1,
    );
    await readFromEverySegment([text]);
  });
}
