import {
  Failure,
  joinBytes,
  JOURNAL_CHECKPOINT_BYTES_MAX,
  type JournalRecord,
  type Micros,
  type Offset,
  type PlanRecord,
} from "../model/mod.ts";
import { encodeCheckpoint, encodeRecord } from "./codec.ts";
import { encodeHeader, type SegmentHeader } from "./format.ts";
import type { CheckpointParts } from "./journal.ts";
import type { OpenSession } from "./open_sessions.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** Bytes of an ordinary chunk of a head. */
const HEAD_CHUNK_BYTES = 64 * 1024;

/** Content of a segment's head. */
export interface HeadContent {
  readonly at: Micros;
  readonly plans: readonly PlanRecord[];
  readonly openSessions: readonly OpenSession[];
  readonly parts: CheckpointParts;
  /** Called if a part cannot be created. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * The head of a segment: header, plans and checkpoint. Parts of the checkpoint are created as they are read. Created
 * chunks are kept, so that the head can be written again. If a part cannot be created, it and all later ones are empty,
 * and readers begin at an earlier segment.
 */
export class SegmentHead implements Iterable<Uint8Array> {
  /** Offset after its records. */
  readonly nextOffset: Offset;
  /** Bytes of the chunks created so far. */
  bytes = 0;
  readonly #header: SegmentHeader;
  readonly #content: HeadContent;
  readonly #made: Uint8Array[] = [];
  readonly #rest: Iterator<Uint8Array>;

  /** Throws a `Failure` if the checkpoint exceeds JOURNAL_CHECKPOINT_BYTES_MAX. */
  constructor(header: SegmentHeader, content: HeadContent) {
    const { plans, parts } = content;
    if ((parts.chars ?? 0) > JOURNAL_CHECKPOINT_BYTES_MAX) {
      throw new Failure("file", `the checkpoint has more than ${JOURNAL_CHECKPOINT_BYTES_MAX} bytes`, { retry: false });
    }
    this.nextOffset = header.firstOffset + plans.length + Math.max(1, parts.length);
    this.#header = header;
    this.#content = content;
    this.#rest = this.#encode();
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    yield* this.#made;
    for (let next = this.#rest.next(); next.done !== true; next = this.#rest.next()) {
      this.#made.push(next.value);
      this.bytes += next.value.length;
      yield next.value;
    }
  }

  *#encode(): Generator<Uint8Array, void, undefined> {
    const { at, plans, openSessions, parts, onBroken } = this.#content;
    const segment = this.#header;
    const out = new WriteBuffer(HEAD_CHUNK_BYTES);
    out.push(encodeHeader(segment));
    let offset = segment.firstOffset;
    for (const plan of plans) encodeRecord(out, plan, segment, offset++);
    const count = Math.max(1, parts.length);
    const states = parts[Symbol.iterator]();
    let isBroken = false;
    for (let part = 0; part < count; part++, offset++) {
      const write = (state: string): void => {
        const record = { kind: "checkpoint", at, part, last: part === count - 1, state } as const;
        encodeCheckpoint(out, record, { segment, offset, openSessions: part === 0 ? openSessions : [] });
      };
      try {
        const next = isBroken ? null : states.next();
        write(next === null || next.done === true ? "" : next.value);
      } catch (error) {
        isBroken = true;
        onBroken(error);
        write("");
      }
      yield joined(out);
    }
  }
}

/** Returns the encoded bytes as one chunk of exact length, and empties the buffer. */
function joined(out: WriteBuffer): Uint8Array {
  const chunks = out.drain();
  const bytes = joinBytes(chunks);
  out.recycle(chunks);
  return bytes;
}

/** Encodes a stand-in for missing segments: one record and no checkpoint. */
export function encodeStandIn(header: SegmentHeader, record: JournalRecord): readonly Uint8Array[] {
  const out = new WriteBuffer(HEAD_CHUNK_BYTES);
  out.push(encodeHeader(header));
  encodeRecord(out, record, header, header.firstOffset);
  return out.drain();
}
