import {
  Failure,
  JOURNAL_CHECKPOINT_BYTES_MAX,
  type JournalRecord,
  type Micros,
  type Offset,
  type PlanRecord,
} from "../model/mod.ts";
import { encodeCheckpoint, encodeRecord } from "./codec.ts";
import { encodeHeader, type SegmentHeader } from "./format.ts";
import type { OpenSession } from "./open_sessions.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** The bytes with which a segment begins. */
export interface SegmentHead {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  /** Offset after its records. */
  readonly nextOffset: Offset;
}

/**
 * Encodes header, plans and checkpoint. Throws a `Failure` where a part, or all of it, is larger than it may be, and
 * whatever the checkpoint throws.
 */
export function encodeHead(
  header: SegmentHeader,
  content: {
    readonly at: Micros;
    readonly plans: readonly PlanRecord[];
    readonly openSessions: readonly OpenSession[];
    readonly parts: Iterable<string>;
  },
): SegmentHead {
  const { at, plans, openSessions } = content;
  const out = new WriteBuffer();
  out.push(encodeHeader(header));
  let offset = header.firstOffset;
  for (const plan of plans) encodeRecord(out, plan, header, offset++);
  let part = 0;
  // A part is written when it is known whether another one follows.
  let waiting: string | null = null;
  const write = (state: string, last: boolean): void => {
    const record = { kind: "checkpoint", at, part, last, state } as const;
    encodeCheckpoint(out, record, { segment: header, offset, openSessions: part === 0 ? openSessions : [] });
    part++;
    offset++;
    if (out.size <= JOURNAL_CHECKPOINT_BYTES_MAX) return;
    throw new Failure("file", `the checkpoint has more than ${JOURNAL_CHECKPOINT_BYTES_MAX} bytes`, { retry: false });
  };
  for (const state of content.parts) {
    if (waiting !== null) write(waiting, false);
    waiting = state;
  }
  write(waiting ?? "", true);
  const bytes = out.size;
  return { chunks: out.take(), bytes, nextOffset: offset };
}

/** Encodes a segment that holds one record and no checkpoint, to stand for segments that are gone. */
export function encodeStandIn(header: SegmentHeader, record: JournalRecord): readonly Uint8Array[] {
  const out = new WriteBuffer();
  out.push(encodeHeader(header));
  encodeRecord(out, record, header, header.firstOffset);
  return out.take();
}
