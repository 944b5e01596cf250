import { statfs } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { CONFIG_BYTES_MAX, Failure } from "../model/mod.ts";
import type { Files } from "./host.ts";
import { callFile, fileFailure } from "./file_failure.ts";
import { openFile } from "./file_handle.ts";
import { lockFile } from "./file_lock.ts";

/** Files by the platform's own calls. */
export function systemFiles(): Files {
  return {
    open: openFile,
    readBytes: (path) => orNull(path, "read", () => readRegular(path, Deno.readFile)),
    readText: (path) => orNull(path, "read", () => readRegular(path, Deno.readTextFile)),
    writeAtomic,
    list,
    stat: (path) =>
      orNull(path, "stat", async () => {
        const found = await Deno.stat(path);
        const modifiedMs = found.mtime?.getTime() ?? 0;
        return { bytes: found.size, isDirectory: found.isDirectory, modifiedMs, inode: found.ino };
      }),
    makeDir: (path) => callFile(path, "create folder", () => Deno.mkdir(path, { recursive: true })),
    rename: (from, to) => callFile(from, `rename to ${to}:`, () => Deno.rename(from, to)),
    remove: (path) => removeIfThere(path, false),
    removeTree: (path) => removeIfThere(path, true),
    syncDir,
    makeTempDir: (prefix) => callFile(prefix, "create temporary folder", () => Deno.makeTempDir({ prefix })),
    space: spaceOf,
    lock: lockFile,
    realPathSync,
    namesSync: (dir) => {
      try {
        return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
      } catch (cause) {
        if (isMissing(cause)) return [];
        throw fileFailure("read", dir, cause);
      }
    },
    readTextSync: (path, { pipe } = {}) => {
      try {
        const found = Deno.statSync(path);
        if (pipe !== true || found.isFifo !== true) checkRegular(path, found);
        using file = Deno.openSync(path);
        return readBounded(file, path, found.size);
      } catch (cause) {
        if (isMissing(cause)) return null;
        throw cause instanceof Failure ? cause : fileFailure("read", path, cause);
      }
    },
  };
}

/** Returns the space of a file system, by Node's call, because Deno has none; the permission to read is enough. */
async function spaceOf(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    // The platform does not tell, or needs a further permission: the space is only used for advice.
    return null;
  }
}

/** Throws if a path is no regular file: opening a pipe or a device may block forever, and reading it may never end. */
function checkRegular(path: string, { isFile, isDirectory }: Deno.FileInfo): void {
  if (isFile) return;
  const what = isDirectory ? "it is a folder" : "it is no regular file";
  throw new Failure("file", `Cannot read ${path}: ${what}`, { retry: false });
}

/** Reads the whole text of a file. Its size cannot be trusted: pipes and some system files have none. */
function readBounded(file: Deno.FsFile, path: string, size: number): string {
  const bytes = new Uint8Array(Math.min(Math.max(size, 4096), CONFIG_BYTES_MAX) + 1);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let count = file.readSync(bytes); count !== null && count > 0; count = file.readSync(bytes)) {
    total += count;
    if (total > CONFIG_BYTES_MAX) {
      throw new Failure("file", `Cannot read ${path}: it is larger than ${CONFIG_BYTES_MAX} bytes`, { retry: false });
    }
    parts.push(bytes.slice(0, count));
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
}

/** Whether a path is missing. One that leads through a file instead of a folder is missing too. */
function isMissing(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory;
}

async function orNull<T>(path: string, action: string, call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw fileFailure(action, path, cause);
  }
}

async function readRegular<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  checkRegular(path, await Deno.stat(path));
  return await read(path);
}

async function list(dir: string) {
  return await orNull(dir, "list", async () => {
    const entries: { name: string; isDirectory: boolean }[] = [];
    for await (const entry of Deno.readDir(dir)) entries.push({ name: entry.name, isDirectory: entry.isDirectory });
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  });
}

function realPathSync(path: string): string {
  const whole = resolve(path);
  for (let there = whole;; there = dirname(there)) {
    try {
      return join(Deno.realPathSync(there), relative(there, whole));
    } catch (cause) {
      if (!isMissing(cause)) throw fileFailure("find", path, cause);
      if (dirname(there) === there) return whole;
    }
  }
}

async function removeIfThere(path: string, recursive: boolean): Promise<void> {
  await orNull(path, "remove", () => Deno.remove(path, { recursive }));
}

/**
 * Writes a file atomically. The temporary name ends in `.tmp`, so that a leftover of a crash is recognised. Concurrent
 * writers of one path are not expected; the last rename wins.
 */
async function writeAtomic(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`;
  await callFile(temporary, "write", async () => {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
    for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await writeAll(file, piece);
    await file.sync();
  });
  await callFile(temporary, `rename to ${path}:`, () => Deno.rename(temporary, path));
  await syncDir(folderOf(path));
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Syncs a folder. Windows cannot, and need not: there a rename is durable with the volume's log. */
async function syncDir(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  await callFile(path, "sync folder", async () => {
    using dir = await Deno.open(path, { read: true });
    await dir.sync();
  });
}

function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return at < 0 ? "." : path.slice(0, at + 1);
}
