import type { Host } from "../../host/mod.ts";
import {
  type EventBatch,
  type EventKind,
  type Offset,
  SINK_BUFFER_BYTES_MAX,
  SINK_PARTITIONS_MAX,
} from "../../model/mod.ts";
import { makeFolder, OwnedFolder } from "../owned_folder.ts";
import { type FlushedParts, type Manifest, offsetOfPart, parseManifest } from "./manifest.ts";
import { ParquetTable, partitionOf, partitionPath } from "./parquet_table.ts";
import { dayOf } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";

/** What a Parquet sink is made of. */
export interface ParquetPlan {
  readonly dir: string;
  /** A part is closed at this many rows. */
  readonly partRows: number;
  /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
  readonly exactDigits: boolean;
}

const MANIFEST_NAME = "_parts.json";
/** Parts written at the same time, so that waiting for the disk overlaps with encoding. */
const WRITES_AT_ONCE = 4;
/** Events between two looks at how much memory the tables hold. */
const MEASURE_EVERY = 2048;

/**
 * Parquet files by Hive partitions: `kind=…/exchange=…/symbol=…/date=…/<offset of the first event>.parquet`, in an owned
 * folder. All open partitions are flushed together, so that everything below one offset is safe. Before a flush the
 * names of its parts are written into `_parts.json`; a part is written whole under a temporary name, synced and renamed,
 * and never over another file. Exactly once: `open` removes the parts of the latest flushes that begin at or past the
 * position, which a crash left uncommitted and which are going to be written again. It removes nothing that is not in
 * the manifest and says itself that this sink wrote it, and looks at nothing else, however large the archive is.
 */
export class ParquetSink implements Sink {
  readonly #plan: ParquetPlan;
  readonly #context: SinkContext;
  readonly #host: Host;
  readonly #folder: OwnedFolder;
  /** Open tables by partition path; `#recent` finds the table of the last day without building the path. */
  #tables = new Map<string, ParquetTable>();
  #recent = new Map<string, Map<string, Map<EventKind, ParquetTable>>>();
  #folders = new Set<string>();
  #rows = 0;
  #bytes = 0;
  #sinceMeasured = 0;
  #lastOffset: Offset = -1;
  #flushedOffset: Offset = -1;
  #flushes: readonly FlushedParts[] = [];
  /** Everything before it is in parts for good. */
  #safe: Offset = 0;
  #files = 0;
  /** Settles when no call is under way: the folder is let go after it, never before. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(plan: ParquetPlan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#host = context.host;
    this.#folder = new OwnedFolder(plan.dir, "parquet", context);
  }

  get files(): number {
    return this.#files;
  }

  async open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    await this.close();
    return await this.#track(() => this.#begin(committed, signal));
  }

  write(events: SinkBatch): Promise<void> {
    const rows = rowsOf(events);
    rows.each((batch, event) => {
      this.#rows += this.#table(batch, event).append(batch, event);
      this.#lastOffset = batch.offsets.values[event];
    });
    this.#sinceMeasured += rows.length;
    if (this.#sinceMeasured >= MEASURE_EVERY) this.#measure();
    return Promise.resolve();
  }

  get wantsFlush(): boolean {
    return this.#rows >= this.#plan.partRows || this.#bytes >= SINK_BUFFER_BYTES_MAX ||
      this.#tables.size >= SINK_PARTITIONS_MAX;
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#track(async () => {
      await this.#folder.check();
      if (this.#tables.size > 0) await this.#writeParts(signal);
      await this.#folder.check();
      this.#files += this.#tables.size;
      this.#flushedOffset = this.#lastOffset;
      this.#safe = next;
      this.#forget();
    });
  }

  async close(): Promise<void> {
    await this.#underWay;
    this.#forget();
    await this.#folder.release();
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const result = work();
    this.#underWay = result.catch(() => {});
    return result;
  }

  async #begin(committed: Offset, signal: AbortSignal): Promise<Offset> {
    this.#flushedOffset = -1;
    this.#flushes = [];
    this.#folders.clear();
    this.#safe = committed;
    const isOurs = await this.#folder.take(() => this.#adopt(committed, signal));
    const path = this.#folder.inside(MANIFEST_NAME);
    await this.#host.files.remove(`${path}.tmp`);
    const text = await this.#host.files.readText(path);
    const manifest = text === null ? null : parseManifest(text, path);
    if (manifest === null) return committed;
    if (!isOurs || manifest.journal !== this.#context.journal) {
      this.#folder.notice(`left ${this.#plan.dir} as it is: the parts that its ${MANIFEST_NAME} names are another's`);
      return committed;
    }
    this.#safe = Math.max(committed, manifest.next);
    await this.#removeUncommitted(manifest.flushes.flatMap(({ parts }) => parts), signal);
    if (manifest.flushes.length > 0) await this.#writeManifest();
    return this.#safe;
  }

  #forget(): void {
    this.#tables = new Map();
    this.#recent = new Map();
    this.#rows = 0;
    this.#bytes = 0;
    this.#sinceMeasured = 0;
  }

  #table(batch: EventBatch, event: number): ParquetTable {
    const exchange = batch.exchanges[event];
    const symbol = batch.symbols[event];
    const kind = batch.kindAt(event);
    let symbols = this.#recent.get(exchange);
    if (symbols === undefined) this.#recent.set(exchange, symbols = new Map());
    let kinds = symbols.get(symbol);
    if (kinds === undefined) symbols.set(symbol, kinds = new Map());
    const recent = kinds.get(kind);
    if (recent !== undefined && recent.partition.day === dayOf(batch.receivedTs.values[event])) return recent;
    const path = partitionPath(partitionOf(batch, event));
    let table = this.#tables.get(path);
    if (table === undefined) {
      table = new ParquetTable(batch, event, this.#plan.exactDigits);
      this.#tables.set(path, table);
    }
    kinds.set(kind, table);
    return table;
  }

  #measure(): void {
    this.#sinceMeasured = 0;
    this.#bytes = 0;
    for (const table of this.#tables.values()) this.#bytes += table.bytes;
  }

  async #writeParts(signal: AbortSignal): Promise<void> {
    const parts: [path: string, table: ParquetTable][] = [];
    for (const [partition, table] of this.#tables) parts.push([await this.#freePath(partition, table), table]);
    let first = Infinity;
    for (const [, table] of parts) first = Math.min(first, table.first.offset);
    // The flush before may be uncommitted still: its parts stay in the manifest for one more.
    this.#flushes = [...this.#flushes.slice(-1), { first, parts: parts.map(([path]) => path) }];
    signal.throwIfAborted();
    await this.#writeManifest();
    const waiting = parts.reverse();
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        signal.throwIfAborted();
        await this.#writePart(...next);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: WRITES_AT_ONCE }, work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #writePart(path: string, table: ParquetTable): Promise<void> {
    const { files } = this.#host;
    const full = this.#folder.inside(path);
    const folder = full.slice(0, full.lastIndexOf("/"));
    if (!this.#folders.has(folder)) {
      await makeFolder(files, this.#plan.dir, folder);
      if (this.#folders.size >= SINK_PARTITIONS_MAX) this.#folders.clear();
      this.#folders.add(folder);
    }
    const { journal, name: sink } = this.#context;
    await files.writeAtomic(full, table.encode({ journal, sink }));
  }

  /** Where a part can be written without writing over another file. */
  async #freePath(partition: string, table: ParquetTable): Promise<string> {
    const name = this.#partName(table);
    for (let number = 1;; number++) {
      const path = `${partition}/${number === 1 ? name : `${name}-${number}`}.parquet`;
      if (await this.#host.files.stat(this.#folder.inside(path)) === null) return path;
    }
  }

  /** A part that begins inside of a record whose first events are in an earlier part has the index in its name. */
  #partName({ first }: ParquetTable): string {
    const offset = String(first.offset).padStart(16, "0");
    if (first.offset !== this.#flushedOffset) return offset;
    return `${offset}_${String(first.index).padStart(7, "0")}`;
  }

  async #writeManifest(): Promise<void> {
    const manifest: Manifest = {
      format: 1,
      journal: this.#context.journal,
      next: this.#safe,
      flushes: this.#flushes,
    };
    await this.#host.files.writeAtomic(
      this.#folder.inside(MANIFEST_NAME),
      new TextEncoder().encode(JSON.stringify(manifest)),
    );
  }

  /** Removes parts that begin at or past the position, and what a crash left of them under their temporary names. */
  async #removeUncommitted(parts: readonly string[], signal: AbortSignal): Promise<void> {
    const { files } = this.#host;
    const changed = new Set<string>();
    for (const path of parts) {
      const offset = offsetOfPart(path);
      if (offset === null || offset < this.#safe) continue;
      signal.throwIfAborted();
      const full = this.#folder.inside(path);
      await files.remove(`${full}.tmp`);
      const bytes = await files.readBytes(full);
      if (bytes === null) continue;
      if (!names(bytes, this.#context.journal)) {
        this.#folder.notice(`left ${full} as it is: it does not say that this sink wrote it`);
        continue;
      }
      await files.remove(full);
      changed.add(full.slice(0, full.lastIndexOf("/")));
    }
    for (const folder of changed) await files.syncDir(folder);
  }

  /**
   * Puts aside, as `<part>.kept`, parts of a version that marked nothing which hold events that are going to be written
   * again. Parts past the journal's end are another's, and earlier ones are committed: they stay.
   */
  async #adopt(committed: Offset, signal: AbortSignal): Promise<void> {
    const { files } = this.#host;
    let kept = 0;
    for await (const path of this.#partsBelow("", ["kind=", "exchange=", "symbol=", "date="])) {
      const offset = offsetOfPart(path);
      if (offset === null || offset < committed || offset >= this.#context.end()) continue;
      signal.throwIfAborted();
      const full = this.#folder.inside(path);
      await files.rename(full, `${full}.kept`);
      await files.syncDir(full.slice(0, full.lastIndexOf("/")));
      kept++;
    }
    if (kept === 0) return;
    this.#folder.notice(
      `put ${kept} parts of ${this.#plan.dir} aside as *.parquet.kept: their events are written again, and nothing says ` +
        "who wrote them",
    );
  }

  async *#partsBelow(path: string, prefixes: readonly string[]): AsyncGenerator<string, void, undefined> {
    const [prefix, ...deeper] = prefixes;
    const dir = path === "" ? this.#plan.dir : this.#folder.inside(path);
    for (const { name, isDirectory } of await this.#host.files.list(dir) ?? []) {
      const below = path === "" ? name : `${path}/${name}`;
      if (prefix === undefined) yield below;
      else if (isDirectory && name.startsWith(prefix)) yield* this.#partsBelow(below, deeper);
    }
  }
}

/** Whether the footer of a Parquet file names a journal. */
function names(bytes: Uint8Array, journal: string): boolean {
  if (bytes.length < 8) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
  const footer = bytes.subarray(Math.max(0, bytes.length - 8 - length), bytes.length - 8);
  return new TextDecoder("latin1").decode(footer).includes(journal);
}
