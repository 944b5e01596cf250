import { constants } from "node:zlib";
import type { Compressor, Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import { type ByteSource, openPlain } from "./byte_source.ts";
import { encodeBlockHeader, encodeEnd } from "./format.ts";
import { plainName, sealedName, temporaryName } from "./names.ts";
import { checkSegment, type Segment } from "./segment.ts";
import { corruptSegment, SegmentReader } from "./segment_reader.ts";

/**
 * Compression parameters of sealed segments: the tables of level 3 with the search of higher levels (`lazy2`). This
 * compresses recorded frames to 15 %, where level 3 gives 17 %, for 2.4 times its CPU; level 5 compresses less for the
 * same CPU, and larger blocks gain nothing.
 */
export const SEAL_PARAMS: Readonly<Record<number, number>> = {
  [constants.ZSTD_c_compressionLevel]: 3,
  [constants.ZSTD_c_strategy]: constants.ZSTD_lazy2,
};

/** A compressed segment that does not replace its plain file yet. */
export interface SealedCopy {
  readonly bytes: number;
  /** Replaces the plain file by the copy. */
  readonly place: () => Promise<void>;
  /** Deletes the copy. */
  readonly discard: () => Promise<void>;
}

/**
 * Compresses a segment that is no longer written, block by block into a temporary file, which is synced. Checks every
 * record, so that damage is never sealed. Resolves with the copy, or null if the signal aborted it. Rejects with a
 * `Failure` (`corrupt`, `file`, `disk_full`). The plain file is kept until the copy is placed.
 */
export async function sealSegment(
  files: Files,
  dir: string,
  options: { readonly segment: Segment; readonly compressor: Compressor; readonly signal: AbortSignal },
): Promise<SealedCopy | null> {
  const { segment, compressor, signal } = options;
  const temporary = `${dir}/${temporaryName(segment.firstOffset)}`;
  await files.remove(temporary);
  const bytes = await writeSealed(files, dir, { segment, compressor, signal, temporary }).catch((error) =>
    removeHalf(files, temporary, error)
  );
  const discard = () => files.remove(temporary);
  if (bytes === null) {
    await discard();
    return null;
  }
  return {
    bytes,
    discard,
    async place() {
      await files.rename(temporary, `${dir}/${sealedName(segment.firstOffset)}`);
      await files.syncDir(dir);
      segment.sealed = true;
      await files.remove(`${dir}/${plainName(segment.firstOffset)}`);
      await files.syncDir(dir);
    },
  };
}

/** Removes the incomplete file, because its space may be what is missing. If that fails, the next start removes it. */
async function removeHalf(files: Files, temporary: string, error: unknown): Promise<never> {
  try {
    await files.remove(temporary);
  } catch (cause) {
    if (!(error instanceof Failure && cause instanceof Failure)) throw cause;
    throw new Failure(error.code, `${error.message}; ${cause.message}`, { cause: error, retry: error.retry });
  }
  throw error;
}

async function writeSealed(
  files: Files,
  dir: string,
  options: {
    readonly segment: Segment;
    readonly compressor: Compressor;
    readonly signal: AbortSignal;
    readonly temporary: string;
  },
): Promise<number | null> {
  const { segment, compressor, signal, temporary } = options;
  const plain = await openPlain(files, `${dir}/${plainName(segment.firstOffset)}`, () => segment.syncedBytes);
  let written = 0;
  const output = await files.open(temporary, "append").catch(async (error) => {
    await plain.close();
    throw error;
  });
  try {
    const compressing: ByteSource = {
      totalBytes: plain.totalBytes,
      close: plain.close,
      async read() {
        const bytes = signal.aborted ? null : await plain.read();
        if (bytes === null) return null;
        const compressed = await compressor.zstd(bytes, SEAL_PARAMS);
        const header = encodeBlockHeader(compressed, bytes.length);
        await output.write(header);
        await output.write(compressed);
        written += header.length + compressed.length;
        return bytes;
      },
    };
    const reader = new SegmentReader(compressing, { firstOffset: segment.firstOffset, from: segment.nextOffset });
    await checkSegment(reader);
    if (signal.aborted) return null;
    if (reader.fault !== null) throw corruptSegment(plainName(segment.firstOffset), reader.fault);
    if (reader.nextOffset !== segment.nextOffset) {
      throw new Failure(
        "corrupt",
        `Cannot seal segment ${plainName(segment.firstOffset)}: it ends before offset ${reader.nextOffset}, ` +
          `expected ${segment.nextOffset}`,
        { retry: false },
      );
    }
    const end = encodeEnd({
      plainBytes: reader.position,
      firstOffset: segment.firstOffset,
      nextOffset: segment.nextOffset,
      createdAt: segment.createdAt,
      version: segment.version,
      journal: segment.journal,
    });
    await output.write(end);
    await output.sync();
    return written + end.length;
  } finally {
    await output.close();
  }
}
