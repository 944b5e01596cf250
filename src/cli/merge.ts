import { Command } from "commander";
import { EventMerger, type MergeCounts, type SourcedEvent } from "../lake/mod.ts";
import {
  type Envelope,
  EventBatch,
  Failure,
  MERGE_WINDOW_US,
  type Micros,
  SINK_BATCH_EVENTS_MAX,
  type SinkPlan,
} from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { sinkTypeOf } from "../sink/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { mergeBy } from "./merge_by.ts";
import { type MergeInput, openMergeInput } from "./merge_inputs.ts";
import { progressBar } from "./progress.ts";
import { readSinkOption, SINK_USAGES } from "./replay.ts";
import { ReplaySink } from "./replay_sink.ts";

/** Sinks whose lines have `seen_by`; other sinks get a file beside them. */
const TELLS_COPIES = ["ndjson", "stdout"];
/** Name of that file; readers of the folder ignore names that begin with `_`. */
const COPIES_NAME = "_seen_by.ndjson";
/** Characters buffered before they are written to it. */
const COPIES_CHUNK_CHARS = 256 * 1024;

/** Events between two looks at the progress bar. */
const EVENTS_A_LOOK = 1_000;

interface MergeOptions {
  readonly to: string;
  readonly names?: string;
  readonly window?: string;
  readonly json?: boolean;
}

/** `merge`: merges what several collectors have received. */
export function mergeCommand(context: CliContext): Command {
  return new Command("merge")
    .description("Merge what several collectors have received: each event once, with who received it and when")
    .argument(
      "<input...>",
      "two or more journals, archives of segments, recordings, archives of Parquet, or folders and files of NDJSON",
    )
    .requiredOption("--to <sink>", SINK_USAGES)
    .option(
      "--names <list>",
      "names of the collectors, comma-separated, in the order of the inputs (default: those in the data)",
    )
    .option("--window <duration>", "longest time between the copies of an event, such as 2m", "60s")
    .option("--json", "print the counts as JSON")
    .action((inputs: string[], options: MergeOptions) => merge(context, inputs, options));
}

async function merge(context: CliContext, inputs: readonly string[], options: MergeOptions): Promise<void> {
  const { host } = context;
  if (inputs.length < 2) throw new UsageError("merge takes two inputs or more");
  const windowUs = options.window === undefined ? MERGE_WINDOW_US : readWindow(options.window);
  const names = readNames(inputs, options.names);
  const plan = await readSinkOption(host, options.to);
  const sources: MergeInput[] = [];
  for (const [at, path] of inputs.entries()) {
    sources.push(await openMergeInput(context, path, { fallback: names[at], forced: options.names !== undefined }));
  }
  const owners = new Map<string, number>();
  const streams = sources.map((source, at) => inOrder(owned(source.events, { at, inputs, owners })));
  const merger = new EventMerger({ windowUs });
  const output = new MergeOutput(context, plan);
  const bar = progressBar(host, sources.reduce((sum, { bytes }) => sum + bytes, 0));
  let read = 0;
  try {
    for await (const { event } of mergeBy(streams, compareEvents)) {
      await output.write(merger.add(event));
      if (++read % EVENTS_A_LOOK !== 0) continue;
      bar?.update(sources.reduce((sum, { progress }) => sum + progress(), 0), { rate: `${showCount(read)} events` });
    }
    await output.write(merger.finish());
    await output.finish();
  } finally {
    bar?.stop();
    await output.close();
  }
  const text = options.json === true ? JSON.stringify(merger.counts, null, 2) : describe(merger.counts);
  if (plan.type === "stdout") host.terminal.printError(text);
  else host.terminal.print(text);
  context.finish(EXIT.fine);
}

function readWindow(text: string): Micros {
  const ms = parseDuration(text);
  if (ms <= 0) throw new UsageError(`--window takes a duration such as 60s, not ${text}`);
  return ms * 1000;
}

function readNames(inputs: readonly string[], list: string | undefined): readonly string[] {
  const names = list?.split(",") ?? inputs.map((path) => path.replace(/\/+$/, "").split("/").at(-1) ?? path);
  if (list === undefined) return names;
  if (names.length !== inputs.length) {
    throw new UsageError(`--names takes a name for each of the ${inputs.length} inputs, not ${names.length}`);
  }
  for (const [at, name] of names.entries()) {
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
      throw new UsageError(`--names takes names of letters, digits, "_", "-" and ".", not "${name}"`);
    }
    if (names.indexOf(name) !== at) throw new UsageError(`--names gives ${name} to two inputs`);
  }
  return names;
}

/** An event with its merge time, which never goes back within one input. */
interface TimedEvent {
  readonly at: Micros;
  readonly event: SourcedEvent;
}

async function* inOrder(source: AsyncIterable<SourcedEvent>): AsyncIterable<TimedEvent> {
  let at: Micros = -Infinity;
  for await (const event of source) {
    at = Math.max(at, event.envelope.received_ts);
    yield { at, event };
  }
}

/** Compares by time, then by collector: the order of the inputs does not matter. */
function compareEvents(a: TimedEvent, b: TimedEvent): number {
  const [left, right] = [a.event.collector, b.event.collector];
  return a.at - b.at || (left < right ? -1 : left > right ? 1 : 0);
}

/** Throws a `UsageError` if two inputs are of one collector: its events would count twice. */
async function* owned(
  source: AsyncIterable<SourcedEvent>,
  { at, inputs, owners }: {
    readonly at: number;
    readonly inputs: readonly string[];
    readonly owners: Map<string, number>;
  },
): AsyncIterable<SourcedEvent> {
  for await (const event of source) {
    const owner = owners.get(event.collector);
    if (owner === undefined) owners.set(event.collector, at);
    else if (owner !== at) {
      throw new UsageError(
        `Both ${inputs[Math.min(owner, at)]} and ${inputs[Math.max(owner, at)]} are of a collector named ` +
          `"${event.collector}": give each a name of its own with --names`,
      );
    }
    yield event;
  }
}

/**
 * Gives events new offsets and writes them to a sink. If the sink has no `seen_by`, writes that to a file of its own.
 */
class MergeOutput {
  readonly #context: CliContext;
  readonly #sink: ReplaySink;
  readonly #copiesPath: string | null;
  #copies = "";
  #batch = new EventBatch();
  #offset = 0;

  constructor(context: CliContext, plan: SinkPlan) {
    this.#context = context;
    this.#sink = new ReplaySink(context.host, plan, () => ({ name: null, until: null }));
    const dir = sinkTypeOf(plan).folder(plan);
    this.#copiesPath = dir === null || TELLS_COPIES.includes(plan.type) ? null : `${dir}/${COPIES_NAME}`;
  }

  async write(events: readonly Envelope[]): Promise<void> {
    for (const envelope of events) {
      const offset = ++this.#offset;
      const at = this.#batch.length;
      this.#batch.append({ ...envelope, offset, index: 0 }, envelope.event);
      if (envelope.backfilled === true) this.#batch.markBackfilled(at);
      const copies = envelope.seen_by ?? [];
      this.#batch.markSeenBy(at, copies);
      if (this.#copiesPath !== null) this.#copies += `${JSON.stringify({ offset, seen_by: copies })}\n`;
      if (this.#batch.length >= SINK_BATCH_EVENTS_MAX) await this.#hand();
    }
  }

  async finish(): Promise<void> {
    await this.#hand();
    await this.#sink.flush();
    await this.#spill();
  }

  close(): Promise<void> {
    return this.#sink.close();
  }

  async #hand(): Promise<void> {
    if (this.#batch.length === 0) return;
    await this.#sink.write(this.#batch);
    this.#batch = new EventBatch();
    if (this.#copies.length >= COPIES_CHUNK_CHARS) await this.#spill();
  }

  async #spill(): Promise<void> {
    if (this.#copiesPath === null || this.#copies === "") return;
    const file = await this.#context.host.files.open(this.#copiesPath, "append");
    try {
      await file.write(new TextEncoder().encode(this.#copies));
      await file.sync();
    } catch (cause) {
      throw cause instanceof Failure ? cause : new Failure("file", `Cannot write ${this.#copiesPath}`, { cause });
    } finally {
      await file.close();
    }
    this.#copies = "";
  }
}

function describe(counts: MergeCounts): string {
  const { read, written, copies, lateCopies, booksElsewhere, gapsFilled } = counts;
  return [
    `${showCount(read)} events read, ${showCount(written)} written`,
    `${showCount(copies)} copies of others${
      lateCopies === 0 ? "" : `, ${showCount(lateCopies)} of them later than the window`
    }`,
    `${showCount(booksElsewhere)} updates of books that were followed at another collector`,
    `${showCount(gapsFilled)} gaps filled by another collector`,
  ].join("\n");
}
