import assert from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import type { Files } from "../../src/host/mod.ts";
import type { Envelope } from "../../src/model/mod.ts";

/** A row of a Parquet file: times and integers are bigints, times in µs. */
export type ParquetRow = Readonly<Record<string, unknown>>;

/** A Parquet file with what its path says. */
export interface ParquetPart {
  readonly path: string;
  readonly kind: string;
  readonly exchange: string;
  readonly rows: readonly ParquetRow[];
}

/** Reads a Parquet file with a reader that is not ours. Rejects where it is not readable to its end. */
export async function readParquet(files: Files, path: string): Promise<readonly ParquetRow[]> {
  const bytes = await files.readBytes(path);
  assert.ok(bytes !== null, `${path} is there`);
  return await readParquetBytes(bytes);
}

/** Rows of a whole Parquet file in memory. */
export async function readParquetBytes(bytes: Uint8Array): Promise<readonly ParquetRow[]> {
  return await parquetReadObjects({
    file: new Uint8Array(bytes).buffer,
    compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) },
    // Times below the millisecond survive only as integers.
    parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
  });
}

/** Every Parquet file below a folder, read whole. Files that are not finished parts are an error. */
export async function* readParquetFolder(files: Files, dir: string): AsyncGenerator<ParquetPart> {
  for (const path of await listFiles(files, dir)) {
    // What the sink, the compaction and the certificates keep for themselves.
    if (path.startsWith(`${dir}/_`)) continue;
    const found = /\/kind=([^/]+)\/exchange=([^/]+)\/(?:symbol=[^/]+\/)?date=[^/]+\/\d{16}(?:_\d+)?\.parquet$/.exec(
      path,
    );
    assert.ok(found !== null, `${path} is a finished part`);
    yield { path, kind: found[1], exchange: found[2], rows: await readParquet(files, path) };
  }
}

/** Paths of all files below a folder, sorted; none where there is no such folder. */
export async function listFiles(files: Files, dir: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { name, isDirectory } of await files.list(dir) ?? []) {
    if (isDirectory) paths.push(...await listFiles(files, `${dir}/${name}`));
    else paths.push(`${dir}/${name}`);
  }
  return paths.sort();
}

/** How many rows there are of each event, by `eventKey`. An event whose rows are in two files is an error. */
export async function countParquetRows(files: Files, dir: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { path, kind, rows } of readParquetFolder(files, dir)) {
    const here = new Map<string, number>();
    for (const { offset, index } of rows) {
      const key = `${offset}:${index}:${kind}`;
      here.set(key, (here.get(key) ?? 0) + 1);
    }
    for (const [key, count] of here) {
      assert.ok(!counts.has(key), `${key} is in ${path} and in another file`);
      counts.set(key, count);
    }
  }
  return counts;
}

/** How often each line stands below a folder of NDJSON files, by what `keyOf` makes of it. */
export async function countLines(
  files: Files,
  dir: string,
  keyOf: (line: string) => string = lineKey,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const path of await listFiles(files, dir)) {
    if (!path.endsWith(".ndjson")) continue;
    const text = await files.readText(path) ?? "";
    assert.ok(text.endsWith("\n"), `${path} ends with a whole line`);
    for (const line of text.trimEnd().split("\n")) {
      const key = keyOf(line);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

/** Identity and kind of a line's event, as `eventKey` writes them. */
function lineKey(line: string): string {
  const { offset, index, kind } = JSON.parse(line);
  return `${offset}:${index}:${kind}`;
}

/** An event's identity with its kind. */
export function eventKey({ offset, index, event }: Envelope): string {
  return `${offset}:${index}:${event.kind}`;
}

/** Rows that stand for an event in Parquet: one a level for books, one otherwise. */
export function parquetRowsOf({ event }: Envelope): number {
  if (event.kind !== "book_snapshot" && event.kind !== "book_delta") return 1;
  return Math.max(1, event.bids.length + event.asks.length);
}

/** Asserts that two counts are the same, and shows the first few differences where not. */
export function assertSameCounts(
  actual: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  what: string,
): void {
  const missing = [...expected].filter(([key]) => !actual.has(key));
  const extra = [...actual].filter(([key]) => !expected.has(key));
  const differing = [...expected].filter(([key, count]) => actual.has(key) && actual.get(key) !== count);
  const show = (entries: readonly (readonly [string, number])[]) =>
    `${entries.length}${entries.length === 0 ? "" : ` (${entries.slice(0, 5).map(([key]) => key).join(", ")})`}`;
  assert.ok(
    missing.length + extra.length + differing.length === 0,
    `${what}: missing ${show(missing)}, not expected ${show(extra)}, of another count ${show(differing)}`,
  );
}
