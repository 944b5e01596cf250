import { zstdDecompressSync } from "node:zlib";
import type { Files, Host } from "../host/mod.ts";
import { Failure, joinBytes, type Micros, type Offset } from "../model/mod.ts";
import { readSealedEnd } from "./byte_source.ts";
import { Cursors } from "./cursors.ts";
import { lockFolder } from "./folder_lock.ts";
import { cutChain } from "./hash_chain.ts";
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  blockChecksum,
  decodeBlockHeader,
  encodeHeader,
  END_BYTES,
  FORMAT_VERSION,
  headerBytes,
  type SegmentHeader,
} from "./format.ts";
import { findHeader, lostRecord, type MendedTail, mendTail } from "./mend.ts";
import { parseSegmentName, plainName, sealedName } from "./names.ts";
import type { OpenSession } from "./open_sessions.ts";
import { findSegments, hasMarkAfter, readJournalId, type SegmentFiles } from "./own_segments.ts";
import { setAside, writeSegment } from "./recovery.ts";
import { openSegment, segmentName } from "./segment.ts";
import { encodeStandIn } from "./segment_head.ts";
import { corruptSegment, type SegmentReader } from "./segment_reader.ts";

/** One damage of a journal, and what a repair does about it. */
export interface RepairStep {
  /** Name of the segment. */
  readonly segment: string;
  /** Range of lost offsets, `endOffset` excluded; empty if only a mark was damaged. */
  readonly offset: Offset;
  readonly endOffset: Offset;
  /** Receive times before and after them. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
  /** What the repair does, for people. */
  readonly text: string;
}

type RepairHost = Pick<Host, "clock" | "files" | "processId">;

/** State carried from one segment to the next. */
interface Walk {
  /** Offset at which the next segment must begin; null before the first. */
  expected: Offset | null;
  lastTs: Micros;
}

/**
 * Repairs a journal that a start refuses: saves damaged bytes in separate files, replaces them by dropped records with
 * the lost offsets, keeps all good records, and writes a stand-in for a missing segment. With `apply` false it changes
 * nothing and returns what it would do. A torn tail is left to the next start. Rejects with a `Failure`: `busy` while a
 * collector runs on it, `corrupt` if it has a newer format, `file`.
 */
export async function repairJournal(
  host: RepairHost,
  dir: string,
  options: { readonly apply: boolean },
): Promise<readonly RepairStep[]> {
  if (!options.apply) return await repairSegments(host, dir, { apply: false });
  if (await host.files.list(dir) === null) throw noJournal(dir);
  const lock = await lockFolder(host, dir);
  try {
    const steps = await repairSegments(host, dir, { apply: true });
    // Changed segments and all later ones are linked again.
    const from = Math.min(
      ...steps.map(({ segment, offset }) => Math.min(offset, parseSegmentName(segment)?.firstOffset ?? offset)),
    );
    if (steps.length > 0) await cutChain(host.files, dir, from);
    return steps;
  } finally {
    await lock.release();
  }
}

async function repairSegments(
  host: RepairHost,
  dir: string,
  { apply }: { readonly apply: boolean },
): Promise<readonly RepairStep[]> {
  const { files } = host;
  const id = await readJournalId(files, dir);
  const own = (await findSegments(files, dir, id))?.own ?? [];
  if (own.length === 0) throw noJournal(dir);
  const steps: RepairStep[] = [];
  const walk: Walk = { expected: null, lastTs: 0 };
  const journal = id ?? "";
  for (const [i, segment] of own.entries()) {
    const { expected } = walk;
    if (expected !== null && expected < segment.firstOffset) {
      const toTs = await beginOf(files, dir, segment) ?? walk.lastTs;
      steps.push(await standIn(host, dir, { apply, journal, walk, toOffset: segment.firstOffset, toTs }));
    }
    steps.push(...await repairSegment(files, dir, { apply, journal, segment, follower: own.at(i + 1), walk }));
  }
  const last = own[own.length - 1];
  if (!last.plain && walk.expected !== null) {
    const cursors = new Cursors(files, dir);
    const most = host.clock.nowMicros();
    const committed = await cursors.greatest({ most, observer: () => {} });
    const toOffset = Math.max(walk.expected + 1, committed);
    steps.push(await standIn(host, dir, { apply, journal, walk, toOffset, toTs: most }));
  }
  return steps;
}

/** Writes a stand-in with one dropped record for missing segments. */
async function standIn(
  { files }: Pick<Host, "files">,
  dir: string,
  options: {
    readonly apply: boolean;
    readonly journal: string;
    readonly walk: Walk;
    readonly toOffset: Offset;
    readonly toTs: Micros;
  },
): Promise<RepairStep> {
  const { walk, toOffset, toTs } = options;
  const offset = walk.expected ?? 0;
  const fromTs = walk.lastTs;
  const segment = plainName(offset);
  if (options.apply) {
    const version = options.journal === "" ? 1 : FORMAT_VERSION;
    const header = { firstOffset: offset, createdAt: fromTs, version, journal: options.journal };
    const record = lostRecord({ offset, toOffset, fromTs, toTs, reason: `segment ${segment} was missing` });
    await writeSegment(files, dir, { firstOffset: offset, chunks: encodeStandIn(header, record) });
  }
  const text = `it is missing: a gap tells records ${offset} to ${toOffset}`;
  return { segment, offset, endOffset: toOffset, fromTs, toTs, text };
}

async function repairSegment(
  files: Files,
  dir: string,
  options: {
    readonly apply: boolean;
    readonly journal: string;
    readonly segment: SegmentFiles;
    readonly follower: SegmentFiles | undefined;
    readonly walk: Walk;
  },
): Promise<readonly RepairStep[]> {
  const { segment, follower, walk } = options;
  const { firstOffset } = segment;
  const name = segmentName({ firstOffset, sealed: !segment.plain });
  const path = `${dir}/${name}`;
  const isReadable = segment.plain || await readSealedEnd(files, path) !== null;
  const reader = isReadable ? await openSegment(files, dir, { firstOffset, limit: null }) : null;
  if (reader !== null) walk.lastTs = Math.max(walk.lastTs, await readThrough(reader));
  const fault = reader?.fault ?? null;
  if (fault?.header === "newer") throw corruptSegment(name, fault);
  if (reader !== null && fault === null) {
    walk.expected = reader.nextOffset;
    return [];
  }
  const bytes = (await files.stat(path))?.bytes ?? 0;
  const isTail = segment.plain && follower === undefined &&
    !await hasMarkAfter(files, path, { firstOffset, byte: fault?.byte ?? 0, bytes });
  if (isTail) return [];
  return await mend(files, dir, { ...options, name, reader });
}

/** Rewrites a damaged segment without the damage. */
async function mend(
  files: Files,
  dir: string,
  options: {
    readonly apply: boolean;
    readonly journal: string;
    readonly segment: SegmentFiles;
    readonly follower: SegmentFiles | undefined;
    readonly walk: Walk;
    readonly name: string;
    /** The reader, where it stopped; null if the segment could not be opened. */
    readonly reader: SegmentReader | null;
  },
): Promise<readonly RepairStep[]> {
  const { segment, follower, walk, name, reader, journal } = options;
  const { firstOffset } = segment;
  const stored = await files.readBytes(`${dir}/${name}`) ?? new Uint8Array();
  const bytes = segment.plain ? stored : expandSealed(stored);
  const header = reader?.header ?? findHeader(bytes, { firstOffset, journal });
  if (header === null) return [await replaceWhole(files, dir, { ...options, bytes })];
  const byte = reader?.header == null ? headerBytes(header.version) : reader.position;
  const offset = reader?.header == null ? firstOffset : reader.nextOffset;
  const at = walk.lastTs === 0 ? header.createdAt : walk.lastTs;
  const sessions = follower === undefined ? [] : await sessionsOf(files, dir, follower);
  const mended = mendTail(bytes.subarray(byte), { header, byte, offset, at, sessions });
  const end = follower === undefined ? mended.nextOffset : Math.max(mended.nextOffset, follower.firstOffset);
  const steps = stepsOf(mended, { name, end });
  if (steps.length === 0) {
    const text = "its header or its end is damaged: it is written anew, no record is lost";
    steps.push({ segment: name, offset: end, endOffset: end, fromTs: at, toTs: at, text });
  }
  if (options.apply) await writeMended(files, dir, { ...options, header, bytes, byte, mended, end });
  walk.expected = end;
  walk.lastTs = Math.max(walk.lastTs, mended.lastTs);
  return steps;
}

/** Sets an unreadable segment aside and writes a stand-in with its offsets, up to the next segment. */
async function replaceWhole(
  files: Files,
  dir: string,
  options: {
    readonly apply: boolean;
    readonly journal: string;
    readonly segment: SegmentFiles;
    readonly follower: SegmentFiles | undefined;
    readonly walk: Walk;
    readonly name: string;
    /** Its plain bytes, in which the records are counted. */
    readonly bytes: Uint8Array;
  },
): Promise<RepairStep> {
  const { apply, journal, segment: { firstOffset }, follower, walk, name, bytes } = options;
  walk.expected = firstOffset;
  const toOffset = follower?.firstOffset ?? countRecords(bytes, { firstOffset, journal });
  const toTs = follower === undefined ? walk.lastTs : await beginOf(files, dir, follower) ?? walk.lastTs;
  if (apply) await files.rename(`${dir}/${name}`, `${dir}/${name}.damaged`);
  const step = await standIn({ files }, dir, { ...options, toOffset, toTs });
  walk.expected = toOffset;
  return {
    ...step,
    segment: name,
    text: `nothing of it can be read: it is set aside, a gap tells records ${firstOffset} to ${toOffset}`,
  };
}

/** Returns the offset after the last record of a segment with a damaged header, and so with unknown times. */
function countRecords(
  bytes: Uint8Array,
  { firstOffset, journal }: { readonly firstOffset: Offset; readonly journal: string },
): Offset {
  const header = { firstOffset, createdAt: 0, version: FORMAT_VERSION, journal };
  const start = { header, byte: 0, offset: firstOffset, at: 0, sessions: [] };
  return Math.max(firstOffset + 1, mendTail(bytes, start).nextOffset);
}

function stepsOf(mended: MendedTail, { name, end }: { readonly name: string; readonly end: Offset }): RepairStep[] {
  const steps = mended.stretches.map(({ byte, endByte, offset, endOffset, fromTs, toTs }) => {
    const lost = endOffset > offset ? `a gap tells records ${offset} to ${endOffset}` : "no record is lost";
    const text = `bytes ${byte} to ${endByte} are damaged: they are set aside, ${lost}`;
    return { segment: name, offset, endOffset, fromTs, toTs, text };
  });
  const { nextOffset: offset, lastTs, tornBytes } = mended;
  if (tornBytes === 0 && end === offset) return steps;
  const text = `its last ${tornBytes} bytes are damaged: they are set aside, a gap tells records ${offset} to ${end}`;
  return [...steps, { segment: name, offset, endOffset: end, fromTs: lastTs, toTs: lastTs, text }];
}

async function writeMended(
  files: Files,
  dir: string,
  options: {
    readonly segment: SegmentFiles;
    readonly name: string;
    readonly header: SegmentHeader;
    readonly bytes: Uint8Array;
    /** End of the good records at its beginning. */
    readonly byte: number;
    readonly mended: MendedTail;
    readonly end: Offset;
  },
): Promise<void> {
  const { segment, name, header, bytes, byte, mended, end } = options;
  const { firstOffset } = segment;
  if (segment.plain) {
    const torn = { byte: bytes.length - mended.tornBytes, endByte: bytes.length };
    for (const stretch of [...mended.stretches, torn]) {
      if (stretch.endByte === stretch.byte) continue;
      await setAside(files, dir, { name, byte: stretch.byte, bytes: bytes.subarray(stretch.byte, stretch.endByte) });
    }
  }
  const begin = bytes.subarray(headerBytes(header.version), byte);
  const rest = end > mended.nextOffset ? lostTail(header, mended, end) : [];
  const chunks = [encodeHeader(header), begin, ...mended.chunks, ...rest];
  await writeSegment(files, dir, { firstOffset, chunks });
  if (segment.plain) return;
  await files.rename(`${dir}/${sealedName(firstOffset)}`, `${dir}/${sealedName(firstOffset)}.damaged`);
  await files.syncDir(dir);
}

/** Returns the replacement of lost records at a segment's end. */
function lostTail(header: SegmentHeader, mended: MendedTail, end: Offset): readonly Uint8Array[] {
  const { nextOffset: offset, lastTs } = mended;
  const reason = `records ${offset} to ${end} were damaged on disk`;
  const record = lostRecord({ offset, toOffset: end, fromTs: lastTs, toTs: lastTs, reason });
  return encodeStandIn({ ...header, firstOffset: offset }, record).map((chunk) =>
    chunk.subarray(headerBytes(header.version))
  );
}

/** Reads the good records of a segment. Resolves with the time of the last one. */
async function readThrough(reader: SegmentReader): Promise<Micros> {
  let lastTs: Micros = 0;
  try {
    for (let entries = await reader.next(); entries !== null; entries = await reader.next()) {
      for (const { record } of entries) lastTs = Math.max(lastTs, record.at);
    }
    return lastTs;
  } finally {
    await reader.close();
  }
}

/** Returns the sessions that were open when a segment was begun; empty if it cannot be read. */
async function sessionsOf(files: Files, dir: string, segment: SegmentFiles): Promise<readonly OpenSession[]> {
  const reader = await openReadable(files, dir, segment);
  if (reader === null) return [];
  try {
    await reader.next();
    return reader.openSessions;
  } finally {
    await reader.close();
  }
}

/** Returns when a segment was begun; null if it cannot be read. */
async function beginOf(files: Files, dir: string, segment: SegmentFiles): Promise<Micros | null> {
  const reader = await openReadable(files, dir, segment);
  if (reader === null) return null;
  try {
    await reader.next();
    return reader.header?.createdAt ?? null;
  } finally {
    await reader.close();
  }
}

async function openReadable(files: Files, dir: string, { firstOffset, plain }: SegmentFiles) {
  if (!plain && await readSealedEnd(files, `${dir}/${sealedName(firstOffset)}`) === null) return null;
  return await openSegment(files, dir, { firstOffset, limit: null });
}

/** Returns the plain bytes of a sealed segment, with zeros for damaged blocks. */
function expandSealed(stored: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < stored.length;) {
    const block = readBlock(stored, at);
    if (block !== null) {
      parts.push(block.bytes);
      at += block.length;
      continue;
    }
    const from = at;
    do at++; while (at < stored.length && readBlock(stored, at) === null);
    // The rest at the end is the end frame.
    if (at < stored.length || at - from > END_BYTES) parts.push(new Uint8Array(BLOCK_BYTES));
  }
  return joinBytes(parts);
}

function readBlock(stored: Uint8Array, at: number): { readonly bytes: Uint8Array; readonly length: number } | null {
  const headerPart = stored.subarray(at, at + BLOCK_HEADER_BYTES);
  const header = decodeBlockHeader(headerPart);
  if (header === null) return null;
  const compressed = stored.subarray(at + BLOCK_HEADER_BYTES, at + BLOCK_HEADER_BYTES + header.compressedBytes);
  if (compressed.length < header.compressedBytes || blockChecksum(headerPart, compressed) !== header.crc) return null;
  const bytes = zstdDecompressSync(compressed, { maxOutputLength: BLOCK_BYTES });
  return { bytes, length: BLOCK_HEADER_BYTES + header.compressedBytes };
}

function noJournal(dir: string): Failure {
  return new Failure("file", `Cannot repair journal ${dir}: it holds no segments`, { retry: false });
}
