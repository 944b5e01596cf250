import { zstdDecompressSync } from "node:zlib";
import { Failure } from "../model/mod.ts";
import type { FileHandle, Files } from "../host/mod.ts";
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  blockChecksum,
  decodeBlockHeader,
  decodeEnd,
  END_BYTES,
  hex,
  type SealedEnd,
} from "./format.ts";

/** The bytes of a plain segment in order, from a plain or a sealed file. */
export interface ByteSource {
  /** Total bytes that may be read now. */
  totalBytes(): number;
  /** Reads the next bytes, at most `BLOCK_BYTES`, into a new buffer; null at the end. Throws `BlockDamage`. */
  read(): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

/** A block of a sealed segment is damaged. */
export class BlockDamage extends Error {
  override readonly name = "BlockDamage";
}

/** Opens a plain segment. `limit` is called before each read, so that a segment can be read while it grows. */
export async function openPlain(files: Files, path: string, limit: () => number): Promise<ByteSource> {
  const handle = await files.open(path, "read");
  let position = 0;
  return {
    totalBytes: limit,
    async read() {
      const length = Math.min(BLOCK_BYTES, limit() - position);
      if (length <= 0) return null;
      const bytes = await handle.readAt(position, length);
      if (bytes.length === 0) return null;
      position += bytes.length;
      return bytes;
    },
    close: () => handle.close(),
  };
}

/**
 * Opens a sealed segment, which is read block by block. Rejects with a `Failure` (`corrupt`) if its end frame is
 * missing.
 */
export async function openSealed(files: Files, path: string): Promise<ByteSource> {
  const end = await readSealedEnd(files, path);
  if (end === null) throw corruptEnd(path);
  const handle = await files.open(path, "read");
  let position = 0;
  let plain = 0;
  return {
    totalBytes: () => end.plainBytes,
    async read() {
      if (plain >= end.plainBytes) return null;
      const block = await readBlock(handle, position);
      position += block.fileBytes;
      plain += block.bytes.length;
      return block.bytes;
    },
    close: () => handle.close(),
  };
}

/** Reads the end frame of a sealed segment; null if it is missing or damaged, or there is no such file. */
export async function readSealedEnd(files: Files, path: string): Promise<SealedEnd | null> {
  const stat = await files.stat(path);
  if (stat === null) return null;
  const handle = await files.open(path, "read");
  try {
    return decodeEnd(await handle.readAt(Math.max(0, stat.bytes - END_BYTES), END_BYTES));
  } finally {
    await handle.close();
  }
}

/** Returns the failure of a sealed segment without a valid end frame. */
export function corruptEnd(path: string): Failure {
  return new Failure(
    "corrupt",
    `Cannot read segment ${path}: the frame that ends a sealed segment is missing; journal repair reads what is there`,
    {
      retry: false,
    },
  );
}

async function readBlock(
  handle: FileHandle,
  position: number,
): Promise<{ readonly bytes: Uint8Array; readonly fileBytes: number }> {
  const headerBytes = await handle.readAt(position, BLOCK_HEADER_BYTES);
  const header = decodeBlockHeader(headerBytes);
  if (header === null) throw new BlockDamage(`there is no block at byte ${position} of the file`);
  const compressed = await handle.readAt(position + BLOCK_HEADER_BYTES, header.compressedBytes);
  const found = blockChecksum(headerBytes, compressed);
  if (found !== header.crc) {
    throw new BlockDamage(
      `the checksum of the block at byte ${position} of the file is ${hex(found)}, expected ${hex(header.crc)}`,
    );
  }
  const bytes = zstdDecompressSync(compressed, { maxOutputLength: BLOCK_BYTES });
  if (bytes.length !== header.plainBytes) {
    throw new BlockDamage(`the block at byte ${position} of the file has ${bytes.length} bytes`);
  }
  return { bytes, fileBytes: BLOCK_HEADER_BYTES + header.compressedBytes };
}
