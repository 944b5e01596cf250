/**
 * The journal on disk.
 *
 * A journal is a folder: `<first offset, 16 digits>.journal` is a plain segment, the same name with `.zst` a sealed one,
 * `cursors/<reader>.json` a reader's position, `lock` and `holder` say who writes. All integers are little-endian.
 *
 * ```
 * segment  = header  batch*
 * header   = magic "CCJRNL1\n" (8)  crc32 (4)  version u32  first offset u64  created at, µs u64          32 bytes
 *            (the CRC covers everything after itself)
 * batch    = [mark]  record*            the first batch has no mark: the header stands for it
 * record   = crc32 (4)  length u32  body            length: bytes of the body; the CRC covers length and body
 * mark     = a record with the body  0x10 "CCJMARK"  first offset u64  position u64  next offset u64      40 bytes
 * body     = 0x01 | 0x02  at  session  payload      a text or binary frame
 *          | kind  json length u32  json  bytes     any other record; bytes: a body (http), a state (checkpoint)
 * at       = signed varint of (at − created at of the segment)
 * session  = signed varint of (session − first offset of the segment)
 * varint   = first byte: continuation (0x80), sign (0x40), 6 bits; then 7 bits a byte, lowest first
 * ```
 *
 * A record's offset is not written: it is the first offset plus the number of records before it. Marks take none. The
 * first record of a segment is a checkpoint, whose JSON also lists the sessions that were open when it was written.
 *
 * A batch is what one group commit wrote. A batch is begun only after the one before it was synced, and a segment only
 * after the one before it was. So a broken record that a valid mark, or a later segment, follows was damaged after it
 * was safe, and is refused; a broken record in the last batch is a torn tail, and is cut. A mark carries its own
 * position and segment, so bytes inside of a payload are not mistaken for one.
 *
 * A sealed segment is a sequence of zstd frames (RFC 8878) that any zstd tool expands to the plain segment. Each is
 * preceded by a skippable frame with its sizes, and a last skippable frame says that the file is whole:
 *
 * ```
 * sealed   = block*  end
 * block    = 0x184D2A50 u32  12 u32  crc32  compressed bytes u32  plain bytes u32  zstd frame
 *            (the CRC covers everything after itself, the zstd frame included)
 * end      = 0x184D2A51 u32  36 u32  crc32  plain bytes u64  first offset u64  next offset u64  created at u64  44 bytes
 * ```
 */
import { crc32 } from "node:zlib";
import type { Micros, Offset } from "../model/mod.ts";

/** Version of the format that is written and read. */
export const FORMAT_VERSION = 1;
/** Bytes of a segment's header. */
export const HEADER_BYTES = 32;
/** Bytes before a record's body: CRC and length. */
export const RECORD_HEADER_BYTES = 8;
/** Bytes of a mark with its record header. */
export const MARK_BYTES = 40;
/** Longest body of a record in bytes; appending a longer one fails, and a longer one on disk is damage. */
export const RECORD_BODY_BYTES_MAX = 256 * 1024 * 1024;
/** Plain bytes that are read, or compressed, at once. */
export const BLOCK_BYTES = 512 * 1024;
/** Bytes before a zstd frame in a sealed segment. */
export const BLOCK_HEADER_BYTES = 20;
/** Bytes of the frame that ends a sealed segment. */
export const END_BYTES = 44;

const HEADER_MAGIC = new TextEncoder().encode("CCJRNL1\n");
/** First body byte of a mark; greater than every kind of record. */
export const MARK_KIND = 0x10;
/** How a mark's body begins. */
export const MARK_MAGIC: Uint8Array = new TextEncoder().encode("\u0010CCJMARK");
const BLOCK_MAGIC = 0x184d2a50;
const END_MAGIC = 0x184d2a51;

/** What a segment's header says. */
export interface SegmentHeader {
  readonly firstOffset: Offset;
  /** When it was begun; times of its frames are relative to it. */
  readonly createdAt: Micros;
}

/** What a mark says about where it stands. */
export interface Mark {
  readonly firstOffset: Offset;
  /** Its own byte in the plain segment. */
  readonly position: number;
  /** Offset of the record after it. */
  readonly nextOffset: Offset;
}

/** What the end of a sealed segment says about the plain one. */
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
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(HEADER_MAGIC, 0);
  view.setUint32(12, FORMAT_VERSION, true);
  setUint53(view, 16, header.firstOffset);
  setUint53(view, 24, header.createdAt);
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

/** Reads a segment's header; a text says what is wrong with it. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | string {
  if (bytes.length < HEADER_BYTES) return `the header has ${bytes.length} of ${HEADER_BYTES} bytes`;
  for (let i = 0; i < HEADER_MAGIC.length; i++) {
    if (bytes[i] !== HEADER_MAGIC[i]) return "the header does not begin as a journal segment does";
  }
  const view = viewOf(bytes);
  const expected = view.getUint32(8, true);
  const found = crc32(bytes.subarray(12, HEADER_BYTES));
  if (found !== expected) return `the header's checksum is ${hex(found)}, expected ${hex(expected)}`;
  const version = view.getUint32(12, true);
  if (version !== FORMAT_VERSION) return `the format's version is ${version}, expected ${FORMAT_VERSION}`;
  return { firstOffset: getUint53(view, 16), createdAt: getUint53(view, 24) };
}

/** Encodes a mark with its record header. */
export function encodeMark(mark: Mark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  const view = viewOf(bytes);
  view.setUint32(4, MARK_BYTES - RECORD_HEADER_BYTES, true);
  bytes.set(MARK_MAGIC, RECORD_HEADER_BYTES);
  setUint53(view, 16, mark.firstOffset);
  setUint53(view, 24, mark.position);
  setUint53(view, 32, mark.nextOffset);
  view.setUint32(0, crc32(bytes.subarray(4)), true);
  return bytes;
}

/** Reads a mark from its record; null where the bytes are not one. The record's CRC is checked. */
export function decodeMark(record: Uint8Array): Mark | null {
  if (record.length !== MARK_BYTES) return null;
  const view = viewOf(record);
  if (view.getUint32(4, true) !== MARK_BYTES - RECORD_HEADER_BYTES) return null;
  for (let i = 0; i < MARK_MAGIC.length; i++) {
    if (record[RECORD_HEADER_BYTES + i] !== MARK_MAGIC[i]) return null;
  }
  if (crc32(record.subarray(4)) !== view.getUint32(0, true)) return null;
  return { firstOffset: getUint53(view, 16), position: getUint53(view, 24), nextOffset: getUint53(view, 32) };
}

/** Encodes what stands before a zstd frame of a sealed segment. */
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

/** Reads what stands before a zstd frame; null where the bytes are not that. */
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

/** The checksum that a block's header has to carry. */
export function blockChecksum(headerBytes: Uint8Array, compressed: Uint8Array): number {
  return crc32(compressed, crc32(headerBytes.subarray(12, BLOCK_HEADER_BYTES)));
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
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

/** Reads the frame that ends a sealed segment; null where the bytes are not that. */
export function decodeEnd(bytes: Uint8Array): SealedEnd | null {
  if (bytes.length !== END_BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== END_MAGIC || view.getUint32(4, true) !== END_BYTES - 8) return null;
  if (crc32(bytes.subarray(12)) !== view.getUint32(8, true)) return null;
  return {
    plainBytes: getUint53(view, 12),
    firstOffset: getUint53(view, 20),
    nextOffset: getUint53(view, 28),
    createdAt: getUint53(view, 36),
  };
}

/** A checksum as errors show it: `0x1f2e3d4c`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
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
