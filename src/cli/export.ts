import { Command } from "commander";
import { compressFile, HftbacktestFiles } from "../lake/mod.ts";
import { EventBatch, Failure, type Micros, type SinkPlan } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { CSV_TABLES, replaySink } from "../sink/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { progressBar } from "./progress.ts";
import { replay } from "./replay.ts";
import { ReplaySink } from "./replay_sink.ts";
import { openReplay, type ReplaySource } from "./replay_source.ts";
import { Tally } from "./tally.ts";
import { readTime } from "./time_option.ts";

const FORMATS = ["hftbacktest", "tardis", "ndjson"] as const;
type Format = typeof FORMATS[number];

/** Tables that Tardis has; others stay out of its files. */
const TARDIS_TABLES = ["trades", "incremental_book_L2", "quotes", "derivative_ticker", "liquidations", "options_chain"];

interface ExportOptions {
  readonly to: string;
  readonly out: string;
  readonly exchange?: string;
  readonly symbol?: readonly string[];
  readonly from?: string;
  readonly until?: string;
}

/** `export`: a stretch of what was collected in the format of other programs. */
export function exportCommand(context: CliContext): Command {
  return new Command("export")
    .description("Write a stretch of a journal, an archive of segments or recordings in the format of other programs")
    .argument("<input...>", "journal or archive folder, or recordings, as of replay")
    .requiredOption(
      "--to <format>",
      "hftbacktest (NumPy files), tardis (CSV, gzip) or ndjson (zstd), one file a day each",
    )
    .requiredOption("--out <dir>", "folder for the files, new or empty")
    .option("--exchange <name>", "shipped descriptor or path of one, as of replay")
    .option("--symbol <symbol...>", "only these, such as BTC/USDT")
    .option("--from <time>", "earliest time of receipt, such as 2026-11-22T13:00:00Z")
    .option("--until <time>", "time of receipt to stop before")
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
  const from = options.from === undefined ? -Infinity : readTime("--from", options.from);
  const until = options.until === undefined ? Infinity : readTime("--until", options.until);
  const source = await openReplay(context, inputs, { exchange: options.exchange });
  const symbols = options.symbol === undefined ? null : new Set(options.symbol);
  const isWanted = (batch: EventBatch, event: number) => {
    const at: Micros = batch.receivedTs.values[event];
    return at >= from && at < until && (symbols === null || symbols.has(batch.symbols[event]));
  };
  await host.files.makeDir(options.out);
  const target = makeTarget(context, format, { out: options.out, source });
  let events = 0;
  const tally = new Tally();
  const sink = {
    write: async (batch: EventBatch) => {
      const chosen = new EventBatch();
      for (let event = 0; event < batch.length; event++) if (isWanted(batch, event)) chosen.copy(batch, event);
      events += chosen.length;
      await target.write(chosen);
    },
    flush: () => Promise.resolve(),
  };
  let files = 0;
  try {
    await replay(context, { source, tally, sink, speed: 0 });
    files = await target.finish();
  } finally {
    await target.close();
  }
  host.terminal.print(`${showCount(events)} events, ${showCount(files)} files in ${options.out}`);
  context.finish(EXIT.fine);
}

interface Destination {
  readonly out: string;
  readonly source: ReplaySource;
}

interface Target {
  write(batch: EventBatch): Promise<void>;
  /** Resolves with the number of files. */
  finish(): Promise<number>;
  close(): Promise<void>;
}

function makeTarget(context: CliContext, format: Format, { out, source }: Destination): Target {
  switch (format) {
    case "hftbacktest":
      return new HftbacktestFiles(context.host.files, out);
    case "tardis":
      return new CompressedTarget(context, { out, source, sink: "csv" });
    case "ndjson":
      return new CompressedTarget(context, { out, source, sink: "ndjson" });
  }
}

/** Files of a sink in a folder of its own, which are compressed under other names at the end. */
class CompressedTarget implements Target {
  readonly #context: CliContext;
  readonly #out: string;
  readonly #type: "csv" | "ndjson";
  readonly #sink: ReplaySink;

  constructor(context: CliContext, { out, source, sink }: Destination & { readonly sink: "csv" | "ndjson" }) {
    this.#context = context;
    this.#out = out;
    this.#type = sink;
    const plan: SinkPlan | null = replaySink(`${sink}:${this.#plain}`);
    if (plan === null) throw new Failure("file", `Cannot export into ${out}: no such folder can be`, { retry: false });
    this.#sink = new ReplaySink(context.host, plan, source.collectorAt);
  }

  get #plain(): string {
    return `${this.#out}/_plain`;
  }

  write(batch: EventBatch): Promise<void> {
    return this.#sink.write(batch);
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

/** `<exchange>_<data type>_<date>_<symbol>.csv.gz` of a file of the CSV sink; null for a table that Tardis has not. */
function tardisName(path: string): string | null {
  const [table, exchange, symbol, file] = path.split("/");
  if (!TARDIS_TABLES.includes(table)) return null;
  return `${exchange}_${table}_${file.replace(/\.csv$/, "")}_${symbol}.csv.gz`;
}

/** Tardis has no columns for the collector and for what was fetched later; neither needs quotes. */
function withoutOwnColumns(lines: string, path: string): string {
  const count = ownColumns(path.split("/")[0]);
  return lines.replace(new RegExp(`(?:,[^,\\n]*){${count}}$`, "gm"), "");
}

/** How many columns of our own end a table. */
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
