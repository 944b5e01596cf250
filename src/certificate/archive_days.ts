import type { Files } from "../host/mod.ts";
import { EVENT_KINDS, type EventKind, Failure } from "../model/mod.ts";
import { CSV_TABLES } from "../sink/mod.ts";

/** Types of sinks whose folders are archives. */
export const ARCHIVE_FORMATS = ["parquet", "ndjson", "csv"] as const;
export type ArchiveFormat = typeof ARCHIVE_FORMATS[number];

/** A file of an archive, as its path describes it. */
export interface DayFile {
  /** Path below the archive's folder. */
  readonly path: string;
  readonly date: string;
  readonly kinds: readonly EventKind[];
  /** Null if the file holds events of several exchanges. */
  readonly exchange: string | null;
}

const DATE = /^\d{4}-\d\d-\d\d$/;

/** Folder of the certificates in an archive. */
export const CERTIFICATES_FOLDER = "_certificates";

/**
 * Returns the format of an archive, from its owner's mark or else from the names in it. Rejects with a `Failure` if it
 * is no archive.
 */
export async function archiveFormat(files: Files, dir: string): Promise<ArchiveFormat> {
  if ((await files.stat(dir))?.isDirectory !== true) {
    throw new Failure("file", `Cannot read ${dir}: there is no such folder`, { retry: false });
  }
  const owner = await files.readText(`${dir}/_owner.json`);
  const type = owner === null ? null : /"type":"(\w+)"/.exec(owner)?.[1] ?? null;
  const owned = ARCHIVE_FORMATS.find((format) => format === type);
  if (owned !== undefined) return owned;
  const names = (await files.list(dir) ?? []).filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  if (names.some((name) => name.startsWith("kind="))) return "parquet";
  for (const name of names) {
    if (EVENT_KINDS.some((kind) => kind === name)) {
      const inside = await files.list(`${dir}/${name}`) ?? [];
      if (inside.some((entry) => entry.name.endsWith(".ndjson"))) return "ndjson";
    }
    if (Object.values(CSV_TABLES).some(({ folder }) => folder === name)) return "csv";
  }
  throw new Failure("file", `Cannot read ${dir}: it is no archive of a parquet, ndjson or csv sink`, { retry: false });
}

/** Returns the id of the journal in the owner's mark; empty if there is none. */
export async function ownerJournal(files: Files, dir: string): Promise<string> {
  const owner = await files.readText(`${dir}/_owner.json`);
  return owner === null ? "" : /"journal":"([^"]*)"/.exec(owner)?.[1] ?? "";
}

/** Lists the finished files of the wanted days of an archive. */
export async function listDayFiles(
  files: Files,
  dir: string,
  { format, wants }: { readonly format: ArchiveFormat; readonly wants: (date: string) => boolean },
): Promise<readonly DayFile[]> {
  const found: DayFile[] = [];
  const take = (file: DayFile) => {
    if (DATE.test(file.date) && !Number.isNaN(Date.parse(file.date)) && wants(file.date)) found.push(file);
  };
  switch (format) {
    case "parquet":
      for await (const folder of parquetFolders(files, dir, wants)) {
        for (const { name, isDirectory } of await files.list(`${dir}/${folder.path}`) ?? []) {
          if (isDirectory || !/^[0-9_-]+\.parquet$/.test(name)) continue;
          take({ ...folder, path: `${folder.path}/${name}` });
        }
      }
      break;
    case "ndjson":
      for (const kind of EVENT_KINDS) {
        for (const { name, isDirectory } of await files.list(`${dir}/${kind}`) ?? []) {
          const date = name.replace(/\.ndjson$/, "");
          if (isDirectory || date === name) continue;
          take({ path: `${kind}/${name}`, date, kinds: [kind], exchange: null });
        }
      }
      break;
    case "csv":
      for (const folder of new Set(Object.values(CSV_TABLES).map((table) => table.folder))) {
        const kinds = EVENT_KINDS.filter((kind) => CSV_TABLES[kind].folder === folder);
        for await (const path of foldersBelow(files, dir, folder, 2)) {
          for (const { name, isDirectory } of await files.list(`${dir}/${path}`) ?? []) {
            const date = name.replace(/\.csv$/, "");
            if (isDirectory || date === name) continue;
            take({ path: `${path}/${name}`, date, kinds, exchange: path.split("/")[1] });
          }
        }
      }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Yields the folders of days, in either layout. */
async function* parquetFolders(
  files: Files,
  dir: string,
  wants: (date: string) => boolean,
): AsyncGenerator<DayFile> {
  for (const kind of EVENT_KINDS) {
    const ofKind = `kind=${kind}`;
    for (const { name: exchangeName } of await files.list(`${dir}/${ofKind}`) ?? []) {
      const exchange = exchangeName.replace(/^exchange=/, "");
      if (exchange === exchangeName) continue;
      const ofExchange = `${ofKind}/${exchangeName}`;
      for (const { name } of await files.list(`${dir}/${ofExchange}`) ?? []) {
        const inner = name.startsWith("symbol=")
          ? (await files.list(`${dir}/${ofExchange}/${name}`) ?? []).map((entry) => `${name}/${entry.name}`)
          : [name];
        for (const below of inner) {
          const date = /(?:^|\/)date=([^/]+)$/.exec(below)?.[1];
          if (date === undefined || !wants(date)) continue;
          yield { path: `${ofExchange}/${below}`, date, kinds: [kind], exchange };
        }
      }
    }
  }
}

async function* foldersBelow(files: Files, dir: string, path: string, depth: number): AsyncGenerator<string> {
  if (depth === 0) return yield path;
  for (const { name, isDirectory } of await files.list(`${dir}/${path}`) ?? []) {
    if (isDirectory) yield* foldersBelow(files, dir, `${path}/${name}`, depth - 1);
  }
}
