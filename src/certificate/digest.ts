import { createHash } from "node:crypto";
import type { Files } from "../host/mod.ts";
import type { Pause } from "../lake/mod.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Returns the SHA-256 of the first bytes of a file, of all where `limit` is not given, and how many there were. */
export async function digestFile(
  files: Files,
  path: string,
  { limit = Infinity, pause }: { readonly limit?: number; readonly pause: Pause },
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  const handle = await files.open(path, "read");
  let bytes = 0;
  try {
    while (bytes < limit) {
      const wanted = Math.min(BLOCK_BYTES, limit - bytes);
      const block = await handle.readAt(bytes, wanted);
      hash.update(block);
      bytes += block.length;
      if (block.length < wanted) break;
      await pause();
    }
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}
