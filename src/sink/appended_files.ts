import type { FileHandle, Files } from "../host/mod.ts";
import type { SinkContext } from "./sink_type.ts";
import { Failure, type Offset, SINK_BUFFER_BYTES_MAX, SINK_OPEN_FILES_MAX } from "../model/mod.ts";
import { makeFolder } from "./folders.ts";

/** What one round of appending is about to do: the offsets of its lines, and how long each file was before it. */
interface Round {
  readonly first: Offset;
  readonly last: Offset;
  /** Counts the flushes of the run; rounds of the latest two are kept. */
  readonly flush: number;
  readonly files: readonly (readonly [path: string, bytesBefore: number])[];
}

interface OpenFile {
  readonly handle: FileHandle;
  bytes: number;
  isDirty: boolean;
}

const UNDO_NAME = "_undo.json";

/**
 * Text files that only grow, in a folder that remembers how to take back what was not committed. Lines are kept in
 * memory until `flush` (or until they fill the buffer); before they are appended, `_undo.json` is written with the
 * length that each file has. `open(from)` cuts the files back by the rounds that hold lines at or past `from`, the
 * latest first, and so gives exactly-once for a reader that commits after each flush. Files that no such round names
 * are never touched. A round that begins before `from` and ends past it is kept whole: lines twice rather than lost.
 */
export class AppendedFiles {
  readonly #files: Files;
  readonly #dir: string;
  #open = new Map<string, OpenFile>();
  #lines = new Map<string, string[]>();
  #headers = new Map<string, string>();
  #bufferedChars = 0;
  #first: Offset | null = null;
  #last: Offset = 0;
  #rounds: Round[] = [];
  #flush = 0;
  readonly #seen = new Set<string>();

  constructor(dir: string, _type: string, { host }: SinkContext) {
    this.#files = host.files;
    this.#dir = dir;
  }

  /** Files that this object has begun or gone on with. */
  get count(): number {
    return this.#seen.size;
  }

  get isEmpty(): boolean {
    return this.#first === null;
  }

  async open(from: Offset, _signal: AbortSignal): Promise<Offset> {
    await this.close();
    await makeFolder(this.#files, this.#dir, this.#dir);
    await this.#files.remove(`${this.#dir}/${UNDO_NAME}.tmp`);
    const text = await this.#files.readText(`${this.#dir}/${UNDO_NAME}`);
    const rounds = text === null ? [] : parseRounds(text, `${this.#dir}/${UNDO_NAME}`);
    for (const round of rounds.toReversed()) {
      if (round.first < from) break;
      for (const [path, bytes] of round.files) await this.#cut(`${this.#dir}/${path}`, bytes);
    }
    this.#rounds = [];
    this.#flush = 0;
    if (rounds.length > 0) await this.#writeUndo();
    return from;
  }

  /** Adds a line, line break included, to the file at `path` below the folder. `header` begins a new file. */
  append(line: { readonly path: string; readonly text: string; readonly offset: Offset; readonly header: string }) {
    const lines = this.#lines.get(line.path);
    if (lines === undefined) {
      this.#lines.set(line.path, [line.text]);
      this.#headers.set(line.path, line.header);
    } else lines.push(line.text);
    this.#bufferedChars += line.text.length;
    this.#first ??= line.offset;
    this.#last = line.offset;
  }

  /** Appends what is in memory to the files where it has outgrown the buffer. */
  async spill(_signal: AbortSignal): Promise<void> {
    if (this.#bufferedChars >= SINK_BUFFER_BYTES_MAX / 4) await this.#writeRound();
  }

  async flush(_next: Offset, _signal: AbortSignal): Promise<void> {
    await this.#writeRound();
    for (const file of this.#open.values()) await syncFile(file);
    this.#flush++;
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#dropLines();
    for (const { handle } of open) await handle.close();
  }

  #dropLines(): void {
    this.#lines.clear();
    this.#headers.clear();
    this.#bufferedChars = 0;
    this.#first = null;
  }

  async #writeRound(): Promise<void> {
    if (this.#first === null) return;
    const paths = [...this.#lines.keys()];
    const before: [string, number][] = [];
    for (const path of paths) before.push([path, await this.#length(path)]);
    this.#rounds = this.#rounds.filter((round) => round.flush >= this.#flush - 1);
    this.#rounds.push({ first: this.#first, last: this.#last, flush: this.#flush, files: before });
    await this.#writeUndo();
    for (const path of paths) {
      const file = await this.#file(path);
      const text = (this.#lines.get(path) ?? []).join("");
      const bytes = new TextEncoder().encode(file.bytes === 0 ? (this.#headers.get(path) ?? "") + text : text);
      file.isDirty = true;
      await file.handle.write(bytes);
      file.bytes += bytes.length;
      this.#seen.add(path);
    }
    this.#dropLines();
  }

  async #writeUndo(): Promise<void> {
    await this.#files.writeAtomic(
      `${this.#dir}/${UNDO_NAME}`,
      new TextEncoder().encode(JSON.stringify({ rounds: this.#rounds })),
    );
  }

  async #length(path: string): Promise<number> {
    const file = this.#open.get(path);
    if (file !== undefined) return file.bytes;
    return (await this.#files.stat(`${this.#dir}/${path}`))?.bytes ?? 0;
  }

  async #file(path: string): Promise<OpenFile> {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    await this.#closeOldest();
    const full = `${this.#dir}/${path}`;
    const folder = full.slice(0, full.lastIndexOf("/"));
    await makeFolder(this.#files, this.#dir, folder);
    const bytes = await this.#length(path);
    const handle = await this.#files.open(full, "append");
    const file = { handle, bytes, isDirty: false };
    this.#open.set(path, file);
    if (bytes === 0) await this.#files.syncDir(folder);
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

  async #cut(path: string, bytes: number): Promise<void> {
    const stat = await this.#files.stat(path);
    if (stat === null || stat.bytes <= bytes) return;
    if (bytes === 0) {
      await this.#files.remove(path);
      await this.#files.syncDir(path.slice(0, path.lastIndexOf("/")));
      return;
    }
    const handle = await this.#files.open(path, "append");
    try {
      await handle.truncate(bytes);
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

function parseRounds(text: string, path: string): readonly Round[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Failure("corrupt", `Cannot read ${path}: not JSON`, { cause, retry: false });
  }
  if (!isUndo(value)) throw new Failure("corrupt", `Cannot read ${path}: not a list of rounds`, { retry: false });
  return value.rounds;
}

function isUndo(value: unknown): value is { readonly rounds: readonly Round[] } {
  return typeof value === "object" && value !== null && "rounds" in value && Array.isArray(value.rounds) &&
    value.rounds.every(isRound);
}

function isRound(value: unknown): value is Round {
  return typeof value === "object" && value !== null && "first" in value && typeof value.first === "number" &&
    "files" in value && Array.isArray(value.files) &&
    value.files.every((file) =>
      Array.isArray(file) && typeof file[0] === "string" && typeof file[1] === "number" && file[1] >= 0
    );
}
