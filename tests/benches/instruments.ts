import type { Host } from "../../src/host/mod.ts";
import { deriveRecord, Pipeline } from "../../src/derive/mod.ts";
import { EventBatch, EventRows, type FrameRecord, type OpenedRecord } from "../../src/model/mod.ts";
import { createSink, RowsBatch } from "../../src/sink/mod.ts";
import type { Stage } from "./measure.ts";
import type { Sample } from "./samples.ts";

/** How many instruments the frames are spread over. */
export const INSTRUMENTS = [10, 100, 1_000] as const;
/** Frames of each run, and between two batches that a sink is given. */
const FRAMES = 60_000;
const FRAMES_A_BATCH = 2_000;
const JOURNAL = "11111111-1111-4111-8111-111111111111";
const NATIVE = "BTCUSDT";

/**
 * Trades and quotes of a sample, spread over instruments: from frames in memory through the pipeline to one Parquet
 * flush. Books are left out, because each would need its own image. Null where the sample is of other instruments.
 */
export function instrumentStages(sample: Sample, host: Host, dir: string): readonly Stage[] | null {
  const texts = sample.frames.map((frame) => new TextDecoder().decode(frame)).filter((text) =>
    text.includes(NATIVE) && !text.includes("depthUpdate")
  );
  if (texts.length === 0) return null;
  return INSTRUMENTS.map((count) => {
    const frames = Array.from({ length: FRAMES }, (_, at) => {
      const name = `S${String(at % count).padStart(4, "0")}US`;
      return new TextEncoder().encode(texts[at % texts.length].replaceAll(NATIVE, name));
    });
    let run = 0;
    return {
      name: `${count.toLocaleString("en")} instruments`,
      frames: FRAMES,
      run: () => collect(sample, frames, { host, dir: `${dir}/${count}-${run++}` }),
    };
  });
}

async function collect(
  sample: Sample,
  frames: readonly Uint8Array[],
  { host, dir }: { readonly host: Host; readonly dir: string },
): Promise<void> {
  const pipeline = new Pipeline([sample.plan], { enabled: false, windowSeconds: 0, keysMax: 0 });
  const plan = {
    type: "parquet",
    name: "archive",
    kinds: null,
    options: { dir, part_seconds: 3600, exact_digits: true },
  };
  const sink = createSink(plan, {
    host,
    name: "archive",
    journal: JOURNAL,
    collector: null,
    sinks: ["archive"],
    end: () => 0,
    observe: () => {},
  });
  const { signal } = new AbortController();
  await sink.open(1, signal);
  const opened: OpenedRecord = {
    kind: "opened",
    at: 1,
    exchange: sample.plan.exchange,
    connection: sample.connection,
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  };
  deriveRecord(pipeline, 1, opened);
  let batch = new EventBatch();
  for (let at = 0; at < frames.length; at++) {
    const record: FrameRecord = {
      kind: "frame",
      session: 1,
      at: 1_700_000_000_000_000 + at,
      binary: false,
      payload: frames[at],
    };
    batch.copyAll(deriveRecord(pipeline, at + 2, record).events);
    if ((at + 1) % FRAMES_A_BATCH > 0) continue;
    await sink.write(new RowsBatch(EventRows.of(batch), at + 3 - FRAMES_A_BATCH, at + 3), signal);
    batch = new EventBatch();
  }
  await sink.flush(frames.length + 2, signal);
  await sink.close();
}
