import { callFile } from "./file_failure.ts";
import type { FileHandle } from "./host.ts";

/**
 * Opens a file for reading, or for appending (created if missing; also readable). Reads run one after another, because
 * the position belongs to the file, not to the read; appends go to the end at any position.
 */
export async function openFile(path: string, mode: "read" | "append"): Promise<FileHandle> {
  const file = await callFile(
    path,
    "open",
    () => Deno.open(path, mode === "read" ? { read: true } : { read: true, append: true, create: true }),
  );
  let reading: Promise<unknown> = Promise.resolve();
  const from = { at: mode === "read" ? 0 : -1 };
  return {
    write: (bytes) =>
      callFile(path, "write", async () => {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      }),
    readAt: (position, length) => {
      const read = reading.then(() => callFile(path, "read", () => readAt(file, from, { position, length })));
      reading = read.catch(() => {});
      return read;
    },
    sync: () => callFile(path, "sync", () => file.syncData()),
    truncate: (bytes) => callFile(path, "truncate", () => file.truncate(bytes)),
    isCurrent: () => isCurrentFile(file, path),
    // deno-lint-ignore require-await -- a second close is a bug that rejects
    close: async () => file.close(),
  };
}

/** Whether a path names an open file. If the system has no inode numbers, any file at the path counts. */
export async function isCurrentFile(file: Deno.FsFile, path: string): Promise<boolean> {
  return await callFile(path, "stat", async () => {
    const open = await file.stat();
    try {
      const named = await Deno.stat(path);
      return open.ino === null || (open.ino === named.ino && open.dev === named.dev);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return false;
      throw cause;
    }
  });
}

/**
 * Reads at a position. `from.at` is the file's present position, so that sequential reads never seek, which pipes
 * cannot.
 */
async function readAt(
  file: Deno.FsFile,
  from: { at: number },
  { position, length }: { readonly position: number; readonly length: number },
): Promise<Uint8Array> {
  if (from.at !== position) await file.seek(position, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const count = await file.read(bytes.subarray(at));
    if (count === null || count === 0) break;
    at += count;
  }
  if (from.at >= 0) from.at = position + at;
  return bytes.subarray(0, at);
}
