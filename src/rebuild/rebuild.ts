import type { FileLock, Host } from "../host/mod.ts";
import { compactArchive, dayFolders, mergingPath, type Pause, replaceFiles, withArchiveLocked } from "../lake/mod.ts";
import { Failure, LAKE_CLOSED_AFTER_MS, type Micros, type Plan, type SinkPlan } from "../model/mod.ts";
import { MANIFEST_NAME, partsOfManifest, SINK_LOCK_NAME } from "../sink/mod.ts";
import { compareRows, type RowDifference } from "./compare.ts";
import { deriveDays } from "./derived_days.ts";
import type { PlanVersions } from "./plan_versions.ts";

export interface RebuildOptions {
  readonly host: Host;
  /** The sink whose archive is rebuilt. */
  readonly sink: SinkPlan;
  /** Folder of the archive. */
  readonly dir: string;
  /** Folders of one journal, the raw archive before the journal itself. */
  readonly sources: readonly string[];
  /** Id of that journal. */
  readonly journal: string;
  /** First and last day, such as `2026-11-22`. */
  readonly from: string;
  readonly to: string;
  /** Instances to rebuild; null for all configured ones. */
  readonly exchanges: readonly string[] | null;
  /** Plans by instance. */
  readonly versions: ReadonlyMap<string, PlanVersions>;
  readonly run: Pick<Plan, "dedup" | "bookTops">;
  /** Whether to replace files, or only to compare them. */
  readonly apply: boolean;
  readonly pause: Pause;
  readonly tell: (text: string) => void;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Result of a partition. `unchanged`: the rows are equal, and the files stay; `kept`: `reason` says why it was not
 * replaced.
 */
export interface PartitionChange {
  readonly partition: string;
  readonly outcome: "unchanged" | "replaced" | "differs" | "kept";
  readonly reason: string | null;
  readonly rows: Omit<RowDifference, "range" | "journals">;
}

export interface RebuildResult {
  readonly events: number;
  readonly partitions: readonly PartitionChange[];
}

/** Temporary folder for the derived files. */
const SCRATCH = "_rebuild";
const LOCK_NAME = "_rebuild.lock";
const DAY_MICROS = 86_400_000_000;

/**
 * Derives days of an archive again, compares every partition row by row, and replaces the files that differ. Each
 * partition is replaced in one step that survives interruptions. Partitions that the journal no longer holds completely
 * are kept. Rejects with a `Failure`: `busy` where another rebuild runs, or a collector that may still write to the
 * last day, `file`, `corrupt`, `disk_full`.
 */
export async function rebuildArchive(options: RebuildOptions): Promise<RebuildResult> {
  const { host, dir } = options;
  const lock = await host.files.lock(`${dir}/${LOCK_NAME}`).catch((cause) => {
    if (!(cause instanceof Failure) || cause.code !== "busy") throw cause;
    throw new Failure("busy", `Cannot rebuild ${dir}: it is being rebuilt already`, { cause, retry: true });
  });
  const scratch = `${dir}/${SCRATCH}`;
  let writer: FileLock | null = null;
  try {
    writer = await lockUnfinished(options);
    await host.files.removeTree(scratch);
    return await rebuildInto(scratch, options);
  } finally {
    await host.files.removeTree(scratch);
    await writer?.release();
    await lock.release();
  }
}

/** A day that is not over may still be written to: then no collector may run on the archive. */
async function lockUnfinished({ host, dir, to }: RebuildOptions): Promise<FileLock | null> {
  if (timeOf(to) + DAY_MICROS <= host.clock.nowMicros() - LAKE_CLOSED_AFTER_MS * 1000) return null;
  try {
    return await host.files.lock(`${dir}/${SINK_LOCK_NAME}`);
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== "busy") throw cause;
    const text = `Cannot rebuild ${to}: the day is not over by half an hour, and a collector writes to ${dir}`;
    throw new Failure("busy", text, { cause, retry: true });
  }
}

async function rebuildInto(scratch: string, options: RebuildOptions): Promise<RebuildResult> {
  const { host, sink, exchanges, pause, tell } = options;
  const { files } = host;
  const isWanted = (exchange: string) =>
    exchanges === null ? options.versions.has(exchange) : exchanges.includes(exchange);
  const range = await deriveDays({
    host,
    sources: options.sources,
    journal: options.journal,
    from: timeOf(options.from),
    to: timeOf(options.to) + DAY_MICROS,
    wants: isWanted,
    versions: options.versions,
    run: options.run,
    sink: { ...sink, options: { ...sink.options, dir: scratch, ...await layoutOf(options) } },
    pause,
    tell,
    onProgress: options.onProgress,
  });
  // Nothing of it will be taken back, so that all of it is merged.
  await files.remove(`${scratch}/${MANIFEST_NAME}`);
  if (await files.stat(scratch) !== null) await compactArchive({ host, dir: scratch, pause, tell });
  const partitions: PartitionChange[] = [];
  for (const partition of await partitionsOf(options, scratch, isWanted)) {
    partitions.push(await rebuildPartition(partition, { ...options, scratch, range }));
    await pause();
  }
  return { events: range.events, partitions };
}

/** Lists the folders of the wanted days and instances, existing and derived ones. */
async function partitionsOf(
  { host: { files }, dir, from, to }: RebuildOptions,
  scratch: string,
  isWanted: (exchange: string) => boolean,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const root of [dir, scratch]) {
    for await (const folder of dayFolders(files, root)) {
      const [, exchange, date] = /\/exchange=([^/]+)\/(?:symbol=[^/]+\/)?date=([^/]+)$/.exec(folder) ?? [];
      if (exchange !== undefined && isWanted(exchange) && date >= from && date <= to) found.add(folder);
    }
  }
  return [...found].sort();
}

interface Scope extends RebuildOptions {
  readonly scratch: string;
  readonly range: { readonly first: number; readonly next: number };
}

async function rebuildPartition(partition: string, scope: Scope): Promise<PartitionChange> {
  const { host: { files }, dir, scratch, apply, pause } = scope;
  const [old, fresh] = [await namesIn(scope, dir, partition), await namesIn(scope, scratch, partition)];
  const pathsOf = (root: string, names: readonly string[]) => names.map((name) => `${root}/${partition}/${name}`);
  let difference: RowDifference;
  try {
    difference = await compareRows(files, { before: pathsOf(dir, old), after: pathsOf(scratch, fresh), pause });
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "corrupt") throw error;
    const none = { before: 0, after: 0, added: 0, removed: 0, changed: 0, columns: [] };
    return { partition, outcome: "kept", reason: error.message, rows: none };
  }
  const { range: _range, journals: _journals, ...rows } = difference;
  const { added, removed, changed, columns } = rows;
  if (added + removed + changed + columns.length === 0) return { partition, outcome: "unchanged", reason: null, rows };
  const reason = whyKept(difference, scope) ??
    ((await partsOfManifest(files, dir)).some((path) => path.startsWith(`${partition}/`))
      ? "the sink may still take parts of it back"
      : null);
  if (reason !== null) return { partition, outcome: "kept", reason, rows };
  if (!apply) return { partition, outcome: "differs", reason: null, rows };
  const taken = await withArchiveLocked(files, dir, async () => {
    // A merge in between has the same rows in other files: they are looked at again.
    const now = await namesIn(scope, dir, partition);
    if (now.join() !== old.join()) return false;
    await files.makeDir(`${dir}/${partition}`);
    for (const name of fresh) {
      await files.rename(`${scratch}/${partition}/${name}`, mergingPath(`${dir}/${partition}/${name}`));
    }
    const paths = (names: readonly string[]) => names.map((name) => `${partition}/${name}`);
    await replaceFiles(files, dir, { puts: paths(fresh), removes: paths(old) });
    return true;
  });
  return taken
    ? { partition, outcome: "replaced", reason: null, rows }
    : { partition, outcome: "kept", reason: "its files were merged meanwhile: rebuild it again", rows };
}

/** Why files stay although they differ; null if the journal holds all that they were made of. */
function whyKept({ range, journals }: RowDifference, { range: source, journal }: Scope): string | null {
  if (range === null) return null;
  const other = journals.find((id) => id !== journal);
  if (other !== undefined) return `its files hold events of journal ${other === "" ? "(unknown)" : other}`;
  if (range[0] < source.first) {
    return `its events begin at offset ${range[0]}, what there is of the journal at ${source.first}`;
  }
  if (range[1] >= source.next) {
    return `its events end at offset ${range[1]}, what there is of the journal at ${source.next - 1}`;
  }
  return null;
}

async function namesIn(
  { host: { files } }: RebuildOptions,
  root: string,
  partition: string,
): Promise<readonly string[]> {
  const found = await files.list(`${root}/${partition}`) ?? [];
  return found.filter(({ name, isDirectory }) => !isDirectory && /^[0-9_-]+\.parquet$/.test(name))
    .map(({ name }) => name).sort();
}

/** New files have the layout of the existing ones. */
async function layoutOf({ host: { files }, dir, sink }: RebuildOptions): Promise<{ readonly layout?: string }> {
  const { layout } = sink.options;
  if (typeof layout === "string") return { layout };
  for await (const folder of dayFolders(files, dir)) {
    return { layout: folder.includes("/symbol=") ? "symbol" : "exchange" };
  }
  return {};
}

function timeOf(date: string): Micros {
  return Date.parse(`${date}T00:00:00Z`) * 1000;
}
