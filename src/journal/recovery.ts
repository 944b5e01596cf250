import type { Files } from "../host/mod.ts";
import { Failure, type JournalWarning, type Micros, type Offset, type PlanRecord } from "../model/mod.ts";
import { corruptEnd, readSealedEnd } from "./byte_source.ts";
import { mendTail } from "./mend.ts";
import { isTemporaryName, plainName, sealedName, temporaryPlainName } from "./names.ts";
import { type OpenSession, OpenSessions } from "./open_sessions.ts";
import { findSegments, hasMarkAfter, type SegmentFiles } from "./own_segments.ts";
import { checkSegment, openSegment, type Segment, segmentName } from "./segment.ts";
import { corruptSegment, REPAIR_HINT, type SegmentReader } from "./segment_reader.ts";

/** Result of a recovery. */
export interface Recovery {
  /** In order; the last one is plain and will be continued. Empty: the journal is new. */
  readonly segments: readonly Segment[];
  readonly openSessions: readonly OpenSession[];
  /** Plans in the last segment. */
  readonly plans: readonly PlanRecord[];
  /** Time of the last record; null if there is none. */
  readonly lastTs: Micros | null;
  /** Bytes of torn records that were cut off. */
  readonly cutBytes: number;
  /** Records in the last segment. */
  readonly records: number;
  /** Whether the last segment ends with a mark. */
  readonly endsWithMark: boolean;
}

export interface RecoveryOptions {
  /** The journal's id: segments of another journal are left alone. */
  readonly id: string;
  readonly warn: (code: JournalWarning, text: string) => void;
}

/**
 * Recovers a journal's folder after any end of the process that wrote it: removes unfinished files, cuts the torn tail
 * off the last segment, and checks that segments follow each other without missing offsets. Damage in the last batch
 * before good records becomes a dropped record; its bytes are kept in a separate file. Rejects with a `Failure`
 * (`corrupt`), which names segment, byte, offset and the remedy, if records known to be synced are damaged or missing;
 * the damaged segment is not changed. Foreign files are reported and left alone.
 */
export async function recoverSegments(files: Files, dir: string, options: RecoveryOptions): Promise<Recovery> {
  for (const { name } of await files.list(dir) ?? []) {
    if (isTemporaryName(name)) await files.remove(`${dir}/${name}`);
  }
  const found = await findSegments(files, dir, options.id);
  for (const name of found?.foreign ?? []) warnForeign(dir, name, options);
  const own = [...found?.own ?? []];
  return await recoverOwn(files, dir, { ...options, own });
}

async function recoverOwn(
  files: Files,
  dir: string,
  options: RecoveryOptions & { readonly own: SegmentFiles[] },
): Promise<Recovery> {
  const { own } = options;
  const begun: SegmentFiles[] = [];
  let cutBytes = 0;
  for (let last = own.at(-1); last !== undefined; last = own.at(-1)) {
    const tail = await recoverLast(files, dir, { ...options, last, begun });
    cutBytes += tail.cutBytes;
    own.pop();
    if (tail.segment === null) {
      begun.push(last);
      continue;
    }
    const segments: Segment[] = [];
    // One after another, because a journal may have more segments than files may be open.
    for (const entry of own) segments.push(await recoverEarlier(files, dir, entry));
    segments.push(tail.segment);
    checkContinuity(dir, segments);
    cutBytes += await removeBegun(files, dir, { ...options, begun, expected: tail.segment.nextOffset });
    return { ...tail, segments, cutBytes, records: tail.segment.nextOffset - tail.segment.firstOffset };
  }
  cutBytes += await removeBegun(files, dir, { ...options, begun, expected: null });
  return { ...NOTHING, segments: [], cutBytes, records: 0 };
}

const NOTHING = { openSessions: [], plans: [], lastTs: null, endsWithMark: false } as const;

/**
 * Removes segments that have only a torn head. One that does not begin where the journal ends is not the journal's.
 * Resolves with the number of removed bytes.
 */
async function removeBegun(
  files: Files,
  dir: string,
  options: RecoveryOptions & { readonly begun: readonly SegmentFiles[]; readonly expected: Offset | null },
): Promise<number> {
  let bytes = 0;
  for (const { firstOffset } of options.begun) {
    const name = plainName(firstOffset);
    if (options.expected !== null && firstOffset !== options.expected) {
      warnForeign(dir, name, options);
      continue;
    }
    bytes += (await files.stat(`${dir}/${name}`))?.bytes ?? 0;
    await files.remove(`${dir}/${name}`);
    await files.syncDir(dir);
  }
  return bytes;
}

function warnForeign(dir: string, name: string, { warn }: RecoveryOptions): void {
  warn("foreign_file", `The file ${name} in ${dir} is no segment of this journal: it is left alone`);
}

interface RecoveredTail {
  /** Null if it has only a torn head. */
  readonly segment: Segment | null;
  readonly openSessions: readonly OpenSession[];
  readonly plans: readonly PlanRecord[];
  readonly lastTs: Micros | null;
  readonly cutBytes: number;
  readonly endsWithMark: boolean;
}

async function recoverLast(
  files: Files,
  dir: string,
  options: RecoveryOptions & { readonly last: SegmentFiles; readonly begun: readonly SegmentFiles[] },
): Promise<RecoveredTail> {
  const { last, begun } = options;
  const { firstOffset } = last;
  const name = plainName(firstOffset);
  const path = `${dir}/${name}`;
  const reader = last.plain ? await openSegment(files, dir, { firstOffset, limit: null }) : null;
  const bytes = (await files.stat(path))?.bytes ?? 0;
  if (reader === null) {
    throw new Failure(
      "corrupt",
      `Cannot open journal ${dir}: segment ${sealedName(firstOffset)} is sealed and none follows it: ` +
        `the segment that was being written is missing; ${REPAIR_HINT}`,
      { retry: false },
    );
  }
  const followed = await followAll(reader);
  const { fault, header } = reader;
  // A segment is begun only after the one before it was synced, which therefore has no torn tail.
  const wasFollowed = begun.some((other) => other.firstOffset === reader.nextOffset);
  if (fault !== null) {
    const isTorn = fault.header !== "newer" && !wasFollowed &&
      !await hasMarkAfter(files, path, { firstOffset, byte: fault.byte, bytes });
    if (!isTorn) throw corruptSegment(name, fault);
  }
  if (header === null || reader.isHeadTorn || reader.nextOffset === firstOffset) {
    if (wasFollowed) {
      throw corruptSegment(name, { byte: 0, offset: firstOffset, reason: "it has no records", header: null });
    }
    return { ...NOTHING, segment: null, cutBytes: 0 };
  }
  if (fault !== null && await mendLast(files, dir, { ...options, reader, lastTs: followed.lastTs, bytes })) {
    return await recoverLast(files, dir, options);
  }
  if (last.sealed) await files.remove(`${dir}/${sealedName(firstOffset)}`);
  await cutAndSync(files, path, { keep: reader.position, bytes });
  return {
    segment: plainSegment(reader, header),
    openSessions: followed.sessions.list(),
    plans: followed.plans,
    lastTs: followed.lastTs,
    cutBytes: bytes - reader.position,
    endsWithMark: reader.endsWithMark,
  };
}

/**
 * Keeps the good records after damage in the last batch. Resolves with false if there are none, so that the damage is a
 * torn tail.
 */
async function mendLast(
  files: Files,
  dir: string,
  options: RecoveryOptions & {
    readonly reader: SegmentReader;
    readonly lastTs: Micros;
    readonly bytes: number;
  },
): Promise<boolean> {
  const { reader, lastTs, bytes, warn } = options;
  const { header, position } = reader;
  if (header === null) return false;
  const name = plainName(header.firstOffset);
  const path = `${dir}/${name}`;
  const tail = await readRange(files, path, { from: position, to: bytes });
  const start = { header, byte: position, offset: reader.nextOffset, at: lastTs, sessions: [] };
  const mended = mendTail(tail, start);
  if (mended.stretches.length === 0) return false;
  for (const { byte, endByte } of mended.stretches) {
    await setAside(files, dir, { name, byte, bytes: tail.subarray(byte - position, endByte - position) });
  }
  const kept = await readRange(files, path, { from: 0, to: position });
  await writeSegment(files, dir, { firstOffset: header.firstOffset, chunks: [kept, ...mended.chunks] });
  for (const { byte, endByte, offset, endOffset } of mended.stretches) {
    const text = `Segment ${name} was damaged at bytes ${byte} to ${endByte}, offsets ${offset} to ${endOffset}: ` +
      `these bytes are set aside, the records behind them are kept`;
    warn("lost", text);
  }
  return true;
}

/** Saves damaged bytes in a file beside the segment, named by their position. */
export async function setAside(
  files: Files,
  dir: string,
  damaged: { readonly name: string; readonly byte: number; readonly bytes: Uint8Array },
): Promise<void> {
  await files.writeAtomic(`${dir}/${damaged.name}.${damaged.byte}.damaged`, damaged.bytes);
}

/** Writes a complete plain segment, replacing an existing one. */
export async function writeSegment(
  files: Files,
  dir: string,
  segment: { readonly firstOffset: Offset; readonly chunks: readonly Uint8Array[] },
): Promise<void> {
  const temporary = `${dir}/${temporaryPlainName(segment.firstOffset)}`;
  await files.remove(temporary);
  const handle = await files.open(temporary, "append");
  try {
    for (const chunk of segment.chunks) await handle.write(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await files.rename(temporary, `${dir}/${plainName(segment.firstOffset)}`);
  await files.syncDir(dir);
}

/** Reads a part of a file. */
export async function readRange(
  files: Files,
  path: string,
  range: { readonly from: number; readonly to: number },
): Promise<Uint8Array> {
  const handle = await files.open(path, "read");
  try {
    return await handle.readAt(range.from, range.to - range.from);
  } finally {
    await handle.close();
  }
}

function plainSegment(reader: SegmentReader, header: NonNullable<SegmentReader["header"]>): Segment {
  return {
    ...header,
    headBytes: reader.headBytes,
    sealed: false,
    syncedBytes: reader.position,
    plannedBytes: reader.position,
    fileBytes: reader.position,
    nextOffset: reader.nextOffset,
  };
}

async function followAll(
  reader: SegmentReader,
): Promise<{ readonly sessions: OpenSessions; readonly plans: readonly PlanRecord[]; readonly lastTs: Micros }> {
  const sessions = new OpenSessions();
  const plans: PlanRecord[] = [];
  let lastTs: Micros = 0;
  try {
    for (let isRestored = false;;) {
      const entries = await reader.next();
      if (entries === null) return { sessions, plans, lastTs: lastTs || (reader.header?.createdAt ?? 0) };
      for (const { offset, record } of entries) {
        if (record.kind === "checkpoint" && !isRestored) {
          isRestored = true;
          sessions.restore(reader.openSessions);
        }
        if (record.kind === "plan") plans.push(record);
        sessions.follow(offset, record);
        // Times before and after a clock step cannot be compared.
        lastTs = record.kind === "clock" ? record.at : Math.max(lastTs, record.at);
      }
    }
  } finally {
    await reader.close();
  }
}

/**
 * Cuts and syncs a segment: kept records may so far be only in the system's memory, and readers may see only synced
 * ones.
 */
async function cutAndSync(
  files: Files,
  path: string,
  options: { readonly keep: number; readonly bytes: number },
): Promise<void> {
  const handle = await files.open(path, "append");
  try {
    if (options.keep < options.bytes) await handle.truncate(options.keep);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Recovers a segment before the last one: plain or sealed. If both files exist, sealing was interrupted. */
async function recoverEarlier(files: Files, dir: string, found: SegmentFiles): Promise<Segment> {
  if (found.plain && found.sealed) await dropHalf(files, dir, found.firstOffset);
  if (await files.stat(`${dir}/${plainName(found.firstOffset)}`) !== null) {
    return await recoverPlain(files, dir, found.firstOffset);
  }
  const path = `${dir}/${sealedName(found.firstOffset)}`;
  const end = await readSealedEnd(files, path);
  if (end === null || end.firstOffset !== found.firstOffset) throw corruptEnd(path);
  const stat = await files.stat(path);
  return {
    firstOffset: end.firstOffset,
    createdAt: end.createdAt,
    version: end.version,
    journal: end.journal,
    // The head of a sealed segment does not matter, because it is not continued.
    headBytes: 0,
    sealed: true,
    syncedBytes: end.plainBytes,
    plannedBytes: end.plainBytes,
    fileBytes: stat?.bytes ?? 0,
    nextOffset: end.nextOffset,
  };
}

async function recoverPlain(files: Files, dir: string, firstOffset: Offset): Promise<Segment> {
  const from = Number.MAX_SAFE_INTEGER;
  const reader = await openSegment(files, dir, { firstOffset, from, limit: null });
  if (reader === null) throw new Failure("file", `Cannot read segment ${plainName(firstOffset)}: it has gone`);
  await checkSegment(reader);
  const header = reader.header;
  if (reader.fault !== null) throw corruptSegment(plainName(firstOffset), reader.fault);
  if (header === null) throw new Error("A reader without a fault has a header");
  return plainSegment(reader, header);
}

/** Removes the sealed file if it is incomplete, so that it is written again; otherwise the plain one. */
async function dropHalf(files: Files, dir: string, firstOffset: Offset): Promise<void> {
  const path = `${dir}/${sealedName(firstOffset)}`;
  const end = await readSealedEnd(files, path);
  await files.remove(end?.firstOffset === firstOffset ? `${dir}/${plainName(firstOffset)}` : path);
  await files.syncDir(dir);
}

function checkContinuity(dir: string, segments: readonly Segment[]): void {
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1];
    const after = segments[i];
    if (before.nextOffset === after.firstOffset) continue;
    throw new Failure(
      "corrupt",
      `Cannot open journal ${dir}: segment ${segmentName(before)} ends before offset ${before.nextOffset}, ` +
        `the next one is ${segmentName(after)}; ${REPAIR_HINT}`,
      { retry: false },
    );
  }
}
