import type { Files } from "../host/mod.ts";
import { Failure, type Offset } from "../model/mod.ts";
import { openPlain, openSealed } from "./byte_source.ts";
import type { SegmentHeader } from "./format.ts";
import { plainName, sealedName } from "./names.ts";
import { SegmentReader } from "./segment_reader.ts";

/** One segment of the journal, in the writer's view. */
export interface Segment extends SegmentHeader {
  /** Bytes of its head (header, plans and checkpoint), which do not count for rolling; 0 until it is written. */
  headBytes: number;
  /** Whether it is compressed, and the plain file deleted or about to be. */
  sealed: boolean;
  /** Bytes of the plain segment that are synced. */
  syncedBytes: number;
  /** Bytes of the plain segment, buffered ones included. */
  plannedBytes: number;
  /** Bytes on disk. */
  fileBytes: number;
  /** Offset after its last record, buffered ones included. */
  nextOffset: Offset;
}

/** Attempts to open a segment that is sealed or deleted between check and opening. */
const OPEN_ATTEMPTS = 3;

/** Returns the present name of a segment. */
export function segmentName(segment: { readonly firstOffset: Offset; readonly sealed: boolean }): string {
  return segment.sealed ? sealedName(segment.firstOffset) : plainName(segment.firstOffset);
}

/**
 * Opens a segment for reading: the plain file if it exists, because it is deleted only after the sealed one is
 * complete; otherwise the sealed one. Null if there is neither. `limit` bounds reading of a plain file; null: its
 * present size.
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

/** Reads a segment to its end, which checks every CRC, and closes the reader. */
export async function checkSegment(reader: SegmentReader): Promise<void> {
  try {
    while (await reader.next() !== null);
  } finally {
    await reader.close();
  }
}
