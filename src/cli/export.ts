import { Command } from "commander";
import { isJournal } from "../journal/mod.ts";
import { type ArchiveSelection, compressFile, HftbacktestFiles } from "../lake/mod.ts";
import { EventBatch, Failure, type Micros, SINK_BATCH_EVENTS_MAX, type SinkPlan } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { CSV_TABLES, replaySink } from "../sink/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { progressBar } from "./progress.ts";
import { replay } from "./replay.ts";
import { ReplaySink } from "./replay_sink.ts";
import { openReplay, type ReplaySource } from "./replay_source.ts";
import { openStored, type StoredInput } from "./stored_inputs.ts";
import { Tally } from "./tally.ts";
import { readTime } from "./time_option.ts";

const FORMATS = ["hftbacktest", "tardis", "ndjson"] as const;
type Format = typeof FORMATS[number];

/** Tables that Tardis has; others are not exported. */
const TARDIS_TABLES = ["trades", "incremental_book_L2", "quotes", "derivative_ticker", "liquidations", "options_chain"];

interface ExportOptions {
  readonly to: string;
  readonly out: string;
  readonly exchange?: string;
  readonly symbol?: readonly string[];
  readonly from?: string;
  readonly until?: string;
}

/** `export`: writes a stretch of collected data in formats of other programs. */
export function exportCommand(context: CliContext): Command {
  return new Command("export")
    .description("Write a stretch of what was collected in the format of other programs")
    .argument(
      "<input...>",
      "journal, archive of segments or recordings, as of replay; or one archive of Parquet, or folder or file of NDJSON",
    )
    .requiredOption(
      "--to <format>",
      "hftbacktest (NumPy files), tardis (CSV, gzip) or ndjson (zstd), one file per day",
    )
    .requiredOption("--out <dir>", "new or empty folder for the files")
    .option("--exchange <name>", "of stored events only this one; else shipped descriptor or path of one, as of replay")
    .option("--symbol <symbol...>", "only these symbols, such as BTC/USDT")
    .option("--from <time>", "earliest receive time, such as 2026-11-22T13:00:00Z")
    .option("--until <time>", "receive time to stop before")
    .action((inputs: string[], options: ExportOptions) => exportStretch(context, inputs, options));
}

async function exportStretch(context: CliContext, inputs: readonly string[], options: ExportOptions): Promise<void> {
  const { host } = context;
  const format = FORMATS.find((name) => name === options.to);
  if (format === undefined) throw new UsageError(`--to takes ${FORMATS.join(", ")}, not ${options.to}`);
  const there = await host.files.list(options.out);
  if (there !== null && there.length > 0) {
    throw new UsageError(`Cannot export into ${options.out}: the folder is not empty`);
  }
  const wanted: ArchiveSelection = {
    exchange: options.exchange ?? null,
    symbols: options.symbol === undefined ? null : new Set(options.symbol),
    from: options.from === undefined ? -Infinity : readTime("--from", options.from),
    until: options.until === undefined ? Infinity : readTime("--until", options.until),
  };
  const source = await openExport(context, inputs, wanted);
  await host.files.makeDir(options.out);
  const target = makeTarget(context, format, { out: options.out, collectorAt: source.collectorAt });
  let events = 0;
  let files = 0;
  try {
    await source.run(async (batch, collector) => {
      const chosen = new EventBatch();
      for (let event = 0; event < batch.length; event++) if (isWanted(batch, event, wanted)) chosen.copy(batch, event);
      events += chosen.length;
      await target.write(chosen, collector);
    });
    files = await target.finish();
  } finally {
    await target.close();
  }
  host.terminal.print(`${showCount(events)} events, ${showCount(files)} files in ${options.out}`);
  context.finish(EXIT.fine);
}

function isWanted(batch: EventBatch, event: number, { symbols, from, until }: ArchiveSelection): boolean {
  const at: Micros = batch.receivedTs.values[event];
  return at >= from && at < until && (symbols === null || symbols.has(batch.symbols[event]));
}

/** Takes events; `collector` is who collected them, absent if their offsets say it. */
type Take = (batch: EventBatch, collector?: string | null) => Promise<void>;

/** Where events to export come from. */
interface ExportSource {
  readonly collectorAt: ReplaySource["collectorAt"];
  /** Hands over all events, in the order of their records. */
  run(take: Take): Promise<void>;
}

async function openExport(
  context: CliContext,
  inputs: readonly string[],
  wanted: ArchiveSelection,
): Promise<ExportSource> {
  const { files } = context.host;
  for (const path of inputs) {
    // A data folder holds the journal beside what was made of it.
    if (await isJournal(files, path)) continue;
    const stored = await openStored(context, path, wanted);
    if (stored === null) continue;
    if (inputs.length > 1) {
      throw new UsageError(`${path} holds stored events, which are exported alone; merge makes one archive of several`);
    }
    return {
      collectorAt: () => ({ name: null, until: null }),
      run: (take) => runStored(context, stored, { wanted, take }),
    };
  }
  const source = await openReplay(context, inputs, { exchange: wanted.exchange ?? undefined });
  return {
    collectorAt: source.collectorAt,
    run: (take) =>
      replay(context, {
        ...{ source, tally: new Tally(), speed: 0 },
        sink: { write: (batch) => take(batch), flush: () => Promise.resolve() },
      }),
  };
}

/** Hands over stored events, those of one collector at a time. */
async function runStored(
  { host }: CliContext,
  { events, bytes, progress }: StoredInput,
  { wanted, take }: { readonly wanted: ArchiveSelection; readonly take: Take },
): Promise<void> {
  const bar = progressBar(host, bytes);
  let batch = new EventBatch();
  let batchCollector: string | null = null;
  let read = 0;
  const hand = async () => {
    await take(batch, batchCollector);
    batch = new EventBatch();
    bar?.update(progress(), { rate: `${showCount(read)} events` });
  };
  try {
    for await (const { collector, envelope } of events) {
      if (wanted.exchange !== null && envelope.exchange !== wanted.exchange) continue;
      if (collector !== batchCollector || batch.length >= SINK_BATCH_EVENTS_MAX) await hand();
      batchCollector = collector;
      batch.append(envelope, envelope.event);
      if (envelope.backfilled === true) batch.markBackfilled(batch.length - 1);
      read++;
    }
    await hand();
  } finally {
    bar?.stop();
  }
}

interface Destination {
  readonly out: string;
  readonly collectorAt: ReplaySource["collectorAt"];
}

interface Target {
  write(batch: EventBatch, collector?: string | null): Promise<void>;
  /** Resolves with the number of files. */
  finish(): Promise<number>;
  close(): Promise<void>;
}

function makeTarget(context: CliContext, format: Format, { out, collectorAt }: Destination): Target {
  switch (format) {
    case "hftbacktest":
      return new HftbacktestFiles(context.host.files, out);
    case "tardis":
      return new CompressedTarget(context, { out, collectorAt, sink: "csv" });
    case "ndjson":
      return new CompressedTarget(context, { out, collectorAt, sink: "ndjson" });
  }
}

/** Writes the files of a sink to a temporary folder, and compresses them under their final names at the end. */
class CompressedTarget implements Target {
  readonly #context: CliContext;
  readonly #out: string;
  readonly #type: "csv" | "ndjson";
  readonly #sink: ReplaySink;

  constructor(context: CliContext, { out, collectorAt, sink }: Destination & { readonly sink: "csv" | "ndjson" }) {
    this.#context = context;
    this.#out = out;
    this.#type = sink;
    const plan: SinkPlan | null = replaySink(`${sink}:${this.#plain}`);
    if (plan === null) {
      throw new Failure("file", `Cannot export into ${out}: not a valid folder name`, { retry: false });
    }
    this.#sink = new ReplaySink(context.host, plan, collectorAt);
  }

  get #plain(): string {
    return `${this.#out}/_plain`;
  }

  write(batch: EventBatch, collector?: string | null): Promise<void> {
    return this.#sink.write(batch, collector);
  }

  async finish(): Promise<number> {
    await this.#sink.flush();
    await this.#sink.close();
    const { files } = this.#context.host;
    let count = 0;
    const paths = await pathsBelow(files, this.#plain, "");
    const bar = progressBar(this.#context.host, paths.length);
    try {
      for (const path of paths) {
        bar?.update(count, { rate: `${showCount(count)} files` });
        const name = this.#type === "csv" ? tardisName(path) : `${path.replace("/", "_")}.zst`;
        if (name === null) continue;
        await compressFile(files, `${this.#plain}/${path}`, {
          path: `${this.#out}/${name}`,
          ...this.#type === "csv"
            ? { codec: "gzip", change: (lines: string) => withoutOwnColumns(lines, path) }
            : { codec: "zstd" },
        });
        count++;
      }
    } finally {
      bar?.stop();
    }
    await files.removeTree(this.#plain);
    return count;
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}

/**
 * Returns `<exchange>_<data type>_<date>_<symbol>.csv.gz` for a file of the CSV sink; null for a table that Tardis does
 * not have.
 */
function tardisName(path: string): string | null {
  const [table, exchange, symbol, file] = path.split("/");
  if (!TARDIS_TABLES.includes(table)) return null;
  return `${exchange}_${table}_${file.replace(/\.csv$/, "")}_${symbol}.csv.gz`;
}

/** Removes the columns that Tardis does not have, `collector` and `backfilled`; neither needs quotes. */
function withoutOwnColumns(lines: string, path: string): string {
  const count = ownColumns(path.split("/")[0]);
  return lines.replace(new RegExp(`(?:,[^,\\n]*){${count}}$`, "gm"), "");
}

/** Returns how many columns at the end of a table Tardis does not have. */
function ownColumns(table: string): number {
  const columns = Object.values(CSV_TABLES).find(({ folder }) => folder === table)?.columns ?? [];
  return columns.filter((column) => column === "collector" || column === "backfilled").length;
}

async function pathsBelow(
  files: CliContext["host"]["files"],
  dir: string,
  below: string,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { name, isDirectory } of await files.list(below === "" ? dir : `${dir}/${below}`) ?? []) {
    if (name.startsWith("_")) continue;
    const path = below === "" ? name : `${below}/${name}`;
    if (isDirectory) paths.push(...await pathsBelow(files, dir, path));
    else paths.push(path);
  }
  return paths;
}
