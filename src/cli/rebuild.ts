import { Command } from "commander";
import { journalFolder, readJournalId } from "../journal/mod.ts";
import { Failure, type Plan } from "../model/mod.ts";
import { type PartitionChange, type PlanVersions, rebuildArchive, type RebuildResult } from "../rebuild/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, UsageError } from "../service/mod.ts";
import { sinkTypeOf } from "../sink/mod.ts";
import { renderTable, showCount } from "../text/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";
import { interruptible } from "./interruptible.ts";
import { progressBar } from "./progress.ts";
import { renewCertificates } from "./renew_certificates.ts";
import { readDay } from "./time_option.ts";

interface RebuildCommandOptions {
  readonly config: string;
  readonly from: string;
  readonly to?: string;
  readonly exchange?: readonly string[];
  readonly journal?: readonly string[];
  readonly sink?: string;
  readonly dryRun?: boolean;
  readonly key?: string;
  readonly json?: boolean;
}

/** `rebuild`: derives days of a Parquet archive again by today's rules. */
export function rebuildCommand(context: CliContext): Command {
  return new Command("rebuild")
    .description("Derive days of a Parquet archive again from the journal by today's descriptors, compare, and replace")
    .option("--config <file>", "configuration with the descriptors, symbols and sink", DEFAULT_CONFIG)
    .requiredOption("--from <day>", "first day (UTC), such as 2026-11-22")
    .option("--to <day>", "last day (default: the first day)")
    .option("--exchange <name...>", "only these instances")
    .option("--journal <dir...>", "journal or raw archive of one journal (default: those of the configuration)")
    .option("--sink <name>", "parquet sink whose archive is rebuilt (default: the only one)")
    .option("--dry-run", "only compare, change nothing")
    .option("--key <file>", "sign renewed certificates with this Ed25519 key (PEM)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((options: RebuildCommandOptions) => rebuild(context, options));
}

const HELP = `
Partitions with the same rows stay as they are, byte for
byte. Partitions that the journal no longer holds completely
are kept, with the reason. See docs/lake.md.`;

async function rebuild(context: CliContext, options: RebuildCommandOptions): Promise<void> {
  const { host } = context;
  const { plan, issues } = loadFromFiles(context, options.config);
  printIssues(context, issues, (text) => host.terminal.printError(text));
  if (plan === null || hasErrors(issues)) return context.finish(EXIT.configuration);
  const from = readDay("--from", options.from) ?? "";
  const to = readDay("--to", options.to) ?? from;
  if (to < from) throw new UsageError(`--to ${to} lies before --from ${from}`);
  const { sink, dir } = parquetSink(plan, options.sink);
  const { sources, journal } = await sourcesOf(context, plan, options.journal);
  const versions = versionsOf(plan, options.exchange ?? null);
  const bar = progressBar(host, 1);
  let result: RebuildResult;
  try {
    result = await interruptible(
      host,
      "Interrupted: partitions replaced so far stay replaced",
      (pause) =>
        rebuildArchive({
          ...{ host, sink, dir, sources, journal, from, to, versions, run: plan, pause },
          exchanges: options.exchange ?? null,
          apply: options.dryRun !== true,
          tell: (text) => host.terminal.printError(text),
          onProgress: ({ doneBytes, totalBytes }) => {
            bar?.setTotal(Math.max(1, totalBytes));
            bar?.update(doneBytes, { rate: `${showCount(doneBytes)} records` });
          },
        }),
    );
  } finally {
    bar?.stop();
  }
  if (result.partitions.some(({ outcome }) => outcome === "replaced")) {
    await renewCertificates(context, dir, options.key);
  }
  host.terminal.print(options.json === true ? JSON.stringify(result, null, 2) : summary(result));
  context.finish(result.partitions.some(({ outcome }) => outcome === "kept") ? EXIT.failed : EXIT.fine);
}

function parquetSink(plan: Plan, name: string | undefined) {
  const all = plan.sinks.filter(({ type }) => type === "parquet");
  const found = name === undefined ? all : all.filter((sink) => sink.name === name);
  const [sink] = found;
  const dir = sink === undefined ? null : sinkTypeOf(sink).folder(sink);
  if (found.length === 1 && sink !== undefined && dir !== null) return { sink, dir };
  const names = all.map((each) => each.name).join(", ");
  throw new UsageError(
    names === ""
      ? "The configuration has no parquet sink"
      : `--sink takes one of the parquet sinks ${names}${name === undefined ? "" : `, not ${name}`}`,
  );
}

/** Returns the folders of one journal, the raw archive first, and its id. */
async function sourcesOf({ host: { files } }: CliContext, plan: Plan, given: readonly string[] | undefined) {
  const own = `${plan.run.dataDir}/journal`;
  const id = await readJournalId(files, own);
  const { archiveDir } = plan.journal;
  const archived = archiveDir === null || id === null ? null : `${archiveDir}/${id}`;
  const wanted = given ?? [...(archived === null ? [] : [archived]), own];
  const sources: string[] = [];
  for (const dir of wanted) {
    const exists = (await files.stat(dir))?.isDirectory === true;
    if (exists) sources.push(await journalFolder(files, dir));
    else if (given !== undefined) throw new Failure("file", `Cannot open ${dir}: no such folder`, { retry: false });
  }
  if (sources.length === 0) {
    throw new Failure("file", `Cannot rebuild: there is no journal ${own}; --journal names another`, { retry: false });
  }
  const ids = new Set<string>();
  for (const dir of sources) ids.add(await readJournalId(files, dir) ?? "");
  if (ids.size > 1) {
    throw new UsageError(`--journal takes folders of one journal: ${sources.join(", ")} are of several`);
  }
  return { sources, journal: [...ids][0] };
}

function versionsOf(plan: Plan, wanted: readonly string[] | null): ReadonlyMap<string, PlanVersions> {
  const versions = new Map<string, PlanVersions>();
  for (const { name, runnable, earlier = [] } of plan.exchanges) {
    if (runnable === null) continue;
    const rules = earlier.map(({ until, frames, descriptorPath }) => {
      if (frames !== null) return { until, frames };
      throw new Failure("file", `Cannot rebuild ${name}: its earlier descriptor ${descriptorPath} cannot be used`, {
        retry: false,
      });
    });
    versions.set(name, { now: runnable.frames, earlier: rules });
  }
  for (const name of wanted ?? []) {
    if (!versions.has(name)) {
      throw new UsageError(`No exchange instance ${name} runs: there are ${[...versions.keys()].join(", ")}`);
    }
  }
  return versions;
}

function summary({ partitions, events }: RebuildResult): string {
  if (partitions.length === 0) {
    return "Nothing to rebuild: neither the archive nor the journal has events of these days";
  }
  const line = ({ partition, outcome, rows }: PartitionChange) => [
    partition,
    outcome,
    showCount(rows.before),
    showCount(rows.after),
    showCount(rows.added),
    showCount(rows.removed),
    showCount(rows.changed),
    rows.columns.join(" "),
  ];
  const header = ["partition", "outcome", "rows", "derived", "added", "removed", "changed", "columns"];
  const reasons = partitions.flatMap(({ partition, reason }) =>
    reason === null ? [] : [`${partition} is kept: ${reason}`]
  );
  const of = (wanted: PartitionChange["outcome"]) => partitions.filter(({ outcome }) => outcome === wanted).length;
  return [
    renderTable(header, partitions.map(line)),
    ...reasons,
    `${showCount(events)} events derived; ${showCount(of("unchanged"))} partitions unchanged, ` +
    `${showCount(of("replaced"))} replaced, ${showCount(of("differs"))} differ, ${showCount(of("kept"))} kept`,
  ].join("\n");
}
