import { crc32 } from "node:zlib";
import type { DroppedRecord, JournalRecord, Micros, Offset } from "../model/mod.ts";
import { decodeBody, encodeRecord, isRecordKind } from "./codec.ts";
import {
  decodeMark,
  encodeMark,
  FORMAT_VERSION,
  headerBytes,
  MARK_KIND,
  ordinalOf,
  ORDINALS,
  RECORD_BODY_BYTES_MAX,
  recordHeaderBytes,
  type SegmentHeader,
} from "./format.ts";
import type { OpenSession } from "./open_sessions.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** Fewest bytes of a record with its header. */
const RECORD_BYTES_MIN = 12;

/** Unreadable bytes of a segment, between readable records. */
export interface DamagedStretch {
  /** Range of bytes in the plain segment, `endByte` excluded. */
  readonly byte: number;
  readonly endByte: number;
  /** Range of lost offsets, `endOffset` excluded; empty if only a mark was damaged. */
  readonly offset: Offset;
  readonly endOffset: Offset;
  /** Times of the last record before and of the first one after. */
  readonly fromTs: Micros;
  readonly toTs: Micros;
}

/** The end of a segment with its damaged stretches replaced by dropped records. */
export interface MendedTail {
  readonly chunks: readonly Uint8Array[];
  readonly stretches: readonly DamagedStretch[];
  /** Bytes after the last good record, which are omitted. */
  readonly tornBytes: number;
  /** Offset after the last good record, and its time. */
  readonly nextOffset: Offset;
  readonly lastTs: Micros;
}

/** Where a segment becomes unreadable, and the state there. */
export interface MendStart {
  readonly header: SegmentHeader;
  /** Position in the plain segment at which `bytes` begin, and the offset of the record expected there. */
  readonly byte: number;
  readonly offset: Offset;
  /** Time of the last good record before. */
  readonly at: Micros;
  /** Sessions whose `opened` record is known from elsewhere: if it is lost, it is written again. */
  readonly sessions: readonly OpenSession[];
}

/** A record found in damaged bytes. */
interface Found {
  readonly byte: number;
  readonly end: number;
  /** Its offset; for a mark, the offset of the record after it. */
  readonly offset: Offset;
  /** Null for a mark. */
  readonly record: JournalRecord | null;
}

/**
 * Reads on after damage. Good records are kept unchanged, at the offsets given by their ordinals and by marks; damage
 * between them becomes a dropped record with the offsets of the lost records. A record is good if its checksum is right
 * and its ordinal is plausible for the skipped bytes; in format 1, which has no ordinals, if a mark precedes it or the
 * length of the single damaged record leads to it.
 */
export function mendTail(bytes: Uint8Array, start: MendStart): MendedTail {
  const { header } = start;
  const out = new WriteBuffer();
  const stretches: DamagedStretch[] = [];
  let at = 0;
  let offset = start.offset;
  let lastTs = start.at;
  while (at < bytes.length) {
    const good = readAt(bytes, at, { start, offset, skipped: 0 });
    if (good === null) {
      const next = findGood(bytes, at, { start, offset });
      if (next === null) break;
      const after = next.record ?? readAt(bytes, next.end, { start, offset: next.offset, skipped: 0 })?.record;
      const toTs = after?.at ?? lastTs;
      const endOffset = next.offset;
      stretches.push({
        ...{ byte: start.byte + at, endByte: start.byte + next.byte, offset, endOffset, fromTs: lastTs, toTs },
      });
      writeLost(out, stretches[stretches.length - 1], start);
      at = next.byte;
      offset = endOffset;
      continue;
    }
    if (good.record === null) {
      const position = start.byte + out.size;
      out.push(encodeMark({ firstOffset: header.firstOffset, position, nextOffset: offset }, header.version));
    } else {
      out.push(bytes.subarray(at, good.end));
      lastTs = good.record.at;
      offset = offsetAfter(good.record, offset);
    }
    at = good.end;
  }
  return { chunks: out.drain(), stretches, tornBytes: bytes.length - at, nextOffset: offset, lastTs };
}

/** Reconstructs the damaged header of a segment from its checkpoint, which has the same time. Null if there is none. */
export function findHeader(
  bytes: Uint8Array,
  known: { readonly firstOffset: Offset; readonly journal: string },
): SegmentHeader | null {
  const { firstOffset } = known;
  for (const version of [FORMAT_VERSION, 1]) {
    const header = { firstOffset, createdAt: 0, version, journal: version === 1 ? "" : known.journal };
    const start = { header, byte: 0, offset: firstOffset, at: 0, sessions: [] };
    for (let at = headerBytes(version); at + RECORD_BYTES_MIN <= bytes.length; at++) {
      const found = readAt(bytes, at, { start, offset: firstOffset, skipped: at });
      if (found?.record?.kind === "checkpoint") return { ...header, createdAt: found.record.at };
      if (found !== null) at = found.end - 1;
    }
  }
  return null;
}

/** Returns the offset after a record; a dropped record may replace several. */
export function offsetAfter(record: JournalRecord, offset: Offset): Offset {
  return record.kind === "dropped" && record.toOffset !== null ? record.toOffset : offset + 1;
}

/** Writes the replacement of lost records: one dropped record, or several around known `opened` records. */
function writeLost(out: WriteBuffer, stretch: DamagedStretch, { header, sessions }: MendStart): void {
  const { fromTs, toTs, endOffset } = stretch;
  let { offset } = stretch;
  const write = (record: JournalRecord) => {
    encodeRecord(out, record, header, offset);
    offset = offsetAfter(record, offset);
  };
  const reason = `records ${offset} to ${endOffset} were damaged on disk, bytes ${stretch.byte} to ${stretch.endByte}`;
  const dropUpTo = (toOffset: Offset): void => {
    if (toOffset > offset) write(lostRecord({ offset, toOffset, fromTs, toTs, reason }));
  };
  const lost = sessions.filter(({ session }) => session >= offset && session < endOffset);
  for (const { session, record } of [...lost].sort((a, b) => a.session - b.session)) {
    dropUpTo(session);
    write(record);
  }
  dropUpTo(endOffset);
}

/** Returns the dropped record that replaces lost records, for every session that was open. */
export function lostRecord(
  lost: {
    readonly offset: Offset;
    readonly toOffset: Offset;
    readonly fromTs: Micros;
    readonly toTs: Micros;
    readonly reason: string;
  },
): DroppedRecord {
  const { offset, toOffset, fromTs, toTs, reason } = lost;
  return { kind: "dropped", session: null, at: toTs, frames: toOffset - offset, fromTs, toTs, toOffset, reason };
}

function findGood(
  bytes: Uint8Array,
  from: number,
  options: { readonly start: MendStart; readonly offset: Offset },
): Found | null {
  for (let at = from + 1; at + RECORD_BYTES_MIN <= bytes.length; at++) {
    const found = readAt(bytes, at, { ...options, skipped: at - from });
    if (found !== null && isTrusted(bytes, from, found, options.start.header)) return found;
  }
  return null;
}

/** Whether the offset of a record after damage is known. */
function isTrusted(bytes: Uint8Array, from: number, found: Found, { version }: SegmentHeader): boolean {
  if (version > 1 || found.record === null) return true;
  const header = recordHeaderBytes(version);
  return from + header <= bytes.length && from + header + uint32(bytes, from + 4) === found.byte;
}

/** Returns the good record at a position; null if there is none. `skipped`: number of damaged bytes before it. */
function readAt(
  bytes: Uint8Array,
  at: number,
  options: { readonly start: MendStart; readonly offset: Offset; readonly skipped: number },
): Found | null {
  const { start, offset, skipped } = options;
  const { version, firstOffset } = start.header;
  const body = at + recordHeaderBytes(version);
  if (body >= bytes.length || !isRecordKind(bytes[body])) return null;
  const length = uint32(bytes, at + 4);
  const end = body + length;
  if (length === 0 || length > RECORD_BODY_BYTES_MAX || end > bytes.length) return null;
  const lost = version === 1 ? (skipped === 0 ? 0 : 1) : lostBefore(bytes, at, offset);
  const isMark = bytes[body] === MARK_KIND;
  if (!isMark && lost > Math.ceil(skipped / RECORD_BYTES_MIN)) return null;
  if (crc32(bytes.subarray(at + 4, end)) !== uint32(bytes, at)) return null;
  if (isMark) {
    const mark = decodeMark(bytes.subarray(at, end), version);
    if (mark === null || mark.firstOffset !== firstOffset || mark.nextOffset < offset) return null;
    return skipped === 0 && mark.nextOffset !== offset
      ? null
      : { byte: at, end, offset: mark.nextOffset, record: null };
  }
  const decoded = decodeBody(bytes, { start: body, end }, start.header);
  return decoded === null ? null : { byte: at, end, offset: offset + lost, record: decoded.record };
}

/** Returns the number of records missing before a record, by its ordinal. */
function lostBefore(bytes: Uint8Array, at: number, offset: Offset): number {
  const ordinal = bytes[at + 8] | bytes[at + 9] << 8;
  return (ordinal - ordinalOf(offset) + ORDINALS) % ORDINALS;
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}
