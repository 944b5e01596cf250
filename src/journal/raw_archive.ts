import type { Files } from "../host/mod.ts";
import { Failure, type Micros, type Offset } from "../model/mod.ts";
import { COLLECTORS_NAME } from "./collector_names.ts";
import { digestOf, eachBlock } from "./digest.ts";
import { CHAIN_NAME } from "./hash_chain.ts";
import { parseSegmentName, sealedName } from "./names.ts";
import { openSegment, type Segment } from "./segment.ts";
import { corruptSegment } from "./segment_reader.ts";

/** Description of an archived segment, in a `.json` file of the same name beside it. */
export interface ArchivedSegment {
  readonly format: 1;
  /** Id of the journal it comes from. */
  readonly journal: string;
  readonly first_offset: Offset;
  readonly next_offset: Offset;
  /** Receive times of its earliest and latest record, in µs. */
  readonly from_ts: Micros;
  readonly to_ts: Micros;
  /** Exchange instances with sessions in it. */
  readonly exchanges: readonly string[];
  readonly bytes: number;
  /** Of the sealed file, in hexadecimal digits. */
  readonly sha256: string;
}

/** An archived segment with the path of its file. */
export interface FoundSegment extends ArchivedSegment {
  readonly path: string;
}

/**
 * Copies a sealed segment into an archive: `<archive>/<journal id>/date=<day it was begun>/<first offset>.journal.zst`,
 * with its description beside it. Reads every record, compares the written file, and resolves when all is synced; an
 * equal file that exists is not written again. Rejects with a `Failure`; the segment itself is never changed.
 */
export async function archiveSegment(
  files: Files,
  { dir, archive, segment }: { readonly dir: string; readonly archive: string; readonly segment: Segment },
): Promise<FoundSegment> {
  const content = await readContent(files, dir, segment);
  const root = `${archive}/${segment.journal}`;
  const day = `${root}/date=${new Date(segment.createdAt / 1000).toISOString().slice(0, 10)}`;
  await files.makeDir(day);
  for (const folder of [archive, root]) await files.syncDir(folder);
  for (const folder of [root, day]) await keepNames(files, { from: dir, to: folder, journal: segment.journal });
  await keepChain(files, dir, root);
  const name = sealedName(segment.firstOffset);
  const path = `${day}/${name}`;
  const source = await digestOf(files, `${dir}/${name}`);
  const there = await files.stat(path) === null ? null : await digestOf(files, path);
  if (there?.sha256 !== source.sha256) await copyFile(files, `${dir}/${name}`, { path, sha256: source.sha256 });
  const found: ArchivedSegment = { format: 1, journal: segment.journal, ...content, ...source };
  await files.writeAtomic(besideOf(path), new TextEncoder().encode(`${JSON.stringify(found)}\n`));
  return { ...found, path };
}

/**
 * Lists the segments of an archive, or of one journal in it, for an exchange and a time range; absent ones select all.
 */
export async function findArchived(
  files: Files,
  dir: string,
  wanted: { readonly exchange?: string; readonly from?: Micros; readonly to?: Micros } = {},
): Promise<readonly FoundSegment[]> {
  const found: FoundSegment[] = [];
  for await (const path of besides(files, dir, 2)) {
    const segment = parseBeside(await files.readText(path) ?? "", path);
    const isWanted = (wanted.exchange === undefined || segment.exchanges.includes(wanted.exchange)) &&
      segment.to_ts >= (wanted.from ?? -Infinity) && segment.from_ts < (wanted.to ?? Infinity);
    if (isWanted) found.push({ ...segment, path: path.replace(/\.json$/, ".journal.zst") });
  }
  return found.sort((a, b) => a.from_ts - b.from_ts || a.first_offset - b.first_offset);
}

/** Compares an archived segment with its checksum; returns what is wrong, or null. */
export async function checkArchived(files: Files, segment: FoundSegment): Promise<string | null> {
  if (await files.stat(segment.path) === null) return `${segment.path}: it is gone`;
  const { sha256 } = await digestOf(files, segment.path);
  return sha256 === segment.sha256 ? null : `${segment.path}: its checksum is ${sha256}, expected ${segment.sha256}`;
}

async function readContent(
  files: Files,
  dir: string,
  segment: Segment,
): Promise<Pick<ArchivedSegment, "first_offset" | "next_offset" | "from_ts" | "to_ts" | "exchanges">> {
  const { firstOffset, createdAt } = segment;
  const reader = await openSegment(files, dir, { firstOffset, limit: null });
  if (reader === null) throw new Failure("file", `Cannot archive segment ${sealedName(firstOffset)}: it is gone`);
  const exchanges = new Set<string>();
  let [from, to] = [createdAt, createdAt];
  try {
    for (let entries = await reader.next(); entries !== null; entries = await reader.next()) {
      for (const { exchange } of reader.openSessions.map(({ record }) => record)) exchanges.add(exchange);
      for (const { record } of entries) {
        if ("exchange" in record && typeof record.exchange === "string") exchanges.add(record.exchange);
        if (record.at < from) from = record.at;
        if (record.at > to) to = record.at;
      }
    }
  } finally {
    await reader.close();
  }
  if (reader.fault !== null) throw corruptSegment(sealedName(firstOffset), reader.fault);
  return {
    first_offset: firstOffset,
    next_offset: reader.nextOffset,
    from_ts: from,
    to_ts: to,
    exchanges: [...exchanges].filter((name) => name !== "").sort(),
  };
}

/** Copies the files that name the journal and its collectors. */
async function keepNames(
  files: Files,
  { from, to, journal }: { readonly from: string; readonly to: string; readonly journal: string },
): Promise<void> {
  const texts = [["id", `${journal}\n`], [
    COLLECTORS_NAME,
    await files.readText(`${from}/${COLLECTORS_NAME}`),
  ]] as const;
  for (const [name, text] of texts) {
    if (text === null || await files.readText(`${to}/${name}`) === text) continue;
    await files.writeAtomic(`${to}/${name}`, new TextEncoder().encode(text));
  }
}

/** Copies the hash chain. */
async function keepChain(files: Files, from: string, to: string): Promise<void> {
  const path = `${to}/${CHAIN_NAME}`;
  const source = await files.stat(`${from}/${CHAIN_NAME}`);
  if (source === null || source.bytes === (await files.stat(path))?.bytes) return;
  const bytes = await files.readBytes(`${from}/${CHAIN_NAME}`);
  if (bytes !== null) await files.writeAtomic(path, bytes);
}

async function copyFile(
  files: Files,
  from: string,
  to: { readonly path: string; readonly sha256: string },
): Promise<void> {
  const temporary = `${to.path}.tmp`;
  await files.remove(temporary);
  const output = await files.open(temporary, "append");
  try {
    await eachBlock(files, from, async (bytes) => void await output.write(bytes));
    await output.sync();
  } finally {
    await output.close();
  }
  const { sha256 } = await digestOf(files, temporary);
  if (sha256 !== to.sha256) {
    throw new Failure("file", `Cannot archive ${from}: what was read back is not what was written`);
  }
  await files.rename(temporary, to.path);
  await files.syncDir(to.path.slice(0, to.path.lastIndexOf("/")));
}

function besideOf(path: string): string {
  return path.replace(/\.journal\.zst$/, ".json");
}

/** Yields the descriptions of segments, at most `depth` folders below. */
async function* besides(files: Files, dir: string, depth: number): AsyncGenerator<string> {
  for (const { name, isDirectory } of await files.list(dir) ?? []) {
    if (isDirectory && depth > 0) yield* besides(files, `${dir}/${name}`, depth - 1);
    else if (
      !isDirectory && parseSegmentName(name.replace(/\.json$/, ".journal.zst")) !== null && name.endsWith(".json")
    ) {
      yield `${dir}/${name}`;
    }
  }
}

function parseBeside(text: string, path: string): ArchivedSegment {
  const refuse = () =>
    new Failure("corrupt", `Cannot read ${path}: it does not say what a segment holds`, { retry: false });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse();
  }
  if (!isArchived(value)) throw refuse();
  return value;
}

function isArchived(value: unknown): value is ArchivedSegment {
  if (typeof value !== "object" || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const numbers = ["first_offset", "next_offset", "from_ts", "to_ts", "bytes"];
  return fields.format === 1 && typeof fields.journal === "string" && typeof fields.sha256 === "string" &&
    numbers.every((name) => Number.isSafeInteger(fields[name])) && Array.isArray(fields.exchanges);
}
