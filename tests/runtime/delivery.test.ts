import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import type { FrameRecord, Offset, OpenedRecord } from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { Delivery, RecentEvents } from "../../src/runtime/mod.ts";
import type { Sink, SinkBatch } from "../../src/sink/mod.ts";
import { CAPABILITIES } from "../support/delivery_rig.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** A sink that takes nothing until it is let. */
class HeldSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly taken: string[] = [];
  readonly asked: Promise<void>;
  readonly #release = Promise.withResolvers<void>();
  readonly #asked = Promise.withResolvers<void>();

  constructor() {
    this.asked = this.#asked.promise;
  }

  release(): void {
    this.#release.resolve();
  }

  open(committed: Offset): Promise<Offset> {
    return Promise.resolve(committed);
  }

  async write({ events }: SinkBatch): Promise<void> {
    this.#asked.resolve();
    await this.#release.promise;
    for (const { offset, index } of events) this.taken.push(`${offset}.${index}`);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("Delivery keeps a bounded recent for a sink that hangs, and gives it every event once from the journal after", async () => {
  const host = denoHost();
  const dir = await host.files.makeTempDir("delivery");
  const { frames: plan } = loadShipped("binance");
  const dedup = { enabled: false, windowSeconds: 0, keysMax: 0 };
  const pipeline = new Pipeline([plan], dedup);
  const journal = await openJournal({
    host,
    dir,
    plan: {
      syncMs: 5,
      segmentBytes: 64 * 1024,
      totalBytesMax: 2 ** 40,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
    },
    observer: () => {},
    checkpoint: () => pipeline.saveState(),
  });
  const bytesMax = 80 * 1024;
  const recent = new RecentEvents(journal.next, bytesMax);
  const sink = new HeldSink();
  const delivery = new Delivery({
    name: "held",
    type: "held",
    filter: null,
    flush: { everyMs: 1e9, bytes: null, events: null },
    capabilities: CAPABILITIES,
    createSink: () => sink,
    exchanges: () => [],
    createPipeline: () => new Pipeline([plan], dedup),
    journal,
    recent,
    clock: host.clock,
    observe: () => {},
  });
  await journal.loadCursor("held");
  const expected: string[] = [];
  const append = (record: FrameRecord | OpenedRecord) => {
    const offset = journal.append(record);
    const { envelopes, events } = pipeline.process(offset, record);
    recent.push(offset, events);
    for (const { index } of envelopes) expected.push(`${offset}.${index}`);
    return offset;
  };
  const at = host.clock.nowMicros();
  const session = append({
    kind: "opened",
    at,
    exchange: "binance",
    connection: "public",
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  });
  delivery.start();
  const payload = new TextEncoder().encode(
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"s":"BTCUSDT","t":1,"p":"61800.1","q":"0.1","T":1723161256321,"m":true}}',
  );
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 500; i++) append({ kind: "frame", session, at: at + i, binary: false, payload });
    await journal.sync();
    assert.ok(recent.bytes <= bytesMax);
  }
  await sink.asked;
  assert.equal(expected.length, 10_000);
  assert.ok(recent.size < 1_000);
  sink.release();
  await delivery.stop(new AbortController().signal);
  assert.deepEqual(sink.taken, expected);
  await journal.close();
  await host.files.removeTree(dir);
});
