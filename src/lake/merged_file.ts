import { crc32 } from "node:zlib";
import type { FileHandle, Files } from "../host/mod.ts";
import { Failure, ROW_GROUP_ROWS_MAX, ROW_GROUP_ROWS_MIN } from "../model/mod.ts";
import { type ColumnSchema, ParquetAssembler, parquetFile, type RowGroup } from "../sink/mod.ts";
import { sourceOfBytes, type Value } from "./parquet_source.ts";
import type { Pause, Row } from "./sorted_rows.ts";
import { TableWriter } from "./table_writer.ts";

/** Contents and footer of a file. */
export interface MergedPlan {
  readonly columns: readonly ColumnSchema[];
  readonly words: ReadonlySet<string>;
  readonly notes: Readonly<Record<string, string>>;
  readonly pause: Pause;
}

const READ_BYTES = 1024 * 1024;

/**
 * Writes a file by row groups. Decodes every group again before it is written, with a reader that shares no code with
 * the writer, and compares it value by value with its rows. Reads the bytes on disk back at the end.
 */
export class MergedFile {
  readonly path: string;
  /** Identity of its earliest row. */
  firstOffset = Infinity;
  readonly #plan: MergedPlan;
  readonly #files: Files;
  #handle: FileHandle | null;
  readonly #assembler: ParquetAssembler;
  #crc = 0;
  #rows: Row[] = [];

  private constructor(files: Files, handle: FileHandle, options: { readonly path: string; readonly plan: MergedPlan }) {
    this.#files = files;
    this.#handle = handle;
    this.path = options.path;
    this.#plan = options.plan;
    this.#assembler = new ParquetAssembler(options.plan.columns);
  }

  /** Begins a file under a temporary name, and removes an existing one. */
  static async create(files: Files, path: string, plan: MergedPlan): Promise<MergedFile> {
    await files.remove(path);
    const file = new MergedFile(files, await files.open(path, "append"), { path, plan });
    await file.#write(file.#assembler.head);
    return file;
  }

  get bytes(): number {
    return this.#assembler.bytes;
  }

  get rows(): number {
    return this.#assembler.rows + this.#rows.length;
  }

  /** Adds rows in order. */
  async append(rows: readonly Row[]): Promise<void> {
    for (const row of rows) {
      const last = this.#rows.at(-1);
      const isNext = last !== undefined && last.symbol !== row.symbol;
      if (this.#rows.length >= (isNext ? ROW_GROUP_ROWS_MIN : ROW_GROUP_ROWS_MAX)) await this.endGroup();
      this.#rows.push(row);
      if (row.offset < this.firstOffset) this.firstOffset = row.offset;
    }
  }

  /** Encodes, verifies and writes the buffered rows. */
  async endGroup(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0) return;
    const { columns, words, pause } = this.#plan;
    const table = new TableWriter(columns, words);
    for (const { name } of columns) {
      table.append(name, rows.map((row) => valueOf(row, name)));
      await pause();
    }
    const group = table.encode(rows.length);
    await pause();
    await this.#verify(group, rows);
    this.#assembler.add(group);
    await this.#write(group.bytes);
  }

  /** Writes the footer, makes the file safe and reads it back. */
  async finish(): Promise<void> {
    await this.endGroup();
    await this.#write(this.#assembler.foot(this.#plan.notes));
    await this.#handle?.sync();
    await this.#close();
    await this.#readBack();
  }

  /** Closes and removes the file. */
  async discard(): Promise<void> {
    await this.#close();
    await this.#files.remove(this.path);
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#handle === null) throw new Error(`${this.path} is closed`);
    this.#crc = crc32(bytes, this.#crc);
    await this.#handle.write(bytes);
  }

  async #verify(group: RowGroup, rows: readonly Row[]): Promise<void> {
    const bytes = parquetFile(this.#plan.columns, { groups: [group], notes: {} });
    const source = await sourceOfBytes(this.path, bytes);
    for (const { name } of this.#plan.columns) {
      const written = await source.read(source.groups[0], name);
      for (let at = 0; at < rows.length; at++) {
        const expected = valueOf(rows[at], name);
        if (Object.is(written[at], expected) || (written[at] === 0 && expected === 0)) continue;
        throw new Failure(
          "corrupt",
          `Cannot merge into ${this.path}: column ${name} of offset ${rows[at].offset} became ${written[at]}, ` +
            `expected ${expected}`,
          { retry: false },
        );
      }
      await this.#plan.pause();
    }
  }

  async #readBack(): Promise<void> {
    const size = (await this.#files.stat(this.path))?.bytes ?? 0;
    const handle = await this.#files.open(this.path, "read");
    let crc = 0;
    try {
      for (let at = 0; at < size; at += READ_BYTES) {
        crc = crc32(await handle.readAt(at, Math.min(READ_BYTES, size - at)), crc);
        await this.#plan.pause();
      }
    } finally {
      await handle.close();
    }
    if (crc === this.#crc) return;
    throw new Failure("corrupt", `Cannot merge into ${this.path}: what was read back is not what was written`);
  }
}

function valueOf({ group, at }: Row, column: string): Value {
  return group.columns.get(column)?.[at] ?? null;
}
