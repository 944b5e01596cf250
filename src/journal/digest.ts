import { createHash } from "node:crypto";
import type { FileHandle, Files } from "../host/mod.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Returns the SHA-256 and the size of a file. `pause` is called after each block. */
export async function digestOf(
  files: Files,
  path: string,
  pause?: () => Promise<void>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  await eachBlock(files, path, async (block) => {
    hash.update(block);
    bytes += block.length;
    await pause?.();
  });
  return { bytes, sha256: hash.digest("hex") };
}

/** Calls `visit` with the bytes of a file, block by block. */
export async function eachBlock(
  files: Files,
  path: string,
  visit: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const handle: FileHandle = await files.open(path, "read");
  try {
    for (let at = 0;; at += BLOCK_BYTES) {
      const bytes = await handle.readAt(at, BLOCK_BYTES);
      if (bytes.length > 0) await visit(bytes);
      if (bytes.length < BLOCK_BYTES) return;
    }
  } finally {
    await handle.close();
  }
}
