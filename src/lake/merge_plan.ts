import type { Clock, Files } from "../host/mod.ts";
import { Failure, LAKE_CLOSED_AFTER_MS, type Micros } from "../model/mod.ts";
import { type ColumnSchema, partsOfManifest } from "../sink/mod.ts";
import { openSource, type ParquetSource } from "./parquet_source.ts";
import { MERGING_SUFFIX } from "./replacement.ts";

/** Files of one folder to merge into one. */
export interface MergeGroup {
  /** Path below the archive's folder. */
  readonly folder: string;
  /** Footer value of the merged file: a day (`2026-11-22`) or an hour (`2026-11-22T13`), UTC. */
  readonly unit: string;
  readonly files: readonly FoundFile[];
}

/** A file of an archive. */
export interface FoundFile {
  readonly name: string;
  readonly bytes: number;
}

/** The merges to do in an archive, and what to report. */
export interface MergePlan {
  readonly groups: readonly MergeGroup[];
  /** Files left alone, with the reason. */
  readonly told: readonly string[];
}

/** A file with what its footer says. */
interface Known extends FoundFile {
  readonly columns: readonly ColumnSchema[];
  readonly compacted: string | null;
  readonly receivedMin: Micros | null;
}

const HOUR_MICROS = 3_600_000_000;
/**
 * Most parts of a day merged at once. If there are more, those of each hour are merged first: each part holds all
 * symbols, so a whole day's parts would be decoded once for each symbol.
 */
const DIRECT_FILES_MAX = 12;
const PARTITION_LEVELS = ["kind=", "exchange=", "symbol=", "date="] as const;

/**
 * Finds what can be merged in an archive: all files of each closed day, and in open days the files of each closed hour.
 * Excludes parts that a sink may take back, and files that are unreadable or of another program.
 */
export async function planMerges(
  host: { readonly files: Files; readonly clock: Clock },
  dir: string,
): Promise<MergePlan> {
  const groups: MergeGroup[] = [];
  const told: string[] = [];
  const now = host.clock.nowMicros() - LAKE_CLOSED_AFTER_MS * 1000;
  for await (const folder of dayFolders(host.files, dir)) {
    const date = folder.slice(folder.lastIndexOf("=") + 1);
    const begun = Date.parse(`${date}T00:00:00Z`) * 1000;
    if (Number.isNaN(begun)) continue;
    const found = await filesOf(host.files, dir, folder);
    if (found.length < 2) continue;
    // Read after the listing: a listed file that is not in the manifest was committed before.
    const uncommitted = new Set(await partsOfManifest(host.files, dir));
    const known: Known[] = [];
    for (const file of found) {
      if (uncommitted.has(`${folder}/${file.name}`)) continue;
      const read = await knownFile(host.files, `${dir}/${folder}`, file);
      if (typeof read === "string") told.push(read);
      else known.push(read);
    }
    const byHour = mergeable(folder, known, (file) => hourOf(file, now));
    const small = known.filter(({ compacted }) => compacted === null).length;
    const isOver = begun + 24 * HOUR_MICROS <= now;
    const byDay = isOver && (small <= DIRECT_FILES_MAX || byHour.length === 0);
    groups.push(...byDay ? mergeable(folder, known, () => date) : byHour);
  }
  return { groups, told };
}

/** Groups of files that have a unit and their columns in common, and are not merged to it already. */
function mergeable(folder: string, known: readonly Known[], unitOf: (file: Known) => string): readonly MergeGroup[] {
  const groups: MergeGroup[] = [];
  for (const [unit, files] of Map.groupBy(known, unitOf)) {
    if (unit === "") continue;
    for (const [, alike] of Map.groupBy(files, ({ columns }) => JSON.stringify(columns))) {
      if (alike.length < 2 || alike.every(({ compacted }) => compacted === unit)) continue;
      groups.push({ folder, unit, files: alike.map(({ name, bytes }) => ({ name, bytes })) });
    }
  }
  return groups;
}

/** Returns the hour that a file begins in, such as `2026-11-22T13`; empty if the hour is open or unknown. */
function hourOf({ receivedMin }: Known, now: Micros): string {
  if (receivedMin === null) return "";
  const hour = Math.floor(receivedMin / HOUR_MICROS);
  return (hour + 1) * HOUR_MICROS > now ? "" : new Date(hour * HOUR_MICROS / 1000).toISOString().slice(0, 13);
}

async function knownFile(files: Files, folder: string, file: FoundFile): Promise<Known | string> {
  const path = `${folder}/${file.name}`;
  let source: ParquetSource;
  try {
    source = await openSource(files, path);
  } catch (error) {
    if (error instanceof Failure && error.code === "corrupt") return `left as it is: ${error.message}`;
    throw error;
  }
  await source.close();
  const { notes, columns, receivedMin } = source;
  if (notes.journal === undefined || notes.sink === undefined) {
    return `left as it is: ${path} does not say that this program wrote it`;
  }
  return { ...file, columns, receivedMin, compacted: notes.compacted ?? null };
}

/** Lists the finished files of a folder by name; removes leftovers of an interrupted merge. */
async function filesOf(files: Files, dir: string, folder: string): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  for (const { name, isDirectory } of await files.list(`${dir}/${folder}`) ?? []) {
    if (isDirectory) continue;
    if (/^[0-9_-]+\.parquet\.merging$/.test(name)) await files.remove(`${dir}/${folder}/${name}`);
    if (!/^[0-9_-]+\.parquet$/.test(name)) continue;
    found.push({ name, bytes: (await files.stat(`${dir}/${folder}/${name}`))?.bytes ?? 0 });
  }
  return found;
}

/** Yields the folders of days below `dir`, in either layout. */
export async function* dayFolders(
  files: Files,
  dir: string,
  path = "",
  levels: readonly string[] = PARTITION_LEVELS,
): AsyncGenerator<string> {
  const [level, ...deeper] = levels;
  for (const { name, isDirectory } of await files.list(path === "" ? dir : `${dir}/${path}`) ?? []) {
    if (!isDirectory) continue;
    const below = path === "" ? name : `${path}/${name}`;
    if (name.startsWith("date=") && path !== "") yield below;
    else if (level !== undefined && name.startsWith(level)) yield* dayFolders(files, dir, below, deeper);
  }
}

/** Where a file is written that will take a place in a folder. */
export function mergingPath(path: string): string {
  return `${path}${MERGING_SUFFIX}`;
}
