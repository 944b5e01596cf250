import { Command } from "commander";
import type { Host } from "../host/mod.ts";
import { EventBatch, type Micros, type Offset, SINK_BATCH_EVENTS_MAX, type SinkPlan } from "../model/mod.ts";
import { deriveRecord, Pipeline, PlanStore } from "../derive/mod.ts";
import { UsageError } from "../service/mod.ts";
import { replaySink, SINK_TYPES, sinkTypeOf } from "../sink/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { progressBar } from "./progress.ts";
import { renderReport, type ReplayReport } from "./replay_report.ts";
import { openReplay, type ReplaySource } from "./replay_source.ts";
import { ReplaySink } from "./replay_sink.ts";
import { Tally } from "./tally.ts";

/** Frames between two looks at the clock, the sink and the progress bar. */
const FRAMES_A_TURN = 2_000;

/** `replay`: runs the pipeline over recorded frames. */
export function replayCommand(context: CliContext): Command {
  return new Command("replay")
    .description("Run the pipeline over recordings or a journal; print counts, and write events to --to")
    .argument(
      "<input...>",
      "recordings (JSON Lines, plain or gzip, see docs/recordings.md; - is standard input; several are merged by " +
        "time) or one journal folder",
    )
    .option(
      "--exchange <name>",
      "shipped descriptor or path of one (default: recognised by the recorded URL or frames)",
    )
    .option("--speed <factor>", "1 for the recorded pace, 0 for as fast as possible", "0")
    .option("--to <sink>", `${SINK_USAGES} (default: only count)`)
    .option("--report <file>", "write the report as JSON")
    .option(
      "--collector <name>",
      "name of the collector in every event (default: the one in the journal)",
    )
    .option("--pass-books", "emit book updates as received, without keeping and checking the books")
    .action(async (inputs: string[], options: ReplayCommandOptions) => {
      const { host, finish } = context;
      const speed = Number(options.speed);
      if (!(speed >= 0)) throw new UsageError(`--speed takes a number from 0 up, not ${options.speed}`);
      const sinkPlan = options.to === undefined ? null : await readSinkOption(host, options.to);
      const named = options.collector ?? null;
      if (named !== null && !/^[A-Za-z0-9_.-]+$/.test(named)) {
        throw new UsageError(`--collector takes a name of letters, digits, "_", "-" and ".", not ${named}`);
      }
      const source = await openReplay(context, inputs, { exchange: options.exchange, passBooks: options.passBooks });
      const tally = new Tally();
      const collectorAt = named === null ? source.collectorAt : () => ({ name: named, until: null });
      const began = host.clock.monotonicMs();
      const sink = sinkPlan === null ? null : new ReplaySink(host, sinkPlan, collectorAt);
      try {
        await replay(context, { source, tally, sink, speed });
      } finally {
        await sink?.close();
      }
      const durationMs = host.clock.monotonicMs() - began;
      const report: ReplayReport = {
        exchange: source.exchange,
        inputs,
        ...tally.summary(),
        ignored_http: source.ignoredHttp(),
        duration_ms: Math.round(durationMs),
        frames_per_second: Math.round(tally.frames / Math.max(durationMs, 0.001) * 1000),
      };
      if (options.report !== undefined) {
        const text = `${JSON.stringify(report, null, 2)}\n`;
        await host.files.writeAtomic(options.report, new TextEncoder().encode(text));
      }
      // Standard output belongs to the events when they go there.
      if (sinkPlan?.type === "stdout") host.terminal.printError(renderReport(report));
      else host.terminal.print(renderReport(report));
      finish(EXIT.fine);
    });
}

interface ReplayCommandOptions {
  readonly exchange?: string;
  readonly speed: string;
  readonly to?: string;
  readonly report?: string;
  readonly passBooks?: boolean;
  readonly collector?: string;
}

/** Receives the events of a replay, in order. */
export interface EventWriter {
  write(events: EventBatch): Promise<void>;
  flush(): Promise<void>;
}

interface ReplayOptions {
  readonly source: ReplaySource;
  readonly tally: Tally;
  readonly sink: EventWriter | null;
  readonly speed: number;
}

/** Derives records and passes the events on. */
export async function replay(context: CliContext, { source, tally, sink, speed }: ReplayOptions): Promise<void> {
  const { host } = context;
  const dedup = { enabled: false, windowSeconds: 1, keysMax: 1 };
  const pipeline = new Pipeline(source.plans, dedup, null, new PlanStore(source.adapt));
  const bar = progressBar(host, source.bytes);
  const abort = new AbortController();
  const pacer = speed > 0 ? new Pacer(host, speed) : null;
  const interrupt = () => abort.abort();
  host.signals.on("SIGINT", interrupt);
  let events = new EventBatch();
  let sinceTurn = 0;
  let last: Offset = 0;
  const hand = async () => {
    await sink?.write(events);
    events = new EventBatch();
  };
  try {
    for await (const { offset, record } of source.records(abort.signal)) {
      if (pacer !== null) await pacer.wait(record.at, abort.signal);
      const result = deriveRecord(pipeline, offset, record);
      last = offset;
      tally.add(record, result);
      if (sink !== null) events.copyAll(result.events);
      if (++sinceTurn < FRAMES_A_TURN && events.length < SINK_BATCH_EVENTS_MAX && pacer === null) continue;
      sinceTurn = 0;
      await hand();
      bar?.update(source.progress(), { rate: `${tally.frames} frames` });
    }
    // A journal may be continued by a live run; a recording has ended.
    if (!source.isJournal) {
      const { events: ends } = pipeline.finish(last + 1);
      tally.addEvents(ends);
      events.copyAll(ends);
    }
    await hand();
    await sink?.flush();
  } finally {
    host.signals.off("SIGINT", interrupt);
    bar?.update(source.bytes, { rate: `${tally.frames} frames` });
    bar?.stop();
  }
}

/** Keeps the recorded pace, times a factor. */
class Pacer {
  readonly #host: Host;
  readonly #speed: number;
  #firstAt: Micros | null = null;
  #began = 0;

  constructor(host: Host, speed: number) {
    this.#host = host;
    this.#speed = speed;
  }

  async wait(at: Micros, signal: AbortSignal): Promise<void> {
    const { clock } = this.#host;
    if (this.#firstAt === null) {
      this.#firstAt = at;
      this.#began = clock.monotonicMs();
      return;
    }
    const due = this.#began + (at - this.#firstAt) / 1000 / this.#speed;
    const waitMs = due - clock.monotonicMs();
    if (waitMs > 1) await clock.sleep(waitMs, signal);
  }
}

/** Reads `--to`. A folder must be new or empty, so that a replay does not mix with other data. */
export async function readSinkOption(host: Host, text: string): Promise<SinkPlan> {
  const plan = replaySink(text);
  if (plan === null) throw new UsageError(`--to takes ${SINK_USAGES}, not ${text}`);
  const dir = sinkTypeOf(plan).folder(plan);
  const there = dir === null ? null : await host.files.list(dir);
  if (there !== null && there.length > 0) throw new UsageError(`Cannot write into ${dir}: the folder is not empty`);
  return plan;
}

/** Values of `--to`. */
export const SINK_USAGES = SINK_TYPES.flatMap(({ replayUsage }) => replayUsage ?? []).join(", ").replace(
  /, (?=[^,]*$)/,
  " or ",
);
