import { createGzip, createZstdCompress } from "node:zlib";
import type { Files } from "../host/mod.ts";

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Compresses a file as one member of gzip or one frame of zstd, a block at a time. `change` rewrites the text first, in
 * whole lines. The file appears complete or not at all.
 */
export async function compressFile(
  files: Files,
  from: string,
  to: { readonly path: string; readonly codec: "gzip" | "zstd"; readonly change?: (lines: string) => string },
): Promise<void> {
  const { path, codec, change = (lines: string) => lines } = to;
  const packer = codec === "gzip" ? createGzip() : createZstdCompress();
  const packed: Uint8Array[] = [];
  packer.on("data", (bytes: Uint8Array) => void packed.push(bytes));
  const ended = new Promise<void>((resolve, reject) => packer.once("end", resolve).once("error", reject));
  const input = await files.open(from, "read");
  const output = await files.open(`${path}.tmp`, "append");
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let at = 0;; at += BLOCK_BYTES) {
      const bytes = await input.readAt(at, BLOCK_BYTES);
      const isLast = bytes.length < BLOCK_BYTES;
      const text = rest + decoder.decode(bytes, { stream: !isLast });
      const end = isLast ? text.length : text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      const lines = change(text.slice(0, end));
      await new Promise<void>((resolve, reject) => packer.write(lines, (error) => error ? reject(error) : resolve()));
      for (const bytes of packed.splice(0)) await output.write(bytes);
      if (isLast) break;
    }
    packer.end();
    await ended;
    for (const bytes of packed) await output.write(bytes);
    await output.sync();
  } finally {
    await input.close();
    await output.close();
  }
  await files.rename(`${path}.tmp`, path);
  await files.syncDir(path.slice(0, path.lastIndexOf("/")));
}
