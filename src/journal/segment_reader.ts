import { crc32 } from "node:zlib";
import { Failure, joinBytes, type JournalRecord, type Offset } from "../model/mod.ts";
import { BlockDamage, type ByteSource } from "./byte_source.ts";
import { CHECKPOINT, decodeBody, type DecodedRecord, DROPPED, PLAN } from "./codec.ts";
import {
  decodeHeader,
  decodeMark,
  HEADER_BYTES_MAX,
  headerBytes,
  type HeaderFault,
  hex,
  isHeaderFault,
  MARK_KIND,
  ordinalOf,
  RECORD_BODY_BYTES_MAX,
  recordHeaderBytes,
  type SegmentHeader,
} from "./format.ts";
import type { OpenSession } from "./open_sessions.ts";

/** A record with its offset. */
export interface JournalEntry {
  readonly offset: Offset;
  readonly record: JournalRecord;
}

/** Where and why a segment becomes unreadable. */
export interface SegmentFault {
  /** Position of the first bad record in the plain segment, in bytes. */
  readonly byte: number;
  /** Offset that this record would have. */
  readonly offset: Offset;
  /** What is wrong, for use after a colon. */
  readonly reason: string;
  /** Kind of the header's fault; null if the header is good. */
  readonly header: HeaderFault["kind"] | null;
}

/** Reads the records of one segment, checking every CRC. */
export class SegmentReader {
  readonly #source: ByteSource;
  readonly #firstOffset: Offset;
  readonly #from: Offset;
  #header: SegmentHeader | null = null;
  /** Bytes before a record's body in this segment. */
  #recordHeader = recordHeaderBytes(1);
  /** Bytes of the head: header, plans and checkpoint. */
  #headBytes = 0;
  #isInHead = true;
  #isHeadWhole = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #position = 0;
  #nextOffset: Offset;
  #openSessions: readonly OpenSession[] = [];
  #fault: SegmentFault | null = null;
  #endsWithMark = false;

  /** `firstOffset` is that of the file's name. Records below `from` are checked, but not decoded or returned. */
  constructor(source: ByteSource, options: { readonly firstOffset: Offset; readonly from?: Offset }) {
    this.#source = source;
    this.#firstOffset = options.firstOffset;
    this.#nextOffset = options.firstOffset;
    this.#from = options.from ?? 0;
  }

  /** Null until the first call of `next`, and if the header is bad. */
  get header(): SegmentHeader | null {
    return this.#header;
  }

  /** Bytes of the plain segment read and found good. */
  get position(): number {
    return this.#position;
  }

  /** Offset of the record at `position`. */
  get nextOffset(): Offset {
    return this.#nextOffset;
  }

  /** Bytes of the segment's head: header, plans and checkpoint. */
  get headBytes(): number {
    return this.#headBytes;
  }

  /** Whether the segment ends within its head. */
  get isHeadTorn(): boolean {
    return this.#isInHead && !this.#isHeadWhole;
  }

  /** Open sessions in the segment's checkpoint. */
  get openSessions(): readonly OpenSession[] {
    return this.#openSessions;
  }

  /** Whether a mark was read last, so that every record before it was synced. */
  get endsWithMark(): boolean {
    return this.#endsWithMark;
  }

  /** The fault that stopped the reader; null if there is none. */
  get fault(): SegmentFault | null {
    return this.#fault;
  }

  /**
   * Reads the next records, a bounded number; null at the end of what may be read now, or at a fault. After null
   * without a fault it may be called again when the segment has grown.
   */
  async next(): Promise<readonly JournalEntry[] | null> {
    try {
      while (this.#fault === null && await this.#fill()) {
        const entries = this.#parse();
        if (entries.length > 0) return entries;
      }
    } catch (error) {
      if (!(error instanceof BlockDamage)) throw error;
      this.#fail(error.message);
    }
    return null;
  }

  /** Reads until it is known whether the head is torn, and skips the records on the way. */
  async skipHead(): Promise<void> {
    while (this.#fault === null && this.#isInHead && await this.#fill()) this.#parse();
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** Reads until the whole next record is available; false at the end, or if the rest cannot be a record. */
  async #fill(): Promise<boolean> {
    const rest = this.#source.totalBytes() - this.#position;
    if (rest <= 0 && this.#header !== null) return false;
    if (this.#header === null) return await this.#readHeader(rest);
    if (rest < this.#recordHeader) return this.#fail(`${rest} bytes are no record`);
    if (!await this.#gather(this.#recordHeader)) return this.#fail("the file ends early");
    const length = this.#uint32(this.#at + 4);
    if (length > RECORD_BODY_BYTES_MAX) return this.#fail(`the record's length is ${length} bytes`);
    const whole = this.#recordHeader + length;
    if (whole > rest) return this.#fail(`the record has ${whole} bytes, ${rest} are left`);
    return await this.#gather(whole) || this.#fail("the file ends early");
  }

  async #readHeader(rest: number): Promise<boolean> {
    if (rest > 0) await this.#gather(Math.min(rest, HEADER_BYTES_MAX));
    const header = decodeHeader(this.#bytes.subarray(this.#at, this.#at + HEADER_BYTES_MAX));
    if (isHeaderFault(header)) return this.#fail(header.reason, header.kind);
    if (header.firstOffset !== this.#firstOffset) {
      return this.#fail(`the header says that the first offset is ${header.firstOffset}`, "damaged");
    }
    this.#header = header;
    this.#recordHeader = recordHeaderBytes(header.version);
    this.#at += headerBytes(header.version);
    this.#position = headerBytes(header.version);
    this.#headBytes = this.#position;
    return await this.#fill();
  }

  /** Reads until `count` bytes are available. */
  async #gather(count: number): Promise<boolean> {
    let have = this.#bytes.length - this.#at;
    if (have >= count) return true;
    const parts = [this.#bytes.subarray(this.#at)];
    while (have < count) {
      const part = await this.#source.read();
      if (part === null) break;
      parts.push(part);
      have += part.length;
    }
    this.#bytes = parts.length === 2 && parts[0].length === 0 ? parts[1] : joinBytes(parts);
    this.#at = 0;
    return have >= count;
  }

  /** Decodes every complete record available. */
  #parse(): readonly JournalEntry[] {
    const header = this.#header;
    const entries: JournalEntry[] = [];
    while (header !== null && this.#bytes.length - this.#at >= this.#recordHeader) {
      const end = this.#at + this.#recordHeader + this.#uint32(this.#at + 4);
      if (end > this.#bytes.length) break;
      if (!this.#parseRecord(header, end, entries)) break;
      this.#position += end - this.#at;
      this.#at = end;
    }
    return entries;
  }

  #parseRecord(header: SegmentHeader, end: number, entries: JournalEntry[]): boolean {
    const bytes = this.#bytes;
    const expected = this.#uint32(this.#at);
    const found = crc32(bytes.subarray(this.#at + 4, end));
    if (found !== expected) {
      return this.#fail(`the record's checksum is ${hex(found)}, expected ${hex(expected)}`);
    }
    const body = this.#at + this.#recordHeader;
    if (body === end) return this.#fail("the record is empty");
    const kind = bytes[body];
    if (kind === MARK_KIND) return this.#checkMark(header, end);
    if (!this.#checkOrdinal(header)) return false;
    const isHead = this.#isInHead && (kind === CHECKPOINT || kind === PLAN);
    this.#endsWithMark = false;
    if (!isHead) this.#isInHead = false;
    if (this.#nextOffset < this.#from && !isHead && kind !== DROPPED) {
      this.#nextOffset++;
      return true;
    }
    const decoded = decodeBody(bytes, { start: body, end }, header);
    if (decoded === null) return this.#fail(`the record's kind is ${kind}, which is not known`);
    const { record } = decoded;
    if (isHead) this.#followHead(decoded, this.#position + end - this.#at);
    if (this.#nextOffset >= this.#from) entries.push({ offset: this.#nextOffset, record });
    this.#nextOffset = record.kind === "dropped" && record.toOffset !== null ? record.toOffset : this.#nextOffset + 1;
    return true;
  }

  /** Notes a record of the segment's head, which ends at byte `end`. */
  #followHead({ record, openSessions }: DecodedRecord, end: number): void {
    this.#headBytes = end;
    if (record.kind !== "checkpoint") return;
    if (record.part === 0) this.#openSessions = openSessions;
    this.#isHeadWhole = record.last;
    if (record.last) this.#isInHead = false;
  }

  #checkOrdinal({ version }: SegmentHeader): boolean {
    if (version === 1) return true;
    const ordinal = this.#bytes[this.#at + 8] | this.#bytes[this.#at + 9] << 8;
    const expected = ordinalOf(this.#nextOffset);
    return ordinal === expected || this.#fail(`the record's ordinal is ${ordinal}, expected ${expected}`);
  }

  #checkMark(header: SegmentHeader, end: number): boolean {
    const mark = decodeMark(this.#bytes.subarray(this.#at, end), header.version);
    const stands = mark !== null && mark.firstOffset === header.firstOffset && mark.position === this.#position &&
      mark.nextOffset === this.#nextOffset;
    this.#endsWithMark = stands;
    return stands || this.#fail("a mark does not stand where it was written");
  }

  #uint32(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
  }

  /** Notes the fault and returns false. */
  #fail(reason: string, header: HeaderFault["kind"] | null = null): false {
    this.#fault = { byte: this.#position, offset: this.#nextOffset, reason, header };
    return false;
  }
}

/** Returns the failure of a segment that is damaged, with name, byte and offset, or has an unknown format. */
export function corruptSegment(name: string, fault: SegmentFault): Failure {
  const damage = `damaged at byte ${fault.byte}, offset ${fault.offset}: ${fault.reason}; ${REPAIR_HINT}`;
  const what = fault.header === "newer" ? fault.reason : damage;
  return new Failure("corrupt", `Cannot read segment ${name}: ${what}`, { retry: false });
}

/** Advice about damage, for the end of a failure's text. */
export const REPAIR_HINT = "journal repair sets damage aside and tells it as a gap";
