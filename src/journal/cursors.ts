import type { Files } from "../host/mod.ts";
import { Failure, type Observer, type Offset } from "../model/mod.ts";

/** Longest name of a reader, in characters. */
const READER_CHARS_MAX = 100;

/**
 * Committed positions of readers, one file each: `cursors/<reader>.json`, replaced atomically. A reader is known from
 * its first `load` or `commit` in this run: the file of a sink that was removed from the configuration stays, but
 * retains no segments.
 */
export class Cursors {
  readonly #files: Files;
  readonly #dir: string;
  readonly #known = new Map<string, Offset | null>();
  readonly #committing = new Map<string, Promise<void>>();

  constructor(files: Files, dir: string) {
    this.#files = files;
    this.#dir = `${dir}/cursors`;
  }

  async prepare(): Promise<void> {
    await this.#files.makeDir(this.#dir);
  }

  /**
   * Returns the greatest position of any file, even of unknown readers; 0 if there is none. A file without a valid
   * offset is reported; one past `most` is ignored.
   */
  async greatest(options: { readonly most: Offset; readonly observer: Observer }): Promise<Offset> {
    let greatest = 0;
    for (const { name } of await this.#files.list(this.#dir) ?? []) {
      if (!name.endsWith(".json")) continue;
      try {
        const next = await this.#read(`${this.#dir}/${name}`) ?? 0;
        if (next <= options.most) greatest = Math.max(greatest, next);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        options.observer({ kind: "journal_warning", code: "cursor", text: error.message });
      }
    }
    return greatest;
  }

  /**
   * Returns the offset of the reader's next record; null if it never committed. Until its file can be read, the reader
   * retains all segments.
   */
  async load(reader: string): Promise<Offset | null> {
    if (!this.#known.has(reader)) this.#known.set(reader, null);
    const next = await this.#read(this.#path(reader));
    this.#known.set(reader, next);
    return next;
  }

  /** Makes a reader unknown, so that it retains no segments. */
  forget(reader: string): void {
    this.#known.delete(reader);
  }

  /** Commits a position. Commits of one reader are written in the order of the calls. */
  commit(reader: string, next: Offset): Promise<void> {
    const path = this.#path(reader);
    const write = async () => {
      const bytes = new TextEncoder().encode(`${JSON.stringify({ reader, next })}\n`);
      await this.#files.writeAtomic(path, bytes).catch(async (error: unknown) => {
        // The folder may be gone. If it exists, creating it changes nothing, and the second attempt reports the
        // failure.
        if (!(error instanceof Failure) || error.code !== "file") throw error;
        await this.prepare();
        await this.#files.writeAtomic(path, bytes);
      });
      this.#known.set(reader, next);
    };
    const before = this.#committing.get(reader) ?? Promise.resolve();
    const commit = before.then(write, write);
    this.#committing.set(reader, commit);
    return commit;
  }

  /** Offset below which no known reader needs records; null if none is known, or one has not committed yet. */
  get passed(): Offset | null {
    let lowest: Offset | null = null;
    for (const next of this.#known.values()) {
      if (next === null) return null;
      lowest = lowest === null ? next : Math.min(lowest, next);
    }
    return lowest;
  }

  async #read(path: string): Promise<Offset | null> {
    const text = await this.#files.readText(path);
    if (text === null) return null;
    const next = parseNext(text);
    if (next !== null) return next;
    throw new Failure("corrupt", `Cannot read cursor ${path}: it holds no offset`, { retry: false });
  }

  /** Returns the path of a reader's file. Names are encoded, so that none leaves the folder and no two share a file. */
  #path(reader: string): string {
    if (reader.length === 0 || reader.length > READER_CHARS_MAX) {
      throw new Error(`A reader's name has 1 to ${READER_CHARS_MAX} characters: ${reader}`);
    }
    const name = encodeURIComponent(reader).replaceAll(".", "%2E").replaceAll("*", "%2A");
    return `${this.#dir}/${name}.json`;
  }
}

function parseNext(text: string): Offset | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== "object" || value === null || !("next" in value)) return null;
  return typeof value.next === "number" && Number.isSafeInteger(value.next) && value.next >= 0 ? value.next : null;
}
