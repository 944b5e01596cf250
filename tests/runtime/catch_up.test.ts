import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import type { JournalRecord, Offset } from "../../src/model/mod.ts";
import { CatchUp } from "../../src/runtime/catch_up.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const DEDUP = { enabled: false, windowSeconds: 0, keysMax: 0 };

/** Notes which records it was given. */
class WatchedPipeline extends Pipeline {
  readonly offsets: Offset[] = [];

  override process(offset: Offset, record: JournalRecord) {
    this.offsets.push(offset);
    return super.process(offset, record);
  }
}

Deno.test("CatchUp goes on where it stands when its sink falls behind again, and reads no record twice", async () => {
  const host = denoHost();
  const dir = await host.files.makeTempDir("catch_up");
  const { frames: plan } = loadShipped("binance");
  const journal = await openJournal({
    host,
    dir,
    plan: {
      syncMs: 5,
      segmentBytes: 2 ** 30,
      totalBytesMax: 2 ** 40,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
    },
    observer: () => {},
    checkpoint: () => new Pipeline([plan], DEDUP).saveState(),
  });
  const at = host.clock.nowMicros();
  const session = journal.append({
    kind: "opened",
    at,
    exchange: "binance",
    connection: "public",
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  });
  const payload = new TextEncoder().encode(
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"s":"BTCUSDT","t":1,"p":"61800.1","q":"0.1","T":1723161256321,"m":true}}',
  );
  const appendFrames = async () => {
    for (let i = 0; i < 100; i++) journal.append({ kind: "frame", session, at: at + i, binary: false, payload });
    await journal.sync();
    return journal.next;
  };
  const pipeline = new WatchedPipeline([plan], DEDUP);
  const catchUp = new CatchUp({ journal, pipeline, from: journal.oldest, signal: new AbortController().signal });
  const first = await appendFrames();
  const taken = await catchUp.readBatch(journal.oldest, () => first);
  assert.deepEqual([taken?.rows.length, taken?.next], [100, first]);
  // The sink had these from memory.
  const second = await appendFrames();
  const third = await appendFrames();
  assert.ok(catchUp.isCloserTo(second));
  const later = await catchUp.readBatch(second, () => third);
  assert.deepEqual([later?.rows.length, later?.rows.envelopes()[0].offset, later?.next], [100, second, third]);
  assert.equal(await catchUp.readBatch(third, () => third), null);
  assert.ok(!catchUp.isCloserTo(first));
  const expected = Array.from({ length: third - journal.oldest }, (_, i) => journal.oldest + i);
  assert.deepEqual(pipeline.offsets, expected);
  await catchUp.close();
  await journal.close();
  await host.files.removeTree(dir);
});
