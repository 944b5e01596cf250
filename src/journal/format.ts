/**
 * The journal on disk, format 2. `docs/journal.md` alone describes the layout, for readers of other programs. Here is
 * what the code relies on.
 *
 * A record's offset is not written: it is the first offset plus the number of records before it. Marks have no offset,
 * and a dropped record has as many as the records it replaces. A record has the low 16 bits of its offset, its ordinal,
 * so that the offset of a record after damage can be verified.
 *
 * A batch is what one group commit wrote, and begins with a mark. A batch, or a segment, begins only after the one
 * before it was synced. So a broken record before a valid mark, or before a later segment, was damaged after it was
 * synced, and is refused; a broken record in the last batch is a torn tail. A mark has its own position and segment, so
 * bytes of a payload are not mistaken for one.
 */
import { crc32 } from "node:zlib";
import type { Micros, Offset } from "../model/mod.ts";

/** Version of the format that is written. Version 1, without ids, ordinals and plans, is read as well. */
export const FORMAT_VERSION = 2;
/** Most bytes of a segment's header, in any version. */
export const HEADER_BYTES_MAX = 48;
/** Longest body of a record in bytes; appending a longer one fails, and a longer one on disk is damage. */
export const RECORD_BODY_BYTES_MAX = 256 * 1024 * 1024;
/** Plain bytes read or compressed at once. */
export const BLOCK_BYTES = 512 * 1024;
/** Bytes before a zstd frame in a sealed segment. */
export const BLOCK_HEADER_BYTES = 20;
/** Bytes of the frame that ends a sealed segment, in versions 1 and 2. */
export const END_BYTES_1 = 44;
export const END_BYTES = 60;
/** First body byte of a mark; greater than every kind of record. */
export const MARK_KIND = 0x10;
/** How a mark's body begins. */
export const MARK_MAGIC: Uint8Array = new TextEncoder().encode("\u0010CCJMARK");
/** Ordinals are counted modulo this. */
export const ORDINALS = 0x1_0000;

const HEADER_MAGIC = new TextEncoder().encode("CCJRNL1\n");
const MARK_BODY_BYTES = 32;
const BLOCK_MAGIC = 0x184d2a50;
const END_MAGIC = 0x184d2a51;

/** Returns the ordinal of an offset. For doubles, division is faster than `%`. */
export function ordinalOf(offset: Offset): number {
  return offset - Math.floor(offset / ORDINALS) * ORDINALS;
}

/** Returns the bytes of a segment's header. */
export function headerBytes(version: number): number {
  return version === 1 ? 32 : HEADER_BYTES_MAX;
}

/** Returns the bytes before a record's body: CRC, length and, from version 2 on, ordinal. */
export function recordHeaderBytes(version: number): number {
  return version === 1 ? 8 : 10;
}

/** Returns the bytes of a mark with its record header. */
export function markBytes(version: number): number {
  return recordHeaderBytes(version) + MARK_BODY_BYTES;
}

/** A segment's header. */
export interface SegmentHeader {
  readonly firstOffset: Offset;
  /** When the segment was begun; times of its frames are relative to it. */
  readonly createdAt: Micros;
  /** Version of its format. */
  readonly version: number;
  /** The journal's id; empty in version 1. */
  readonly journal: string;
}

/**
 * Why bytes are no header. `foreign`: they do not begin like a journal segment. `newer`: a complete header of an
 * unknown version. `damaged`: anything else, an incomplete header included.
 */
export interface HeaderFault {
  readonly kind: "foreign" | "newer" | "damaged";
  /** What is wrong, for use after a colon. */
  readonly reason: string;
}

/** Position of a mark. */
export interface Mark {
  readonly firstOffset: Offset;
  /** Its position in the plain segment, in bytes. */
  readonly position: number;
  /** Offset of the record after it. */
  readonly nextOffset: Offset;
}

/** End frame of a sealed segment, which describes the plain one. */
export interface SealedEnd extends SegmentHeader {
  readonly plainBytes: number;
  /** Offset after its last record. */
  readonly nextOffset: Offset;
}

/** Sizes before a zstd frame. */
export interface BlockHeader {
  readonly compressedBytes: number;
  readonly plainBytes: number;
  readonly crc: number;
}

/** Encodes a segment's header. */
export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(headerBytes(header.version));
  const view = viewOf(bytes);
  bytes.set(HEADER_MAGIC, 0);
  view.setUint32(12, header.version, true);
  setUint53(view, 16, header.firstOffset);
  setUint53(view, 24, header.createdAt);
  if (header.version > 1) bytes.set(idBytes(header.journal), 32);
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

/** Reads the header at the beginning of a segment's bytes. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | HeaderFault {
  for (let i = 0; i < Math.min(bytes.length, HEADER_MAGIC.length); i++) {
    // A power cut may leave zeros in a file that was just begun.
    if (bytes[i] !== HEADER_MAGIC[i] && bytes[i] !== 0) {
      return { kind: "foreign", reason: "the header does not begin as a journal segment does" };
    }
  }
  if (bytes.length < headerBytes(1)) return damaged(`the header has ${bytes.length} of ${HEADER_BYTES_MAX} bytes`);
  const view = viewOf(bytes);
  const expected = view.getUint32(8, true);
  const version = view.getUint32(12, true);
  const whole = [headerBytes(1), HEADER_BYTES_MAX].some((end) => crc32(bytes.subarray(12, end)) === expected);
  if (version > FORMAT_VERSION && whole) {
    return { kind: "newer", reason: `its format is version ${version}, this program reads 1 to ${FORMAT_VERSION}` };
  }
  const length = headerBytes(version);
  if (bytes.length < length) return damaged(`the header has ${bytes.length} of ${length} bytes`);
  const found = crc32(bytes.subarray(12, length));
  if (found !== expected || bytes[0] === 0) {
    const named = version > FORMAT_VERSION ? `, and it names format version ${version}` : "";
    return damaged(`the header's checksum is ${hex(found)}, expected ${hex(expected)}${named}`);
  }
  const journal = version === 1 ? "" : idText(bytes.subarray(32, HEADER_BYTES_MAX));
  return { firstOffset: getUint53(view, 16), createdAt: getUint53(view, 24), version, journal };
}

/** Whether a header could not be read. */
export function isHeaderFault(header: SegmentHeader | HeaderFault): header is HeaderFault {
  return "reason" in header;
}

/** Encodes a mark with its record header. */
export function encodeMark(mark: Mark, version: number): Uint8Array {
  const bytes = new Uint8Array(markBytes(version));
  const view = viewOf(bytes);
  const body = recordHeaderBytes(version);
  view.setUint32(4, MARK_BODY_BYTES, true);
  if (version > 1) view.setUint16(8, ordinalOf(mark.nextOffset), true);
  bytes.set(MARK_MAGIC, body);
  setUint53(view, body + 8, mark.firstOffset);
  setUint53(view, body + 16, mark.position);
  setUint53(view, body + 24, mark.nextOffset);
  view.setUint32(0, crc32(bytes.subarray(4)), true);
  return bytes;
}

/** Decodes a mark from its record; null if the bytes are not one. Checks the record's CRC. */
export function decodeMark(record: Uint8Array, version: number): Mark | null {
  if (record.length !== markBytes(version)) return null;
  const view = viewOf(record);
  const body = recordHeaderBytes(version);
  if (view.getUint32(4, true) !== MARK_BODY_BYTES) return null;
  for (let i = 0; i < MARK_MAGIC.length; i++) {
    if (record[body + i] !== MARK_MAGIC[i]) return null;
  }
  if (crc32(record.subarray(4)) !== view.getUint32(0, true)) return null;
  return {
    firstOffset: getUint53(view, body + 8),
    position: getUint53(view, body + 16),
    nextOffset: getUint53(view, body + 24),
  };
}

/** Encodes the header before a zstd frame of a sealed segment. */
export function encodeBlockHeader(compressed: Uint8Array, plainBytes: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(4, 12, true);
  view.setUint32(12, compressed.length, true);
  view.setUint32(16, plainBytes, true);
  view.setUint32(8, crc32(compressed, crc32(bytes.subarray(12))), true);
  return bytes;
}

/** Decodes the header before a zstd frame; null if the bytes are not one. */
export function decodeBlockHeader(bytes: Uint8Array): BlockHeader | null {
  if (bytes.length < BLOCK_HEADER_BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== BLOCK_MAGIC || view.getUint32(4, true) !== 12) return null;
  const header = {
    crc: view.getUint32(8, true),
    compressedBytes: view.getUint32(12, true),
    plainBytes: view.getUint32(16, true),
  };
  const sane = header.plainBytes <= BLOCK_BYTES && header.compressedBytes <= 2 * BLOCK_BYTES;
  return sane ? header : null;
}

/** Returns the checksum that a block's header must have. */
export function blockChecksum(headerBytes: Uint8Array, compressed: Uint8Array): number {
  return crc32(compressed, crc32(headerBytes.subarray(12, BLOCK_HEADER_BYTES)));
}

/** Whether a file, which may be short, begins like a sealed segment. */
export function beginsSealed(bytes: Uint8Array): boolean {
  const magic = new Uint8Array(4);
  viewOf(magic).setUint32(0, BLOCK_MAGIC, true);
  return bytes.subarray(0, 4).every((byte, i) => byte === magic[i]);
}

/** Encodes the frame that ends a sealed segment. */
export function encodeEnd(end: SealedEnd): Uint8Array {
  const bytes = new Uint8Array(END_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, END_MAGIC, true);
  view.setUint32(4, END_BYTES - 8, true);
  setUint53(view, 12, end.plainBytes);
  setUint53(view, 20, end.firstOffset);
  setUint53(view, 28, end.nextOffset);
  setUint53(view, 36, end.createdAt);
  bytes.set(end.version === 1 ? new Uint8Array(16) : idBytes(end.journal), 44);
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

/** Decodes the end frame of a sealed segment from the last `END_BYTES` of the file; null if it is missing. */
export function decodeEnd(tail: Uint8Array): SealedEnd | null {
  for (const length of [END_BYTES, END_BYTES_1]) {
    const bytes = tail.subarray(Math.max(0, tail.length - length));
    const view = viewOf(bytes);
    if (bytes.length !== length || view.getUint32(0, true) !== END_MAGIC || view.getUint32(4, true) !== length - 8) {
      continue;
    }
    if (crc32(bytes.subarray(12)) !== view.getUint32(8, true)) continue;
    const id = bytes.subarray(44);
    const version = id.every((byte) => byte === 0) ? 1 : FORMAT_VERSION;
    return {
      plainBytes: getUint53(view, 12),
      firstOffset: getUint53(view, 20),
      nextOffset: getUint53(view, 28),
      createdAt: getUint53(view, 36),
      version,
      journal: version === 1 ? "" : idText(id),
    };
  }
  return null;
}

/** Returns a checksum as shown in errors: `0x1f2e3d4c`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function damaged(reason: string): HeaderFault {
  return { kind: "damaged", reason };
}

/** Returns a UUID as 16 bytes. */
function idBytes(id: string): Uint8Array {
  const digits = id.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function idText(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
