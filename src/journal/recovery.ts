import { Buffer } from "node:buffer";
import type { Files } from "../host/mod.ts";
import { Failure, type Offset } from "../model/mod.ts";
import { corruptEnd, readSealedEnd } from "./byte_source.ts";
import { BLOCK_BYTES, decodeMark, MARK_BYTES, MARK_MAGIC, RECORD_HEADER_BYTES } from "./format.ts";
import { isTemporaryName, parseSegmentName, plainName, sealedName } from "./names.ts";
import { type OpenSession, OpenSessions } from "./open_sessions.ts";
import { checkSegment, openSegment, type Segment, segmentName } from "./segment.ts";
import { corruptSegment, type SegmentFault, type SegmentReader } from "./segment_reader.ts";

/** What recovery found and did. */
export interface Recovery {
  /** In order; the last one is plain and is written on. Empty: the journal is new. */
  readonly segments: readonly Segment[];
  readonly openSessions: readonly OpenSession[];
  /** Bytes of torn records that were cut. */
  readonly cutBytes: number;
  /** Records in the last segment. */
  readonly records: number;
  /** Whether the last segment ends with a mark. */
  readonly endsWithMark: boolean;
}

/** The files that belong to one first offset. */
interface SegmentFiles {
  readonly firstOffset: Offset;
  plain: boolean;
  sealed: boolean;
}

/** The segments of a folder, in the order of their offsets; null where there is no such folder. */
export async function findSegments(files: Files, dir: string): Promise<readonly SegmentFiles[] | null> {
  const names = await files.list(dir);
  if (names === null) return null;
  const found = new Map<Offset, SegmentFiles>();
  for (const { name } of names) {
    const parsed = parseSegmentName(name);
    if (parsed === null) continue;
    const entry = found.get(parsed.firstOffset) ?? { firstOffset: parsed.firstOffset, plain: false, sealed: false };
    if (parsed.sealed) entry.sealed = true;
    else entry.plain = true;
    found.set(parsed.firstOffset, entry);
  }
  return [...found.values()].sort((a, b) => a.firstOffset - b.firstOffset);
}

/**
 * Brings a journal's folder into order after any end of the process that wrote it: removes what was left half done, cuts
 * the torn tail of the last segment, and checks that segments follow each other without a hole. What was synced is never
 * touched. Rejects with a `Failure` (`corrupt`) naming segment, byte and offset where synced records are damaged or
 * missing; the damaged segment is left as it is then.
 */
export async function recoverSegments(files: Files, dir: string): Promise<Recovery> {
  for (const { name } of await files.list(dir) ?? []) {
    if (isTemporaryName(name)) await files.remove(`${dir}/${name}`);
  }
  const found = [...await findSegments(files, dir) ?? []];
  let cutBytes = 0;
  let tolerant = true;
  for (let last = found.at(-1); last !== undefined; last = found.at(-1)) {
    const tail = await recoverLast(files, dir, { last, tolerant });
    cutBytes += tail.cutBytes;
    if (tail.segment !== null) {
      const before = await Promise.all(found.slice(0, -1).map((entry) => recoverEarlier(files, dir, entry)));
      const segments = [...before, tail.segment];
      checkContinuity(dir, segments);
      return {
        segments,
        openSessions: tail.openSessions,
        cutBytes,
        records: tail.segment.nextOffset - tail.segment.firstOffset,
        endsWithMark: tail.endsWithMark,
      };
    }
    found.pop();
    // A segment is begun only after the one before it was synced: that one has no torn tail.
    tolerant = false;
  }
  return { segments: [], openSessions: [], cutBytes, records: 0, endsWithMark: false };
}

/** Whether a valid mark stands behind a fault, so that what is broken had been synced. Reads the rest of the file. */
export async function hasMarkAfter(
  files: Files,
  path: string,
  options: { readonly firstOffset: Offset; readonly fault: SegmentFault; readonly bytes: number },
): Promise<boolean> {
  const handle = await files.open(path, "read");
  try {
    for (let position = options.fault.byte; position < options.bytes; position += BLOCK_BYTES) {
      // Blocks overlap, so that a mark across their border is seen.
      const length = Math.min(BLOCK_BYTES + MARK_BYTES, options.bytes - position);
      const block = Buffer.from(await handle.readAt(position, length));
      for (let at = block.indexOf(MARK_MAGIC); at >= 0; at = block.indexOf(MARK_MAGIC, at + 1)) {
        const start = at - RECORD_HEADER_BYTES;
        const mark = start < 0 ? null : decodeMark(block.subarray(start, start + MARK_BYTES));
        if (mark?.firstOffset === options.firstOffset && mark.position === position + start) return true;
      }
    }
    return false;
  } finally {
    await handle.close();
  }
}

interface RecoveredTail {
  /** Null where nothing of it could be kept, and its file was removed. */
  readonly segment: Segment | null;
  readonly openSessions: readonly OpenSession[];
  readonly cutBytes: number;
  readonly endsWithMark: boolean;
}

async function recoverLast(
  files: Files,
  dir: string,
  options: { readonly last: SegmentFiles; readonly tolerant: boolean },
): Promise<RecoveredTail> {
  const { last, tolerant } = options;
  const name = plainName(last.firstOffset);
  const path = `${dir}/${name}`;
  const reader = last.plain ? await openSegment(files, dir, { firstOffset: last.firstOffset, limit: null }) : null;
  const bytes = (await files.stat(path))?.bytes ?? 0;
  if (reader === null) {
    throw new Failure(
      "corrupt",
      `Cannot open journal ${dir}: segment ${sealedName(last.firstOffset)} is sealed and none follows it: ` +
        `the segment that was being written is missing`,
      { retry: false },
    );
  }
  const sessions = await followAll(reader);
  const fault = reader.fault;
  if (fault !== null) {
    const torn = tolerant &&
      !await hasMarkAfter(files, path, { firstOffset: last.firstOffset, fault, bytes });
    if (!torn) throw corruptSegment(name, fault);
  }
  const header = reader.header;
  if (header === null || reader.nextOffset === last.firstOffset) {
    if (!tolerant) throw corruptSegment(name, { byte: 0, offset: last.firstOffset, reason: "it has no records" });
    await files.remove(path);
    await files.syncDir(dir);
    return { segment: null, openSessions: [], cutBytes: bytes, endsWithMark: false };
  }
  if (last.sealed) await files.remove(`${dir}/${sealedName(last.firstOffset)}`);
  await cutAndSync(files, path, { keep: reader.position, bytes });
  const segment: Segment = {
    ...header,
    sealed: false,
    syncedBytes: reader.position,
    plannedBytes: reader.position,
    fileBytes: reader.position,
    nextOffset: reader.nextOffset,
  };
  return {
    segment,
    openSessions: sessions.list(),
    cutBytes: bytes - reader.position,
    endsWithMark: reader.endsWithMark,
  };
}

async function followAll(reader: SegmentReader): Promise<OpenSessions> {
  const sessions = new OpenSessions();
  try {
    for (let first = true;;) {
      const entries = await reader.next();
      if (entries === null) return sessions;
      if (first) sessions.restore(reader.openSessions);
      first = false;
      for (const entry of entries) sessions.follow(entry.offset, entry.record);
    }
  } finally {
    await reader.close();
  }
}

/** What is kept may still be in the system's memory alone: readers may see it only after it is synced. */
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

/** A segment before the last: whole, plain or sealed. Where both files are there, the sealing was interrupted. */
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
  const bytes = reader.position;
  return {
    ...header,
    sealed: false,
    syncedBytes: bytes,
    plannedBytes: bytes,
    fileBytes: bytes,
    nextOffset: reader.nextOffset,
  };
}

/** Removes the sealed file where it is not whole, so that it is written again; else the plain one. */
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
        `the next one is ${segmentName(after)}`,
      { retry: false },
    );
  }
}
