import { type Clock, denoHost } from "../../src/host/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { type Journal, openJournal } from "../../src/journal/mod.ts";
import { type DroppedRecord, EventBatch, type HttpRecord, type Observation } from "../../src/model/mod.ts";
import { Delivery, type DeliveryOptions, RecentEvents } from "../../src/runtime/mod.ts";
import type { Sink, SinkCapabilities } from "../../src/sink/mod.ts";

/** Those of a sink that is given long. */
export const CAPABILITIES: SinkCapabilities = {
  exactlyOnce: false,
  writesInFlight: 1,
  deadlines: { openMs: 60_000, writeMs: 60_000, flushMs: 60_000, closeMs: 60_000 },
};

/** A sink that does what a test says. */
export function fakeSink(does: Partial<Sink>): Sink {
  const sink: Sink = {
    files: null,
    wantsFlush: false,
    open: (committed) => Promise.resolve(committed),
    write: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return Object.defineProperties(sink, Object.getOwnPropertyDescriptors(does));
}

/** A delivery to a sink under test. */
export interface DeliveryRig {
  readonly journal: Journal;
  readonly delivery: Delivery;
  /** Appends that many frames without events, then a record that gives a gap, and syncs. */
  feed(frames: number): Promise<void>;
}

export interface DeliveryRigOptions {
  readonly sleep?: Clock["sleep"];
  readonly clock?: Partial<Clock>;
  readonly seen?: Observation[];
  readonly capBytes?: number;
  readonly segmentBytes?: number;
  readonly delivery?: Partial<DeliveryOptions>;
  /** Takes the place of the journal's way of reading. */
  readonly read?: Journal["read"];
}

/** Runs a test with a delivery that was not started. */
export async function withDelivery(
  sink: Sink | (() => Sink),
  test: (rig: DeliveryRig) => Promise<void>,
  options: DeliveryRigOptions = {},
): Promise<void> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("delivery");
  const dedup = { enabled: false, windowSeconds: 0, keysMax: 0 };
  const pipeline = new Pipeline([], dedup);
  const journal = await openJournal({
    host,
    dir,
    plan: {
      syncMs: 5,
      segmentBytes: options.segmentBytes ?? 64 * 1024,
      totalBytesMax: options.capBytes ?? 2 ** 40,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
    },
    observer: () => {},
    checkpoint: () => pipeline.saveState(),
  });
  const recent = new RecentEvents(journal.next);
  const delivery = new Delivery({
    name: "fake",
    type: "fake",
    filter: (batch, event) => batch.kindAt(event) === "gap",
    flush: { everyMs: 1e9, bytes: null, events: null },
    capabilities: CAPABILITIES,
    createSink: () => typeof sink === "function" ? sink() : sink,
    createPipeline: () => new Pipeline([], dedup),
    exchanges: () => ["alpha"],
    journal: options.read === undefined ? journal : withRead(journal, options.read),
    recent,
    clock: { ...host.clock, ...options.clock, sleep: options.sleep ?? host.clock.sleep },
    observe: (observation) => options.seen?.push(observation),
    ...options.delivery,
  });
  await journal.loadCursor("fake");
  const feed = async (frames: number) => {
    for (let i = 0; i < frames; i++) {
      // A refused request: nothing follows from it, whatever plans there are.
      const record: HttpRecord = {
        kind: "http",
        planHash: null,
        at: i,
        exchange: "alpha",
        session: null,
        request: "poll",
        native: "",
        url: "",
        status: 500,
        body: new Uint8Array(100),
      };
      const offset = journal.append(record);
      recent.push(offset, new EventBatch());
    }
    const at = host.clock.nowMicros();
    const dropped: DroppedRecord = {
      kind: "dropped",
      session: 1,
      at,
      frames: 1,
      fromTs: at,
      toTs: at,
      toOffset: null,
      reason: "test",
    };
    const offset = journal.append(dropped);
    recent.push(offset, pipeline.process(offset, dropped).events);
    await journal.sync();
  };
  try {
    await test({ journal, delivery, feed });
  } finally {
    await journal.close();
    await host.files.removeTree(dir);
  }
}

/** A journal that is read in another way. */
function withRead(journal: Journal, read: Journal["read"]): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      if (key === "read") return read;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
