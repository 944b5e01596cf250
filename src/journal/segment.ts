import type { Files } from "../host/mod.ts";
import { Failure, type Offset } from "../model/mod.ts";
import { openPlain, openSealed } from "./byte_source.ts";
import type { SegmentHeader } from "./format.ts";
import { plainName, sealedName } from "./names.ts";
import { SegmentReader } from "./segment_reader.ts";

/** One file of the journal, as the writer knows it. */
export interface Segment extends SegmentHeader {
  /** Bytes of the header, the plans and the checkpoint that it begins with, which do not count for rolling; 0 until they are written. */
  headBytes: number;
  /** Whether it is compressed and the plain file is gone or about to be. */
  sealed: boolean;
  /** Bytes of the plain segment that are synced. */
  syncedBytes: number;
  /** Bytes of the plain segment with what is buffered. */
  plannedBytes: number;
  /** Bytes it takes on disk. */
  fileBytes: number;
  /** Offset after its last record, buffered ones included. */
  nextOffset: Offset;
}

/** How often opening is tried again when a segment is sealed or deleted between looking and opening. */
const OPEN_ATTEMPTS = 3;

/** The name a segment has now. */
export function segmentName(segment: { readonly firstOffset: Offset; readonly sealed: boolean }): string {
  return segment.sealed ? sealedName(segment.firstOffset) : plainName(segment.firstOffset);
}

/**
 * Opens a segment for reading: the plain file where it is there, as it is deleted only after the sealed one is whole;
 * the sealed one else. Null where there is neither. `limit` bounds what is read of a plain file; null: all that it has
 * at this moment.
 */
export async function openSegment(
  files: Files,
  dir: string,
  options: { readonly firstOffset: Offset; readonly from?: Offset; readonly limit: (() => number) | null },
): Promise<SegmentReader | null> {
  const plain = `${dir}/${plainName(options.firstOffset)}`;
  const sealed = `${dir}/${sealedName(options.firstOffset)}`;
  for (let attempt = 1;; attempt++) {
    try {
      const plainStat = await files.stat(plain);
      if (plainStat !== null) {
        const limit = options.limit ?? (() => plainStat.bytes);
        return new SegmentReader(await openPlain(files, plain, limit), options);
      }
      if (await files.stat(sealed) === null) return null;
      return new SegmentReader(await openSealed(files, sealed), options);
    } catch (error) {
      const mayHaveMoved = error instanceof Failure && error.code === "file" && attempt < OPEN_ATTEMPTS;
      if (!mayHaveMoved) throw error;
    }
  }
}

/** Reads a segment to its end without decoding it, so that every CRC is checked; the reader is closed. */
export async function checkSegment(reader: SegmentReader): Promise<void> {
  try {
    while (await reader.next() !== null);
  } finally {
    await reader.close();
  }
}
