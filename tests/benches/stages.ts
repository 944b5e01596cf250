import { denoHost } from "../../src/host/mod.ts";
import { JsonDocument } from "../../src/json/mod.ts";
import { type Journal, openJournal } from "../../src/journal/mod.ts";
import { type FrameRecord, JOURNAL_BUFFER_BYTES_MAX, type OpenedRecord } from "../../src/model/mod.ts";
import { FrameMemory, Normalizer } from "../../src/normalize/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import type { Stage } from "./measure.ts";
import type { Sample } from "./samples.ts";

/** Frames between two turns of the event loop, as a busy socket delivers them. */
const FRAMES_A_TURN = 250;
const MIB = 1024 * 1024;

/** Stages that end when they are let go: the journal of the last one has a folder. */
export interface SampleStages extends AsyncDisposable {
  readonly stages: readonly Stage[];
}

/**
 * The stages of a frame within one process, `JSON.parse` first. The frames are read `passes` times in each run, so that
 * a short recording is measured over many of them.
 */
export async function createStages(sample: Sample, framesPerRun: number): Promise<SampleStages> {
  const passes = Math.max(1, Math.round(framesPerRun / sample.frames.length));
  const frames = passes * sample.frames.length;
  const each = (read: (frame: Uint8Array) => void) => () => {
    for (let pass = 0; pass < passes; pass++) for (const frame of sample.frames) read(frame);
  };
  const host = denoHost();
  const dir = await host.files.makeTempDir("bench_journal");
  const pipeline = new Pipeline([sample.plan], { enabled: false, windowSeconds: 0, keysMax: 0 });
  const journal = await openJournal({
    host,
    dir,
    plan: {
      syncMs: 100,
      segmentBytes: 64 * MIB,
      totalBytesMax: 10 * 1024 * MIB,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
    },
    observer: () => {},
    checkpoint: () => pipeline.saveState(),
  });
  return {
    stages: [
      { name: "JSON.parse", frames, run: each(parseWithPlatform()) },
      { name: "parse only", frames, run: each(parseWithTape()) },
      { name: "normalize", frames, run: each(normalize(sample)) },
      { name: "pipeline + journal", frames, run: journaled({ sample, passes, journal, pipeline }) },
    ],
    [Symbol.asyncDispose]: async () => {
      await journal.close();
      await host.files.removeTree(dir);
    },
  };
}

/** What everything is compared with: bytes to text to objects, as a collector without a reader of its own does it. */
function parseWithPlatform(): (frame: Uint8Array) => void {
  const decoder = new TextDecoder();
  let last: unknown = null;
  return (frame) => {
    last = JSON.parse(decoder.decode(frame));
    if (last === undefined) throw new Error("JSON.parse gave nothing");
  };
}

function parseWithTape(): (frame: Uint8Array) => void {
  const document = new JsonDocument();
  return (frame) => {
    if (!document.parse(frame)) throw new Error(`Cannot parse: ${document.error?.message}`);
  };
}

function normalize({ plan, connection: connectionId }: Sample): (frame: Uint8Array) => void {
  const normalizer = new Normalizer(plan);
  const memory = new FrameMemory();
  return (payload) => {
    const read = normalizer.read({ connectionId, payload, binary: false, receivedTs: 1 }, memory);
    if (read.rule === null && read.faults.length === 0) throw new Error("A frame ended as nothing");
  };
}

/** Append and pipeline, with group commit to a real disk meanwhile; a run ends when all of it is synced. */
function journaled(
  { sample, passes, journal, pipeline }: {
    readonly sample: Sample;
    readonly passes: number;
    readonly journal: Journal;
    readonly pipeline: Pipeline;
  },
): () => Promise<void> {
  const { clock } = denoHost();
  const opened: OpenedRecord = {
    kind: "opened",
    at: clock.nowMicros(),
    exchange: sample.plan.exchange,
    connection: sample.connection,
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  };
  const session = journal.append(opened);
  pipeline.process(session, opened);
  return async () => {
    let turn = 0;
    for (let pass = 0; pass < passes; pass++) {
      for (const payload of sample.frames) {
        const record: FrameRecord = { kind: "frame", session, at: clock.nowMicros(), binary: false, payload };
        pipeline.process(journal.append(record), record);
        if (++turn % FRAMES_A_TURN === 0) await clock.sleep(0);
        if (journal.bufferedBytes >= JOURNAL_BUFFER_BYTES_MAX) await journal.sync();
      }
    }
    await journal.sync();
  };
}
