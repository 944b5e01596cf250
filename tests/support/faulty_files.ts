import type { FileHandle, FileLock, Files } from "../../src/host/mod.ts";
import { Failure, type FailureCode } from "../../src/model/mod.ts";

/** What goes wrong at one operation that changes something on disk. */
export interface Fault {
  /** Which operation, from 1. */
  readonly at: number;
  /**
   * `fail`: it is refused, nothing is done. `short`: a write does half and is refused (others: refused). `before`,
   * `half`, `after`: the process ends before it, in the middle of a write, or after it; nothing works from then on.
   */
  readonly kind: "fail" | "short" | "before" | "half" | "after";
  /** Code of the failure; `file` where it is not given. */
  readonly code?: FailureCode;
}

/**
 * Real files with faults. Counts the operations that change something; after an end of the process, `powerCut` takes
 * back what was not synced, as a power cut may.
 */
export class FaultyFiles implements Files {
  /** Operations so far. */
  operations = 0;
  /** What each of them was, for messages. */
  readonly log: string[] = [];
  fault: Fault | null;
  readonly #inner: Files;
  readonly #synced = new Map<string, number>();
  readonly #open = new Set<FileHandle>();
  readonly #locks = new Set<{ release(): Promise<void> }>();
  /** Takes back what happened to folders since the last sync of one, in order. */
  #undo: (() => Promise<void>)[] = [];
  #stash: string | null = null;
  #ended = false;
  #ending: Promise<void> | null = null;
  /** What is being done to the disk. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #turn: (() => Promise<void>) | null;

  /** `turn` is waited for before each operation, those that only read included. */
  constructor(inner: Files, fault: Fault | null = null, turn: (() => Promise<void>) | null = null) {
    this.#inner = inner;
    this.fault = fault;
    this.#turn = turn;
  }

  /** Whether the process has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Ends the process: handles and locks go, nothing works any more. Resolves when the disk has come to rest, also where the
   * process was ended before.
   */
  end(): Promise<void> {
    return this.#ending ??= this.#endOnce();
  }

  async #endOnce(): Promise<void> {
    this.#ended = true;
    const handles = [...this.#open];
    const locks = [...this.#locks];
    this.#open.clear();
    this.#locks.clear();
    // The next process finds a disk that nothing changes any more.
    await Promise.allSettled([...this.#underWay]);
    for (const handle of handles) await handle.close();
    for (const lock of locks) await lock.release();
  }

  /** Takes back some of what was not synced. `random` is in [0, 1). */
  async powerCut(random: () => number): Promise<void> {
    const undone = this.#undo.slice(Math.floor(random() * (this.#undo.length + 1))).reverse();
    for (const undo of undone) await undo();
    for (const [path, synced] of this.#synced) {
      const stat = await this.#inner.stat(path);
      if (stat === null || stat.bytes <= synced) continue;
      const kept = synced + Math.floor(random() * (stat.bytes - synced + 1));
      const handle = await this.#inner.open(path, "append");
      await handle.truncate(kept);
      // Pages reach the disk in any order: one may have stayed empty before another that did not.
      if (random() < 0.3) {
        const hole = synced + Math.floor(random() * (kept - synced));
        const rest = await handle.readAt(hole, kept - hole);
        await handle.truncate(hole);
        rest.fill(0, 0, Math.ceil(rest.length / 2));
        await handle.write(rest);
      }
      await handle.close();
    }
    await this.discard();
  }

  /** Removes what was kept for `powerCut`. */
  async discard(): Promise<void> {
    this.#undo = [];
    const stash = this.#stash;
    this.#stash = null;
    // What was under way when the process ended may still put a file there.
    for (let attempt = 1; stash !== null; attempt++) {
      try {
        return await this.#inner.removeTree(stash);
      } catch (error) {
        if (!(error instanceof Failure) || attempt === 10) throw error;
      }
    }
  }

  async open(path: string, mode: "read" | "append"): Promise<FileHandle> {
    if (mode === "read") {
      const handle = await this.#guard(() => this.#inner.open(path, mode));
      await this.#keep(handle);
      return this.#wrap(path, handle);
    }
    const before = this.#ended ? null : await this.#inner.stat(path);
    const handle = await this.#change(`open ${path}`, async () => {
      const opened = await this.#inner.open(path, mode);
      await this.#keep(opened);
      if (before === null) this.#undo.push(() => this.#inner.remove(path));
      if (!this.#synced.has(path)) this.#synced.set(path, before?.bytes ?? 0);
      return opened;
    });
    return this.#wrap(path, handle);
  }

  readBytes(path: string): Promise<Uint8Array | null> {
    return this.#guard(() => this.#inner.readBytes(path));
  }

  readText(path: string): Promise<string | null> {
    return this.#guard(() => this.#inner.readText(path));
  }

  writeAtomic(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
    return this.#change(`write ${path}`, async () => {
      await this.#inner.writeAtomic(path, bytes);
      this.#undo = [];
    });
  }

  list(dir: string) {
    return this.#guard(() => this.#inner.list(dir));
  }

  stat(path: string) {
    return this.#guard(() => this.#inner.stat(path));
  }

  makeDir(path: string): Promise<void> {
    return this.#change(`make ${path}`, () => this.#inner.makeDir(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change(`rename ${from}`, async () => {
      await this.#inner.rename(from, to);
      this.#synced.set(to, this.#synced.get(from) ?? 0);
      this.#synced.delete(from);
      this.#undo.push(async () => {
        await this.#inner.rename(to, from);
        this.#synced.set(from, this.#synced.get(to) ?? 0);
        this.#synced.delete(to);
      });
    });
  }

  remove(path: string): Promise<void> {
    return this.#change(`remove ${path}`, async () => {
      if (await this.#inner.stat(path) === null) return;
      this.#stash ??= await this.#inner.makeTempDir("stash");
      const kept = `${this.#stash}/${this.operations}`;
      await this.#inner.rename(path, kept);
      this.#undo.push(() => this.#inner.rename(kept, path));
    });
  }

  removeTree(path: string): Promise<void> {
    return this.#change(`remove tree ${path}`, () => this.#inner.removeTree(path));
  }

  syncDir(path: string): Promise<void> {
    return this.#change(`sync ${path}`, async () => {
      await this.#inner.syncDir(path);
      this.#undo = [];
    });
  }

  makeTempDir(prefix: string): Promise<string> {
    return this.#guard(() => this.#inner.makeTempDir(prefix));
  }

  async lock(path: string): Promise<FileLock> {
    const lock = await this.#change(`lock ${path}`, async () => {
      const taken = await this.#inner.lock(path);
      this.#locks.add(taken);
      return taken;
    });
    return {
      isCurrent: () => this.#guard(() => lock.isCurrent()),
      release: async () => {
        if (!this.#locks.delete(lock)) return;
        await lock.release();
      },
    };
  }

  realPathSync(path: string): string {
    return this.#inner.realPathSync(path);
  }

  space(path: string) {
    return this.#inner.space(path);
  }

  namesSync(dir: string): readonly string[] {
    return this.#inner.namesSync(dir);
  }

  readTextSync(path: string, options?: { readonly pipe?: boolean }): string | null {
    return this.#inner.readTextSync(path, options);
  }

  /** Notes an open file; one that was being opened when the process ended goes with it. */
  async #keep(handle: FileHandle): Promise<void> {
    if (this.#ended) {
      await handle.close();
      throw processEnded();
    }
    this.#open.add(handle);
  }

  #wrap(path: string, handle: FileHandle): FileHandle {
    return {
      write: (bytes) =>
        this.#change(
          `append ${path}`,
          () => handle.write(bytes),
          () => handle.write(bytes.subarray(0, bytes.length / 2)),
        ),
      readAt: (position, length) => this.#guard(() => handle.readAt(position, length)),
      sync: () =>
        this.#change(`sync ${path}`, async () => {
          await handle.sync();
          this.#synced.set(path, (await this.#inner.stat(path))?.bytes ?? 0);
        }),
      truncate: (bytes) => this.#change(`truncate ${path}`, () => handle.truncate(bytes)),
      isCurrent: () => this.#guard(() => handle.isCurrent()),
      close: async () => {
        if (!this.#open.delete(handle)) return;
        await handle.close();
      },
    };
  }

  async #guard<T>(call: () => Promise<T>): Promise<T> {
    if (this.#turn !== null) await this.#turn();
    if (this.#ended) throw processEnded();
    return await call();
  }

  async #change<T>(
    what: string,
    call: () => Promise<T>,
    half: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<T> {
    if (this.#turn !== null) await this.#turn();
    if (this.#ended) throw processEnded();
    this.operations++;
    this.log.push(what);
    const fault = this.fault;
    if (fault === null || fault.at !== this.operations) {
      const done = call();
      this.#underWay.add(done);
      return await done.finally(() => this.#underWay.delete(done));
    }
    switch (fault.kind) {
      case "short":
        await half();
        throw new Failure(fault.code ?? "file", `Cannot ${what}: injected`);
      case "fail":
        throw new Failure(fault.code ?? "file", `Cannot ${what}: injected`);
      case "half":
        await half();
        break;
      case "after":
        await call();
        break;
      case "before":
        break;
    }
    await this.end();
    throw processEnded();
  }
}

function processEnded(): Failure {
  return new Failure("file", "The process has ended");
}
