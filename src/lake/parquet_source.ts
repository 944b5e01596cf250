import { zstdDecompressSync } from "node:zlib";
import { type FileMetaData, parquetMetadataAsync, parquetScan } from "hyparquet";
import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import type { ColumnSchema } from "../sink/mod.ts";

/** A value of a column: integers and times as numbers, null if there is none. */
export type Value = number | string | boolean | null;

/** A row group of a file. */
export interface SourceGroup {
  readonly source: ParquetSource;
  /** Its place among the file's groups. */
  readonly at: number;
  /** Rows of the file before the group. */
  readonly start: number;
  readonly rows: number;
}

/** What the values of a column lie within. */
export interface ColumnBounds {
  readonly min: Value;
  readonly max: Value;
}

/** A file of an archive, opened for reading. */
export interface ParquetSource {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  readonly columns: readonly ColumnSchema[];
  /** Names of the text columns with a dictionary. */
  readonly words: ReadonlySet<string>;
  /** The footer's key-value metadata. */
  readonly notes: Readonly<Record<string, string>>;
  readonly groups: readonly SourceGroup[];
  /** Least `received_ts`, in µs; null if the file has no bounds. */
  readonly receivedMin: number | null;
  /** Least and largest value of a column in a group, times to the ms below; null if the file does not say. */
  bounds(group: SourceGroup, column: string): ColumnBounds | null;
  /** Reads a column of a group. Rejects with a `Failure` of code `corrupt` if it cannot be decoded. */
  read(group: SourceGroup, column: string): Promise<readonly Value[]>;
  close(): Promise<void>;
}

/** The bytes of a Parquet file. */
interface Bytes {
  readonly byteLength: number;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/**
 * Opens a file that this program wrote. Rejects with a `Failure` of code `corrupt` if it is no Parquet file, or has
 * columns that this program does not write.
 */
export async function openSource(files: Files, path: string): Promise<ParquetSource> {
  const size = (await files.stat(path))?.bytes ?? 0;
  const handle = await files.open(path, "read");
  const bytes: Bytes = {
    byteLength: size,
    async slice(start, end = size) {
      const read = await handle.readAt(start, end - start);
      if (read.length !== end - start) throw damaged(path, `it ends at byte ${start + read.length}`);
      return new Uint8Array(read).buffer;
    },
  };
  try {
    return await sourceOf(path, bytes, () => handle.close());
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a file that is in memory. */
export function sourceOfBytes(path: string, bytes: Uint8Array): Promise<ParquetSource> {
  const slice = (start: number, end?: number) => Promise.resolve(new Uint8Array(bytes.subarray(start, end)).buffer);
  return sourceOf(path, { byteLength: bytes.length, slice }, () => Promise.resolve());
}

async function sourceOf(path: string, file: Bytes, close: () => Promise<void>): Promise<ParquetSource> {
  if (file.byteLength < 12) throw damaged(path, `it has ${file.byteLength} bytes`);
  const metadata = await decoded(path, () => parquetMetadataAsync(file, { initialFetchSize: 64 * 1024 }));
  const groups: SourceGroup[] = [];
  const notes = Object.fromEntries(
    (metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""]),
  );
  const source: ParquetSource = {
    path,
    bytes: file.byteLength,
    rows: Number(metadata.num_rows),
    columns: columnsOf(path, metadata),
    words: wordsOf(metadata),
    notes,
    groups,
    receivedMin: receivedMin(metadata),
    close,
    bounds: (group, column) => boundsOf(metadata, { group, column }),
    read: (group, column) => readColumn(file, metadata, { group, column }),
  };
  let start = 0;
  for (const [at, { num_rows }] of metadata.row_groups.entries()) {
    groups.push({ source, at, start, rows: Number(num_rows) });
    start += Number(num_rows);
  }
  if (start !== source.rows) throw damaged(path, `its row groups have ${start} rows, its footer says ${source.rows}`);
  return source;
}

async function readColumn(
  file: Bytes,
  metadata: FileMetaData,
  { group, column }: { readonly group: SourceGroup; readonly column: string },
): Promise<readonly Value[]> {
  const { source: { path }, start, rows } = group;
  const values = await decoded(path, async () => {
    const scan = await parquetScan({
      file,
      metadata,
      columns: [column],
      compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) },
      // Reads times as integers, because a `Date` loses the microseconds.
      parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
    });
    return await scan.readColumn({ column, rowStart: start, rowEnd: start + rows });
  });
  if (values.length !== rows) throw damaged(path, `column ${column} has ${values.length} of ${rows} rows`);
  return Array.from(values, plain);
}

function plain(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  return value as Value;
}

/** An error of the decoder means a damaged file; a `Failure` of reading is passed on. */
async function decoded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function columnsOf(path: string, metadata: FileMetaData): readonly ColumnSchema[] {
  return metadata.schema.slice(1).map(({ name, type, repetition_type, converted_type, num_children }) => {
    const nullable = repetition_type === "OPTIONAL";
    if (num_children === undefined && repetition_type !== "REPEATED") {
      if (type === "INT64" && converted_type === "TIMESTAMP_MICROS") return { name, type: "timestamp", nullable };
      if (type === "INT64" && converted_type === undefined) return { name, type: "integer", nullable };
      if (type === "DOUBLE") return { name, type: "double", nullable };
      if (type === "BOOLEAN") return { name, type: "boolean", nullable };
      if (type === "BYTE_ARRAY" && converted_type === "UTF8") return { name, type: "text", nullable };
    }
    throw damaged(path, `column ${name} is of a type that this program does not write`);
  });
}

function wordsOf({ row_groups: [group] }: FileMetaData): ReadonlySet<string> {
  const words = new Set<string>();
  for (const { meta_data } of group?.columns ?? []) {
    const name = meta_data?.path_in_schema[0];
    if (meta_data?.dictionary_page_offset !== undefined && name !== undefined) words.add(name);
  }
  return words;
}

function receivedMin({ row_groups }: FileMetaData): number | null {
  let min: number | null = null;
  for (const { columns } of row_groups) {
    const bounds = boundsIn(columns, "received_ts");
    if (bounds === null) return null;
    min = Math.min(min ?? Infinity, Number(bounds.min));
  }
  return min;
}

function boundsOf(
  { row_groups }: FileMetaData,
  { group, column }: { readonly group: SourceGroup; readonly column: string },
): ColumnBounds | null {
  return boundsIn(row_groups[group.at].columns, column);
}

function boundsIn(columns: FileMetaData["row_groups"][number]["columns"], name: string): ColumnBounds | null {
  const found = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)?.meta_data?.statistics;
  const [min, max] = [bound(found?.min_value), bound(found?.max_value)];
  return min === null || max === null ? null : { min, max };
}

function bound(value: unknown): Value {
  return value instanceof Date ? value.getTime() * 1000 : plain(value);
}

function damaged(path: string, why: string, cause?: unknown): Failure {
  return new Failure("corrupt", `Cannot read ${path}: ${why}`, { cause, retry: false });
}
