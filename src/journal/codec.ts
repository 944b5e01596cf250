/** Encodes and decodes records; `docs/journal.md` describes the layout. */
import { crc32 } from "node:zlib";
import {
  type CheckpointRecord,
  type DroppedRecord,
  Failure,
  type FrameRecord,
  type HttpRecord,
  type JournalRecord,
  type Offset,
  type OpenedRecord,
  type PlanRecord,
  unreachable,
} from "../model/mod.ts";
import { MARK_KIND, ordinalOf, RECORD_BODY_BYTES_MAX, recordHeaderBytes, type SegmentHeader } from "./format.ts";
import type { OpenSession } from "./open_sessions.ts";
import type { WriteBuffer } from "./write_buffer.ts";

const TEXT_FRAME = 0x01;
const BINARY_FRAME = 0x02;
const OPENED = 0x03;
const HTTP = 0x04;
const ACKED = 0x05;
const REJECTED = 0x06;
const CLOSED = 0x07;
/** Kind of a dropped record, which may replace several. */
export const DROPPED = 0x08;
/** Kind of a part of a checkpoint. */
export const CHECKPOINT = 0x09;
/** Kind of a plan. */
export const PLAN = 0x0a;
const CLOCK = 0x0b;
const STREAMS = 0x0c;
const STALLED = 0x0d;
const SHARE = 0x0e;
/** Most bytes of a frame's body besides its payload: kind and two varints of up to eight bytes. */
const FRAME_OVERHEAD = 17;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);

/** Records of format 1 name no plan. */
const NO_PLAN: { readonly planHash: string | null } = { planHash: null };
type Format1<T extends { readonly planHash: string | null }> = Omit<T, "planHash"> & Partial<Pick<T, "planHash">>;
/** Dropped records of format 1 replace no other records. */
const NO_OFFSETS: { readonly toOffset: Offset | null } = { toOffset: null };
type Format1Dropped = Omit<DroppedRecord, "toOffset"> & Partial<Pick<DroppedRecord, "toOffset">>;
/** Checkpoints of format 1 have one part. */
const ONLY_PART: Pick<CheckpointRecord, "part" | "last"> = { part: 0, last: true };

/** The JSON of a checkpoint's record. */
interface CheckpointFields {
  readonly kind: "checkpoint";
  readonly at: number;
  readonly part?: number;
  readonly last?: boolean;
  readonly openSessions: readonly OpenSession[];
}

/** Position of a record. */
export interface RecordPlace {
  readonly segment: SegmentHeader;
  readonly offset: Offset;
}

/** A decoded record; a checkpoint comes with the sessions that were open. */
export interface DecodedRecord {
  readonly record: JournalRecord;
  readonly openSessions: readonly OpenSession[];
}

/**
 * Encodes a record at the end of the buffer. A checkpoint is encoded with `encodeCheckpoint`. Throws a `Failure`
 * (`file`, no retry) and writes nothing if the record exceeds RECORD_BODY_BYTES_MAX.
 */
export function encodeRecord(buffer: WriteBuffer, record: JournalRecord, segment: SegmentHeader, offset: Offset): void {
  switch (record.kind) {
    case "frame":
      return encodeFrame(buffer, record, segment, offset);
    case "http": {
      const { body, ...rest } = record;
      return encodeOther(buffer, HTTP, rest, body, segment, offset);
    }
    case "opened":
      return encodeOther(buffer, OPENED, record, NO_BYTES, segment, offset);
    case "acked":
      return encodeOther(buffer, ACKED, record, NO_BYTES, segment, offset);
    case "streams":
      return encodeOther(buffer, STREAMS, record, NO_BYTES, segment, offset);
    case "rejected":
      return encodeOther(buffer, REJECTED, record, NO_BYTES, segment, offset);
    case "stalled":
      return encodeOther(buffer, STALLED, record, NO_BYTES, segment, offset);
    case "closed":
      return encodeOther(buffer, CLOSED, record, NO_BYTES, segment, offset);
    case "dropped":
      return encodeOther(buffer, DROPPED, record, NO_BYTES, segment, offset);
    case "share":
      return encodeOther(buffer, SHARE, record, NO_BYTES, segment, offset);
    case "clock":
      return encodeOther(buffer, CLOCK, record, NO_BYTES, segment, offset);
    case "plan": {
      const { body, ...rest } = record;
      return encodeOther(buffer, PLAN, rest, ENCODER.encode(body), segment, offset);
    }
    case "checkpoint":
      return encodeCheckpoint(buffer, record, { segment, offset, openSessions: [] });
    default:
      return unreachable(record);
  }
}

/** Encodes a part of a checkpoint; the first one carries the journal's own list of open sessions. */
export function encodeCheckpoint(
  buffer: WriteBuffer,
  record: CheckpointRecord,
  place: RecordPlace & { readonly openSessions: readonly OpenSession[] },
): void {
  const { segment, offset, openSessions } = place;
  const { state, ...rest } = record;
  encodeOther(buffer, CHECKPOINT, { ...rest, openSessions }, ENCODER.encode(state), segment, offset);
}

/** Whether a first body byte is the kind of a record or of a mark. */
export function isRecordKind(kind: number): boolean {
  return (kind >= TEXT_FRAME && kind <= SHARE) || kind === MARK_KIND;
}

/**
 * Decodes the body at `[start, end)`, whose CRC was checked. Payloads are views into `bytes`. Null if the body is not
 * one that this version writes.
 */
export function decodeBody(
  bytes: Uint8Array,
  range: { readonly start: number; readonly end: number },
  segment: SegmentHeader,
): DecodedRecord | null {
  const kind = bytes[range.start];
  if (kind === TEXT_FRAME || kind === BINARY_FRAME) {
    return { record: decodeFrame(bytes, range, segment), openSessions: [] };
  }
  if (range.end - range.start < 5) return null;
  const jsonStart = range.start + 5;
  const jsonLength = new DataView(bytes.buffer, bytes.byteOffset + range.start + 1, 4).getUint32(0, true);
  const jsonEnd = jsonStart + jsonLength;
  if (jsonEnd > range.end) return null;
  const fields: unknown = JSON.parse(DECODER.decode(bytes.subarray(jsonStart, jsonEnd)));
  return decodeOther(kind, fields, bytes.subarray(jsonEnd, range.end));
}

function encodeFrame(buffer: WriteBuffer, record: FrameRecord, segment: SegmentHeader, offset: Offset): void {
  const payload = record.payload;
  checkLength(payload.length + FRAME_OVERHEAD);
  const header = recordHeaderBytes(segment.version);
  buffer.reserve(header + FRAME_OVERHEAD + payload.length);
  const bytes = buffer.bytes;
  const start = buffer.at;
  let at = start + header;
  bytes[at++] = record.binary ? BINARY_FRAME : TEXT_FRAME;
  at = writeSigned(bytes, at, record.at - segment.createdAt);
  at = writeSigned(bytes, at, record.session - segment.firstOffset);
  bytes.set(payload, at);
  finishRecord(buffer, start, at + payload.length, header, offset);
}

function encodeOther(
  buffer: WriteBuffer,
  kind: number,
  fields: object,
  rest: Uint8Array,
  segment: SegmentHeader,
  offset: Offset,
): void {
  const header = recordHeaderBytes(segment.version);
  const json = ENCODER.encode(JSON.stringify(fields));
  const bodyLength = 5 + json.length + rest.length;
  checkLength(bodyLength);
  buffer.reserve(header + bodyLength);
  const start = buffer.at;
  const body = start + header;
  buffer.bytes[body] = kind;
  buffer.view.setUint32(body + 1, json.length, true);
  buffer.bytes.set(json, body + 5);
  buffer.bytes.set(rest, body + 5 + json.length);
  finishRecord(buffer, start, body + bodyLength, header, offset);
}

/** Writes the header of a record. Positional parameters, because an object would be an allocation per frame. */
function finishRecord(buffer: WriteBuffer, start: number, end: number, header: number, offset: Offset): void {
  buffer.view.setUint32(start + 4, end - start - header, true);
  if (header > 8) buffer.view.setUint16(start + 8, ordinalOf(offset), true);
  buffer.view.setUint32(start, crc32(buffer.bytes.subarray(start + 4, end)), true);
  buffer.at = end;
}

function checkLength(bodyLength: number): void {
  if (bodyLength <= RECORD_BODY_BYTES_MAX) return;
  throw new Failure(
    "file",
    `Cannot append to the journal: the record has ${bodyLength} bytes, at most ${RECORD_BODY_BYTES_MAX} are allowed`,
    { retry: false },
  );
}

function decodeFrame(
  bytes: Uint8Array,
  range: { readonly start: number; readonly end: number },
  segment: SegmentHeader,
): FrameRecord {
  const timeAt = range.start + 1;
  const sessionAt = timeAt + signedLength(bytes, timeAt);
  return {
    kind: "frame",
    session: segment.firstOffset + readSigned(bytes, sessionAt),
    at: segment.createdAt + readSigned(bytes, timeAt),
    binary: bytes[range.start] === BINARY_FRAME,
    payload: bytes.subarray(sessionAt + signedLength(bytes, sessionAt), range.end),
  };
}

/**
 * Returns a record from its JSON fields. `encodeRecord` wrote them from a typed record and their CRC was checked, so
 * the kind determines their type.
 */
function decodeOther(kind: number, fields: unknown, rest: Uint8Array): DecodedRecord | null {
  switch (kind) {
    case OPENED:
      return { record: { ...NO_PLAN, ...(fields as Format1<OpenedRecord>) }, openSessions: [] };
    case DROPPED:
      return { record: { ...NO_OFFSETS, ...(fields as Format1Dropped) }, openSessions: [] };
    case ACKED:
    case REJECTED:
    case CLOSED:
    case CLOCK:
    case STREAMS:
    case STALLED:
    case SHARE:
      return { record: fields as JournalRecord, openSessions: [] };
    case HTTP:
      return { record: { ...NO_PLAN, ...(fields as Format1<Omit<HttpRecord, "body">>), body: rest }, openSessions: [] };
    case CHECKPOINT: {
      const { openSessions, ...head } = fields as CheckpointFields;
      const record: CheckpointRecord = { ...ONLY_PART, ...head, state: DECODER.decode(rest) };
      return { record, openSessions };
    }
    case PLAN:
      return { record: { ...(fields as Omit<PlanRecord, "body">), body: DECODER.decode(rest) }, openSessions: [] };
    default:
      return null;
  }
}

/** Writes an integer below 2^53 as sign and magnitude. */
function writeSigned(bytes: Uint8Array, at: number, value: number): number {
  let rest = value < 0 ? -value : value;
  let low = rest & 0x3f;
  rest = (rest - low) / 64;
  bytes[at++] = (value < 0 ? 0x40 : 0) | (rest > 0 ? 0x80 : 0) | low;
  while (rest > 0) {
    low = rest & 0x7f;
    rest = (rest - low) / 128;
    bytes[at++] = rest > 0 ? low | 0x80 : low;
  }
  return at;
}

function signedLength(bytes: Uint8Array, at: number): number {
  let length = 1;
  while ((bytes[at + length - 1] & 0x80) !== 0) length++;
  return length;
}

function readSigned(bytes: Uint8Array, at: number): number {
  let byte = bytes[at];
  const negative = (byte & 0x40) !== 0;
  let value = byte & 0x3f;
  let scale = 64;
  while ((byte & 0x80) !== 0) {
    byte = bytes[++at];
    value += (byte & 0x7f) * scale;
    scale *= 128;
  }
  return negative ? -value : value;
}
