import type { FileHandle, FileLock, Files, FileStat } from "../host/mod.ts";
import { Failure, joinBytes } from "../model/mod.ts";

/** A process that uses the disk; its calls after its end are never answered. */
export interface DiskUser {
  readonly lives: boolean;
}

interface FileNode {
  readonly kind: "file";
  readonly inode: number;
  bytes: Uint8Array;
  size: number;
  /** Bytes from the begin that survive a power cut. */
  synced: number;
  modifiedMs: number;
  lockedBy: DiskUser | null;
}

interface DirNode {
  readonly kind: "dir";
  readonly inode: number;
  readonly entries: Map<string, Node>;
  modifiedMs: number;
}

type Node = FileNode | DirNode;

/** A change of a folder that a power cut may take back. */
interface Change {
  readonly dir: DirNode;
  readonly undo: () => void;
}

/** Returns the failure of a call, or null. `write`: number of bytes to write. */
export type DiskFault = (call: { readonly what: string; readonly path: string }) => Failure | null;

/**
 * A disk in memory. Content is safe once synced, names once their folder is synced; `powerCut` loses some of the rest,
 * as on a real disk. Paths are absolute.
 */
export class MemoryDisk {
  readonly #root: DirNode = { kind: "dir", inode: 1, entries: new Map(), modifiedMs: 0 };
  readonly #nowMs: () => number;
  /** Asked before each call; answers are given after `delayMs` of it. */
  fault: DiskFault = () => null;
  /** Waits before each call, for slow disks; null: none. */
  delay: (() => Promise<void>) | null = null;
  /** Capacity in bytes. */
  capacity = Number.MAX_SAFE_INTEGER;
  #used = 0;
  #inodes = 1;
  #changes: Change[] = [];
  #temporary = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Files below a folder. */
  count(path: string): number {
    const node = this.#find(path);
    if (node === null) return 0;
    const countIn = (each: Node): number =>
      each.kind === "file" ? 1 : [...each.entries.values()].reduce((sum, child) => sum + countIn(child), 0);
    return countIn(node);
  }

  /** Loses some of what was not synced. `random` returns numbers in [0, 1). */
  powerCut(random: () => number): void {
    // Folders reach the disk independently of each other, each in its own order.
    const kept = new Map<DirNode, number>();
    const counts = new Map<DirNode, number>();
    for (const { dir } of this.#changes) counts.set(dir, (counts.get(dir) ?? 0) + 1);
    for (const [dir, count] of counts) kept.set(dir, Math.floor(random() * (count + 1)));
    const seen = new Map(counts);
    for (const { dir, undo } of this.#changes.reverse()) {
      const at = (seen.get(dir) ?? 0) - 1;
      seen.set(dir, at);
      if (at >= (kept.get(dir) ?? 0)) undo();
    }
    this.#changes = [];
    this.#each(this.#root, (file) => {
      file.lockedBy = null;
      if (file.synced >= file.size) return;
      const size = file.synced + Math.floor(random() * (file.size - file.synced + 1));
      // Pages reach the disk in any order: one may have stayed empty before another that did not.
      if (random() < 0.3 && size > file.synced) {
        const hole = file.synced + Math.floor(random() * (size - file.synced));
        file.bytes.fill(0, hole, hole + Math.ceil((size - hole) / 2));
      }
      file.size = size;
      file.synced = size;
    });
    this.#recount();
  }

  /** Releases everything of a killed process, while the machine runs on. */
  release(user: DiskUser): void {
    this.#each(this.#root, (file) => {
      if (file.lockedBy === user) file.lockedBy = null;
    });
  }

  /** Flips one bit of a file, as a failing medium may. Returns whether the file has that byte. */
  flipBit(path: string, position: number): boolean {
    const node = this.#find(path);
    if (node?.kind !== "file" || position >= node.size) return false;
    node.bytes[position] ^= 1 << (position % 8);
    return true;
  }

  /** The disk as one process sees it. `shipped`: files of the program itself, which are read where they really are. */
  of(user: DiskUser, shipped: { readonly dir: string; readonly files: Files }): Files {
    const isShipped = (path: string) => path.startsWith(`${shipped.dir}/`) || path === shipped.dir;
    const call = async <T>(what: string, path: string, work: () => T): Promise<T> => {
      await this.delay?.();
      // A process that has ended gets no answer.
      if (!user.lives) await new Promise<never>(() => {});
      const failure = this.fault({ what, path });
      if (failure !== null) throw failure;
      return work();
    };
    const files: Files = {
      open: (path, mode) => call("open", path, () => this.#open(path, mode, call)),
      readBytes: (path) =>
        isShipped(path) ? shipped.files.readBytes(path) : call("read", path, () => this.#content(path)),
      readText: async (path) => {
        if (isShipped(path)) return await shipped.files.readText(path);
        const bytes = await call("read", path, () => this.#content(path));
        return bytes === null ? null : new TextDecoder().decode(bytes);
      },
      writeAtomic: async (path, bytes) => {
        await call("write", path, () => this.#writeTemporary(path, bytes));
        await call("sync", path, () => this.#replace(path));
      },
      list: (dir) =>
        call("list", dir, () => {
          const node = this.#find(dir);
          if (node?.kind !== "dir") return null;
          return [...node.entries].map(([name, { kind }]) => ({ name, isDirectory: kind === "dir" }))
            .sort((a, b) => a.name < b.name ? -1 : 1);
        }),
      stat: (path) => isShipped(path) ? shipped.files.stat(path) : call("stat", path, () => this.#stat(path)),
      makeDir: (path) => call("make", path, () => void this.#makeDir(path)),
      rename: (from, to) => call("rename", from, () => this.#rename(from, to)),
      remove: (path) => call("remove", path, () => this.#remove(path, false)),
      removeTree: (path) => call("remove", path, () => this.#remove(path, true)),
      syncDir: (path) => call("sync", path, () => this.#syncDir(path)),
      makeTempDir: (prefix) =>
        call("make", prefix, () => {
          const path = `/tmp/${prefix}${++this.#temporary}`;
          this.#makeDir(path);
          return path;
        }),
      space: () => Promise.resolve({ freeBytes: this.capacity - this.#used, totalBytes: this.capacity }),
      lock: (path) => call("lock", path, () => this.#lock(path, user)),
      realPathSync: (path) => `/${partsOf(path).join("/")}`,
      readTextSync: (path, options) => {
        if (isShipped(path)) return shipped.files.readTextSync(path, options);
        const bytes = this.#content(path);
        return bytes === null ? null : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      },
      namesSync: (dir) => {
        if (isShipped(dir)) return shipped.files.namesSync(dir);
        const node = this.#find(dir);
        return node?.kind === "dir" ? [...node.entries.keys()].sort() : [];
      },
    };
    return files;
  }

  #open(
    path: string,
    mode: "read" | "append",
    call: <T>(what: string, path: string, work: () => T) => Promise<T>,
  ): FileHandle {
    const found = this.#find(path);
    if (found?.kind === "dir") throw new Failure("file", `Cannot open ${path}: it is a folder`);
    if (found === null && mode === "read") throw new Failure("file", `Cannot open ${path}: no such file`);
    const node = found ?? this.#create(path);
    const write = (bytes: Uint8Array) => {
      const room = this.capacity - this.#used;
      const taken = Math.min(bytes.length, Math.max(0, room));
      grow(node, node.size + taken);
      node.bytes.set(bytes.subarray(0, taken), node.size);
      node.size += taken;
      node.modifiedMs = this.#nowMs();
      this.#used += taken;
      if (taken < bytes.length) throw full(path);
    };
    return {
      write: (bytes) => call("write", path, () => write(bytes)),
      readAt: (position, length) =>
        call(
          "read",
          path,
          () => node.bytes.slice(position, Math.max(position, Math.min(node.size, position + length))),
        ),
      sync: () =>
        call("sync", path, () => {
          node.synced = node.size;
        }),
      truncate: (bytes) =>
        call("truncate", path, () => {
          this.#used += bytes - node.size;
          grow(node, bytes);
          if (bytes > node.size) node.bytes.fill(0, node.size, bytes);
          node.size = bytes;
          node.synced = Math.min(node.synced, node.size);
        }),
      isCurrent: () => call("stat", path, () => this.#find(path) === node),
      close: () => Promise.resolve(),
    };
  }

  /** The first half of `writeAtomic`, between which and the second a process may end. */
  #writeTemporary(path: string, pieces: Uint8Array | readonly Uint8Array[]): void {
    const bytes = pieces instanceof Uint8Array ? pieces : joinBytes(pieces);
    if (bytes.length > this.capacity - this.#used) throw full(path);
    this.#remove(`${path}.tmp`, false);
    const node = this.#create(`${path}.tmp`);
    grow(node, bytes.length);
    node.bytes.set(bytes);
    node.size = bytes.length;
    this.#used += bytes.length;
  }

  /** The second half: the temporary file is synced and takes the place of the other, and so does its name. */
  #replace(path: string): void {
    const node = this.#find(`${path}.tmp`);
    if (node?.kind !== "file") throw new Failure("file", `Cannot rename ${path}.tmp: no such file`);
    node.synced = node.size;
    this.#rename(`${path}.tmp`, path);
    this.#syncDir(folderOf(path));
  }

  #content(path: string): Uint8Array | null {
    const node = this.#find(path);
    if (node === null) return null;
    if (node.kind === "dir") throw new Failure("file", `Cannot read ${path}: it is a folder`, { retry: false });
    return node.bytes.slice(0, node.size);
  }

  #stat(path: string): FileStat | null {
    const node = this.#find(path);
    if (node === null) return null;
    const { inode, modifiedMs } = node;
    return { bytes: node.kind === "file" ? node.size : 0, isDirectory: node.kind === "dir", modifiedMs, inode };
  }

  #lock(path: string, user: DiskUser): FileLock {
    const found = this.#find(path);
    if (found?.kind === "dir") throw new Failure("file", `Cannot lock ${path}: it is a folder`);
    const node = found ?? this.#create(path);
    if (node.lockedBy !== null && node.lockedBy !== user && node.lockedBy.lives) {
      throw new Failure("busy", `Cannot lock ${path}: another process holds it`, { retry: false });
    }
    node.lockedBy = user;
    return {
      isCurrent: () => Promise.resolve(this.#find(path) === node),
      release: () => {
        if (node.lockedBy === user) node.lockedBy = null;
        return Promise.resolve();
      },
    };
  }

  #makeDir(path: string): DirNode {
    let dir = this.#root;
    for (const name of partsOf(path)) {
      const found = dir.entries.get(name);
      if (found?.kind === "file") throw new Failure("file", `Cannot create folder ${path}: ${name} is a file`);
      if (found !== undefined) {
        dir = found;
        continue;
      }
      const made: DirNode = { kind: "dir", inode: ++this.#inodes, entries: new Map(), modifiedMs: this.#nowMs() };
      this.#put(dir, name, made);
      dir = made;
    }
    return dir;
  }

  #create(path: string): FileNode {
    const dir = this.#find(folderOf(path));
    if (dir?.kind !== "dir") throw new Failure("file", `Cannot create ${path}: no such folder`);
    const node: FileNode = {
      kind: "file",
      inode: ++this.#inodes,
      bytes: new Uint8Array(),
      size: 0,
      synced: 0,
      modifiedMs: this.#nowMs(),
      lockedBy: null,
    };
    this.#put(dir, nameOf(path), node);
    return node;
  }

  #rename(from: string, to: string): void {
    const [source, target] = [this.#find(folderOf(from)), this.#find(folderOf(to))];
    const node = source?.kind === "dir" ? source.entries.get(nameOf(from)) : undefined;
    if (source?.kind !== "dir" || node === undefined) throw new Failure("file", `Cannot rename ${from}: no such file`);
    if (target?.kind !== "dir") throw new Failure("file", `Cannot rename ${from} to ${to}: no such folder`);
    const before = target.entries.get(nameOf(to));
    if (before !== undefined && (before.kind === "dir") !== (node.kind === "dir")) {
      throw new Failure("file", `Cannot rename ${from} to ${to}: one of them is a folder`);
    }
    if (before?.kind === "file" && before !== node) this.#used -= before.size;
    source.entries.delete(nameOf(from));
    target.entries.set(nameOf(to), node);
    this.#changes.push({
      dir: target,
      undo: () => {
        source.entries.set(nameOf(from), node);
        if (before === undefined) target.entries.delete(nameOf(to));
        else target.entries.set(nameOf(to), before);
      },
    });
  }

  #remove(path: string, recursive: boolean): void {
    const dir = this.#find(folderOf(path));
    const node = dir?.kind === "dir" ? dir.entries.get(nameOf(path)) : undefined;
    if (dir?.kind !== "dir" || node === undefined) return;
    if (node.kind === "dir" && node.entries.size > 0 && !recursive) {
      throw new Failure("file", `Cannot remove ${path}: the folder is not empty`);
    }
    this.#each(node, (file) => {
      this.#used -= file.size;
    });
    dir.entries.delete(nameOf(path));
    this.#changes.push({ dir, undo: () => void dir.entries.set(nameOf(path), node) });
  }

  #syncDir(path: string): void {
    const dir = this.#find(path);
    if (dir?.kind !== "dir") throw new Failure("file", `Cannot sync folder ${path}: no such folder`);
    this.#changes = this.#changes.filter((change) => change.dir !== dir);
  }

  #put(dir: DirNode, name: string, node: Node): void {
    dir.entries.set(name, node);
    this.#changes.push({ dir, undo: () => void dir.entries.delete(name) });
  }

  #find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of partsOf(path)) {
      if (node.kind === "file") return null;
      const next: Node | undefined = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #each(node: Node, call: (file: FileNode) => void): void {
    if (node.kind === "file") return call(node);
    for (const child of node.entries.values()) this.#each(child, call);
  }

  #recount(): void {
    this.#used = 0;
    this.#each(this.#root, (file) => {
      this.#used += file.size;
    });
  }
}

function full(path: string): Failure {
  return new Failure("disk_full", `Cannot write ${path}: no space left on the disk`);
}

function grow(node: FileNode, bytes: number): void {
  if (bytes <= node.bytes.length) return;
  const grown = new Uint8Array(Math.max(bytes, 2 * node.bytes.length, 256));
  grown.set(node.bytes.subarray(0, node.size));
  node.bytes = grown;
}

function partsOf(path: string): readonly string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function folderOf(path: string): string {
  return partsOf(path).slice(0, -1).join("/");
}

function nameOf(path: string): string {
  return partsOf(path).at(-1) ?? "";
}
