import type { FileHandle } from "../host/mod.ts";
import { Failure, type Offset, SINK_OPEN_FILES_MAX, SINK_TEXT_BYTES_MAX } from "../model/mod.ts";
import { isSameFile, makeFolder, OwnedFolder } from "./owned_folder.ts";
import type { SinkContext } from "./sink_type.ts";
import { TextBuffer } from "./text_buffer.ts";
import { parseUndo, type Round, type Undo } from "./undo.ts";

interface OpenFile {
  readonly handle: FileHandle;
  bytes: number;
  isDirty: boolean;
}

const UNDO_NAME = "_undo.json";
/** Most empty buffers kept for reuse, so that a flush does not allocate. */
const SPARE_BUFFERS_MAX = 16;

/**
 * Appends to text files in an owned folder, exactly once. Lines stay in memory until `flush`, or until they fill the
 * buffer. Before they are appended, `_undo.json` records the length of each file. `open` truncates the files by the
 * rounds with lines at or past the position, the latest first. It truncates only files that this sink wrote: none named
 * in the undo file of another journal or of an older version, and none that was replaced since. A round that begins
 * before the position and ends past it is kept: rather lines twice than lines lost. A file that is moved, removed or
 * replaced while it is open is begun anew.
 */
export class AppendedFiles {
  readonly #context: SinkContext;
  readonly #folder: OwnedFolder;
  #open = new Map<string, OpenFile>();
  #lines = new Map<string, TextBuffer>();
  #headers = new Map<string, string>();
  /** Empty buffers for reuse. */
  readonly #spare: TextBuffer[] = [];
  #bufferedBytes = 0;
  #first: Offset | null = null;
  #last: Offset = 0;
  #rounds: Round[] = [];
  #flush = 0;
  /** Everything before this offset is safe in the files. */
  #safe: Offset = 0;
  /** Resolves when no call is under way; only then the folder is released. */
  #underWay: Promise<unknown> = Promise.resolve();
  readonly #seen = new Set<string>();

  constructor(dir: string, type: string, context: SinkContext) {
    this.#context = context;
    this.#folder = new OwnedFolder(dir, type, context);
  }

  /** Number of files that this object has written to. */
  get count(): number {
    return this.#seen.size;
  }

  /** Resolves with where the files stand: at `committed`, or past it if they are known to hold more. */
  async open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    await this.close();
    return await this.#track(() => this.#begin(committed, signal));
  }

  /** Adds a line, line break included, to the file at `path` below the folder. `header` begins a new file. */
  append(line: { readonly path: string; readonly text: string; readonly offset: Offset; readonly header: string }) {
    this.write(line.path, line.header, line.offset, (lines) => lines.text(line.text));
  }

  /** Calls `put` to write lines, line breaks included, to the file at `path`. `header` begins a new file. */
  write(path: string, header: string, offset: Offset, put: (lines: TextBuffer) => void): void {
    let lines = this.#lines.get(path);
    if (lines === undefined) {
      this.#lines.set(path, lines = this.#spare.pop() ?? new TextBuffer());
      this.#headers.set(path, header);
    }
    const before = lines.length;
    put(lines);
    this.#bufferedBytes += lines.length - before;
    this.#first ??= offset;
    this.#last = offset;
  }

  /** Appends the buffered lines to the files if they exceed the buffer's limit. */
  async spill(signal: AbortSignal): Promise<void> {
    if (this.#bufferedBytes >= SINK_TEXT_BYTES_MAX) await this.#track(() => this.#writeRound(signal));
  }

  /** Makes everything appended safe, which is everything before `next`. */
  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#track(async () => {
      await this.#folder.check();
      await this.#writeRound(signal);
      for (const [path, file] of this.#open) await this.#sync(path, file, signal);
      await this.#folder.check();
      this.#flush++;
      this.#safe = next;
    });
  }

  async close(): Promise<void> {
    await this.#underWay;
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#dropLines();
    try {
      for (const { handle } of open) await handle.close();
    } finally {
      await this.#folder.release();
    }
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const result = work();
    this.#underWay = result.catch(() => {});
    return result;
  }

  async #begin(committed: Offset, signal: AbortSignal): Promise<Offset> {
    const { files } = this.#context.host;
    this.#rounds = [];
    this.#flush = 0;
    this.#safe = committed;
    const isOurs = await this.#folder.take(() => Promise.resolve());
    await files.remove(this.#folder.inside(`${UNDO_NAME}.tmp`));
    const undo = await this.#readUndo();
    if (undo === null) return committed;
    if (!isOurs || undo.journal !== this.#context.journal) {
      this.#folder.notice(
        `left ${this.#folder.dir} as it is: its ${UNDO_NAME} is of another writer`,
      );
      return committed;
    }
    const from = Math.max(committed, undo.next);
    for (const round of undo.rounds.toReversed()) {
      if (round.first < from) break;
      for (const [path, bytes, inode] of round.files) {
        signal.throwIfAborted();
        await this.#cut(this.#folder.inside(path), { bytes, inode });
      }
    }
    this.#safe = from;
    if (undo.rounds.length > 0) await this.#writeUndo();
    return from;
  }

  async #readUndo(): Promise<Undo | null> {
    const path = this.#folder.inside(UNDO_NAME);
    const text = await this.#context.host.files.readText(path);
    return text === null ? null : parseUndo(text, path);
  }

  #dropLines(): void {
    for (const lines of this.#lines.values()) {
      if (this.#spare.length >= SPARE_BUFFERS_MAX) break;
      lines.clear();
      this.#spare.push(lines);
    }
    this.#lines.clear();
    this.#headers.clear();
    this.#bufferedBytes = 0;
    this.#first = null;
  }

  async #writeRound(signal: AbortSignal): Promise<void> {
    if (this.#first === null) return;
    const paths = [...this.#lines.keys()];
    const before: [string, number, number | null][] = [];
    for (const path of paths) before.push([path, ...await this.#place(path)]);
    this.#rounds = this.#rounds.filter((round) => round.flush >= this.#flush - 1);
    this.#rounds.push({ first: this.#first, last: this.#last, flush: this.#flush, files: before });
    signal.throwIfAborted();
    await this.#writeUndo();
    for (const path of paths) {
      signal.throwIfAborted();
      const file = await this.#file(path);
      file.isDirty = true;
      const header = file.bytes === 0 ? this.#headers.get(path) ?? "" : "";
      for (const bytes of [new TextEncoder().encode(header), this.#lines.get(path)?.bytes]) {
        if (bytes === undefined || bytes.length === 0) continue;
        await file.handle.write(bytes);
        file.bytes += bytes.length;
      }
      this.#seen.add(path);
    }
    this.#dropLines();
  }

  async #writeUndo(): Promise<void> {
    const undo: Undo = { format: 2, journal: this.#context.journal, next: this.#safe, rounds: this.#rounds };
    await this.#context.host.files.writeAtomic(
      this.#folder.inside(UNDO_NAME),
      new TextEncoder().encode(JSON.stringify(undo)),
    );
  }

  /** Returns length and inode of a file. Detects one that was moved, removed, replaced or truncated while open. */
  async #place(path: string): Promise<readonly [bytes: number, inode: number | null]> {
    const full = this.#folder.inside(path);
    const stat = await this.#context.host.files.stat(full);
    const file = this.#open.get(path);
    if (file !== undefined) {
      if (!await file.handle.isCurrent()) {
        this.#folder.notice(`${full} was moved, removed or replaced while it was open: it is begun anew`);
        this.#open.delete(path);
        await file.handle.close();
      } else if (stat !== null && stat.bytes !== file.bytes) {
        this.#folder.notice(`${full} was changed by another: it has ${stat.bytes} bytes instead of ${file.bytes}`);
        file.bytes = stat.bytes;
      }
    }
    return [stat?.bytes ?? 0, stat?.inode ?? null];
  }

  async #file(path: string): Promise<OpenFile> {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    await this.#closeOldest();
    const { files } = this.#context.host;
    const full = this.#folder.inside(path);
    const folder = full.slice(0, full.lastIndexOf("/"));
    await makeFolder(files, this.#folder.dir, folder);
    const bytes = (await files.stat(full))?.bytes ?? 0;
    const handle = await files.open(full, "append");
    const file = { handle, bytes, isDirty: false };
    this.#open.set(path, file);
    if (bytes === 0) await files.syncDir(folder);
    return file;
  }

  async #closeOldest(): Promise<void> {
    for (const [path, file] of this.#open) {
      if (this.#open.size < SINK_OPEN_FILES_MAX) return;
      await syncFile(file);
      this.#open.delete(path);
      await file.handle.close();
    }
  }

  /** Syncs a file. Throws a `Failure` if it was moved meanwhile, so that its lines are written again. */
  async #sync(path: string, file: OpenFile, signal: AbortSignal): Promise<void> {
    if (!file.isDirty) return;
    signal.throwIfAborted();
    await syncFile(file);
    if (await file.handle.isCurrent()) return;
    const full = this.#folder.inside(path);
    throw new Failure("sink", `Cannot append to ${full}: it was moved, removed or replaced meanwhile`);
  }

  async #cut(path: string, to: { readonly bytes: number; readonly inode: number | null }): Promise<void> {
    const { files } = this.#context.host;
    const stat = await files.stat(path);
    if (stat === null || stat.bytes <= to.bytes) return;
    if (!isSameFile(stat.inode, to.inode)) {
      this.#folder.notice(`left ${path} as it is: it was replaced since, and lines may be there twice`);
      return;
    }
    if (to.bytes === 0) {
      await files.remove(path);
      await files.syncDir(path.slice(0, path.lastIndexOf("/")));
      return;
    }
    const handle = await files.open(path, "append");
    try {
      await handle.truncate(to.bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

async function syncFile(file: OpenFile): Promise<void> {
  if (!file.isDirty) return;
  await file.handle.sync();
  file.isDirty = false;
}
