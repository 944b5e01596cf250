import type { Clock, FileLock, Files } from "../host/mod.ts";
import { Failure, LAKE_FILE_BYTES_MAX } from "../model/mod.ts";
import { MergedFile } from "./merged_file.ts";
import { type MergeGroup, mergingPath, planMerges } from "./merge_plan.ts";
import { openSource, type ParquetSource } from "./parquet_source.ts";
import { finishReplacement, replaceFiles } from "./replacement.ts";
import { type Pause, sortedRows } from "./sorted_rows.ts";

/** Locked while an archive is compacted, so that two do not merge the same files. */
const LOCK_NAME = "_compaction.lock";

/** Most consecutive looks for work; the last one finds none. */
const PASSES_MAX = 4;

export interface CompactOptions {
  readonly host: { readonly files: Files; readonly clock: Clock };
  /** The archive: a Parquet sink's folder. */
  readonly dir: string;
  /** Called after each few ms of work; rejects if the work is given up. */
  readonly pause: Pause;
  /** Reports files that are left alone. */
  readonly tell: (text: string) => void;
  /** Called before the first group and after each, with the bytes of files merged so far. */
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** Result of a compaction. */
export interface CompactResult {
  readonly groups: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly rows: number;
  /** Files left alone, because they are damaged or of another program. */
  readonly left: number;
}

/**
 * Merges the files of every closed hour and day of an archive into one each (of up to `LAKE_FILE_BYTES_MAX`), sorted by
 * symbol, offset and index. Compares every row with its source before it removes a file. An interruption loses no row;
 * the next call completes what was begun. A sink may write to the archive meanwhile. Rejects with a `Failure`: `busy`
 * if another compaction runs, `disk_full`, `file`.
 */
export async function compactArchive(options: CompactOptions): Promise<CompactResult> {
  const { host, dir } = options;
  if ((await host.files.stat(dir))?.isDirectory !== true) {
    throw new Failure("file", `Cannot compact ${dir}: there is no such folder`, { retry: false });
  }
  const lock = await lockArchive(host.files, dir);
  try {
    return await compactLocked(options);
  } finally {
    await lock.release();
  }
}

/** Runs work on an archive while no file of it is merged. First completes a replacement that was interrupted. */
export async function withArchiveLocked<T>(files: Files, dir: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockArchive(files, dir);
  try {
    await finishReplacement(files, dir);
    return await work();
  } finally {
    await lock.release();
  }
}

async function lockArchive(files: Files, dir: string): Promise<FileLock> {
  try {
    return await files.lock(`${dir}/${LOCK_NAME}`);
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== "busy") throw cause;
    throw new Failure("busy", `Cannot compact ${dir}: it is being compacted already`, { cause, retry: true });
  }
}

async function compactLocked({ host, dir, pause, tell, onProgress }: CompactOptions): Promise<CompactResult> {
  await finishReplacement(host.files, dir);
  const told = new Set<string>();
  const tellOnce = (text: string) => {
    if (told.has(text)) return;
    told.add(text);
    tell(text);
  };
  const result = { groups: 0, filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0, rows: 0 };
  let doneBytes = 0;
  // Hours first, then the days they make.
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const plan = await planMerges(host, dir);
    plan.told.forEach(tellOnce);
    const totalBytes = plan.groups.reduce((sum, { files }) => sum + bytesOf(files), doneBytes);
    onProgress?.({ doneBytes, totalBytes });
    let merges = 0;
    for (const group of plan.groups) {
      const merged = await mergeGroup({ files: host.files, dir, group, pause, tell: tellOnce });
      if (merged.files.length > 0) {
        merges++;
        result.filesBefore += merged.sources.length;
        result.filesAfter += merged.files.length;
        result.bytesBefore += bytesOf(merged.sources);
        result.bytesAfter += bytesOf(merged.files);
        result.rows += merged.rows;
      }
      doneBytes += bytesOf(group.files);
      onProgress?.({ doneBytes, totalBytes });
    }
    result.groups += merges;
    if (merges === 0) break;
  }
  return { ...result, left: told.size };
}

interface Merge {
  readonly files: Files;
  readonly dir: string;
  readonly group: MergeGroup;
  readonly pause: Pause;
  readonly tell: (text: string) => void;
}

interface Merged {
  readonly sources: readonly { readonly bytes: number }[];
  readonly files: readonly { readonly bytes: number }[];
  readonly rows: number;
}

/** Merges a group; files that turn out to be damaged stay, and the others are merged without them. */
async function mergeGroup(merge: Merge): Promise<Merged> {
  const { files, dir, group: { folder }, tell } = merge;
  let names = merge.group.files.map(({ name }) => name);
  while (names.length > 1) {
    const sources: ParquetSource[] = [];
    try {
      for (const name of names) sources.push(await openSource(files, `${dir}/${folder}/${name}`));
      return await mergeSources(merge, sources);
    } catch (error) {
      const damaged = error instanceof Failure && error.code === "corrupt"
        ? names.find((name) => error.message.startsWith(`Cannot read ${dir}/${folder}/${name}:`))
        : undefined;
      if (damaged === undefined || !(error instanceof Failure)) throw error;
      tell(`left as it is: ${error.message}`);
      names = names.filter((name) => name !== damaged);
    } finally {
      for (const source of sources) await source.close();
    }
  }
  return { sources: [], files: [], rows: 0 };
}

async function mergeSources(merge: Merge, sources: readonly ParquetSource[]): Promise<Merged> {
  const { files, dir, group: { folder, unit }, pause } = merge;
  const [{ columns, notes }] = sources;
  const owners = [...new Set(sources.map((source) => source.notes.journal))].join(" ");
  const plan = { columns, words: commonWords(sources), notes: { ...notes, journal: owners, compacted: unit }, pause };
  const written: MergedFile[] = [];
  const names: string[] = [];
  const begin = async () => {
    const file = await MergedFile.create(files, mergingPath(`${dir}/${folder}/${written.length}-0.parquet`), plan);
    written.push(file);
    return file;
  };
  try {
    let file = await begin();
    for await (const rows of sortedRows(sources, pause)) {
      if (file.bytes >= LAKE_FILE_BYTES_MAX) {
        await file.finish();
        file = await begin();
      }
      await file.append(rows);
    }
    await file.finish();
    const rows = written.reduce((sum, each) => sum + each.rows, 0);
    const expected = sources.reduce((sum, source) => sum + source.rows, 0);
    if (rows !== expected) throw new Error(`A merge of ${folder} has ${rows} of ${expected} rows`);
    const taken = new Set((await files.list(`${dir}/${folder}`) ?? []).map(({ name }) => name));
    for (const { path } of sources) taken.delete(path.slice(path.lastIndexOf("/") + 1));
    for (const { path, firstOffset } of written) {
      const name = freeName(firstOffset, taken);
      taken.add(name);
      names.push(name);
      await files.rename(path, mergingPath(`${dir}/${folder}/${name}`));
    }
  } catch (error) {
    for (const file of written) await file.discard();
    throw error;
  }
  await replaceFiles(files, dir, {
    puts: names.map((name) => `${folder}/${name}`),
    removes: sources.map(({ path }) => path.slice(dir.length + 1)),
  });
  return {
    sources,
    files: written.map(({ bytes }) => ({ bytes })),
    rows: written.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** Columns whose texts have a dictionary in every file. */
function commonWords(sources: readonly ParquetSource[]): ReadonlySet<string> {
  const [first, ...others] = sources;
  return new Set([...first.words].filter((name) => others.every(({ words }) => words.has(name))));
}

function freeName(firstOffset: number, taken: ReadonlySet<string>): string {
  const offset = String(firstOffset).padStart(16, "0");
  for (let number = 1;; number++) {
    const name = number === 1 ? `${offset}.parquet` : `${offset}-${number}.parquet`;
    if (!taken.has(name)) return name;
  }
}

function bytesOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
