import type { Host } from "../../host/mod.ts";
import {
  type EventBatch,
  type EventKind,
  type Offset,
  SINK_BUFFER_BYTES_MAX,
  SINK_ENCODED_BYTES_MAX,
  SINK_PARTITIONS_MAX,
} from "../../model/mod.ts";
import { makeFolder, OwnedFolder } from "../owned_folder.ts";
import { FlushSchedule } from "./flush_schedule.ts";
import { type FlushedParts, type Manifest, MANIFEST_NAME, offsetOfPart, parseManifest } from "./manifest.ts";
import { OpenPart, sealInTurns } from "./open_part.ts";
import { type Layout, partitionOf, partitionPath } from "./partition.ts";
import { dayOf } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";

/** Options of a Parquet sink. */
export interface ParquetPlan {
  readonly dir: string;
  /** Age at which parts are closed, in ms. */
  readonly partMs: number;
  /** Parts are closed at this many rows. */
  readonly partRows: number;
  /** Most files of an hour; to keep it, parts wait. */
  readonly filesPerHour: number;
  /** Null for the layout in which the folder was begun. */
  readonly layout: Layout | null;
  /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
  readonly exactDigits: boolean;
}

/** Parts written at the same time, so that disk writes overlap with encoding. */
const WRITES_AT_ONCE = 4;
/** Part of a memory bound that remains used after the largest parts were encoded or written. */
const LEFT = 1 / 2;

/**
 * Parquet files by Hive partitions: `kind=…/exchange=…/date=…/<offset of the first event>.parquet`, in an owned folder.
 * Memory is bounded over all open parts: where events fill theirs, the largest parts are encoded, and where encoded row
 * groups fill theirs, the largest parts are written. All others are flushed together, so that everything below one
 * offset is safe. Before parts are written their names are written into `_parts.json`; a part is written whole under a
 * temporary name, synced and renamed, and never over another file. Exactly once: `open` removes the parts that begin at
 * or past the position, which a crash left uncommitted and which are going to be written again: those of the latest
 * flush and what was written before the next one. It removes nothing that is not in the manifest and says itself that
 * this sink wrote it, and looks at nothing else, however large the archive is.
 */
export class ParquetSink implements Sink {
  readonly #plan: ParquetPlan;
  readonly #context: SinkContext;
  readonly #host: Host;
  readonly #folder: OwnedFolder;
  /** Open parts by partition path; `#recent` finds the part of the last day without building the path. */
  readonly #parts = new Map<string, OpenPart>();
  readonly #recent = new Map<string, Map<string, Map<EventKind, OpenPart>>>();
  #folders = new Set<string>();
  readonly #schedule: FlushSchedule;
  #layout: Layout;
  #rows = 0;
  #openBytes = 0;
  #encodedBytes = 0;
  #lastOffset: Offset = -1;
  #writtenOffset: Offset = -1;
  /** The latest flush, which may not be committed yet. */
  #flushed: FlushedParts | null = null;
  /** What has been written since. */
  #early: FlushedParts | null = null;
  /** Everything before this offset is safe in parts. */
  #safe: Offset = 0;
  #files = 0;
  /** Resolves when no part is being encoded. */
  #sealing: Promise<void> = Promise.resolve();
  /** Resolves when no call is under way; only then the folder is released. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(plan: ParquetPlan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#host = context.host;
    this.#folder = new OwnedFolder(plan.dir, "parquet", context);
    this.#schedule = new FlushSchedule({ everyMs: plan.partMs, filesPerHour: plan.filesPerHour });
    this.#layout = plan.layout ?? "exchange";
  }

  get files(): number {
    return this.#files;
  }

  async open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    await this.close();
    return await this.#track(() => this.#begin(committed, signal));
  }

  async write(events: SinkBatch, signal: AbortSignal): Promise<void> {
    this.#schedule.begin(this.#host.clock.monotonicMs());
    rowsOf(events).each((batch, event) => {
      const part = this.#part(batch, event);
      this.#rows -= part.rows;
      this.#openBytes -= part.openBytes;
      part.append(batch, event);
      this.#rows += part.rows;
      this.#openBytes += part.openBytes;
      this.#lastOffset = batch.offsets.values[event];
    });
    if (this.#openBytes >= SINK_BUFFER_BYTES_MAX) await this.#track(() => this.#sealLargest(signal));
    if (this.#encodedBytes < SINK_ENCODED_BYTES_MAX) return;
    await this.#track(() => this.#writeParts(this.#largest("encodedBytes", SINK_ENCODED_BYTES_MAX), signal));
  }

  get wantsFlush(): boolean {
    const isLarge = this.#rows >= this.#plan.partRows;
    return this.#parts.size >= SINK_PARTITIONS_MAX ||
      this.#schedule.isDue(this.#host.clock.monotonicMs(), { parts: this.#parts.size, isLarge });
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#track(async () => {
      await this.#folder.check();
      await this.#writeParts([...this.#parts], signal);
      await this.#folder.check();
      if (this.#early !== null) this.#flushed = this.#early;
      this.#early = null;
      this.#safe = next;
      this.#schedule.end();
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
    this.#writtenOffset = -1;
    this.#flushed = null;
    this.#early = null;
    this.#folders.clear();
    this.#safe = committed;
    const isOurs = await this.#folder.take(() => this.#adopt(committed, signal));
    const path = this.#folder.inside(MANIFEST_NAME);
    await this.#host.files.remove(`${path}.tmp`);
    const text = await this.#host.files.readText(path);
    const manifest = text === null ? null : parseManifest(text, path);
    await this.#chooseLayout(manifest);
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

  /**
   * Readers want one layout in a folder: one that was begun by symbol goes on so, until configuration says otherwise.
   */
  async #chooseLayout(manifest: Manifest | null): Promise<void> {
    const begun = manifest?.layout ?? (await this.#hasSymbolFolders() ? "symbol" : null);
    this.#layout = this.#plan.layout ?? begun ?? "exchange";
    if (begun === null || begun === this.#layout) return;
    this.#folder.notice(
      `writes parts by ${this.#layout} into ${this.#plan.dir}, which holds parts by ${begun}: readers that take ` +
        "partitions from paths cannot read both at once",
    );
  }

  async #hasSymbolFolders(): Promise<boolean> {
    for await (const _found of this.#partsBelow("", ["kind=", "exchange=", "symbol="])) return true;
    return false;
  }

  #forget(): void {
    this.#parts.clear();
    this.#recent.clear();
    this.#rows = 0;
    this.#openBytes = 0;
    this.#encodedBytes = 0;
    this.#schedule.drop();
  }

  #part(batch: EventBatch, event: number): OpenPart {
    const exchange = batch.exchanges[event];
    const symbol = this.#layout === "symbol" ? batch.symbols[event] : "";
    const kind = batch.kindAt(event);
    let symbols = this.#recent.get(exchange);
    if (symbols === undefined) this.#recent.set(exchange, symbols = new Map());
    let kinds = symbols.get(symbol);
    if (kinds === undefined) symbols.set(symbol, kinds = new Map());
    const recent = kinds.get(kind);
    if (recent !== undefined && recent.partition.day === dayOf(batch.receivedTs.values[event])) return recent;
    const partition = partitionOf(batch, event, this.#layout);
    const path = partitionPath(partition);
    let part = this.#parts.get(path);
    if (part === undefined) {
      part = new OpenPart({
        partition,
        first: { offset: batch.offsets.values[event], index: batch.indexes.values[event] },
        sinceMs: this.#host.clock.monotonicMs(),
        exactDigits: this.#plan.exactDigits,
        symbolColumn: this.#layout === "exchange",
        collector: this.#context.collector,
      });
      this.#parts.set(path, part);
    }
    kinds.set(kind, part);
    return part;
  }

  /** Parts that hold most, the older first where they are alike, until what the others hold is well below a bound. */
  #largest(held: "openBytes" | "encodedBytes", bound: number): (readonly [path: string, part: OpenPart])[] {
    const parts = [...this.#parts].sort(([, a], [, b]) => b[held] - a[held] || a.sinceMs - b.sinceMs);
    let left = parts.reduce((sum, [, part]) => sum + part[held], 0);
    const chosen: (readonly [path: string, part: OpenPart])[] = [];
    for (const entry of parts) {
      if (left <= bound * LEFT) break;
      chosen.push(entry);
      left -= entry[1][held];
    }
    return chosen;
  }

  async #sealLargest(signal: AbortSignal): Promise<void> {
    for (const [, part] of this.#largest("openBytes", SINK_BUFFER_BYTES_MAX)) {
      signal.throwIfAborted();
      await this.#seal(part);
    }
  }

  /** Encodes a part when those before it are: together they would only hold more memory. */
  #seal(part: OpenPart): Promise<void> {
    const sealed = this.#sealing.then(() => this.#sealNext(part));
    this.#sealing = sealed.catch(() => {});
    return sealed;
  }

  async #sealNext(part: OpenPart): Promise<void> {
    const { openBytes, encodedBytes } = part;
    await sealInTurns(part, this.#host.clock);
    this.#openBytes += part.openBytes - openBytes;
    this.#encodedBytes += part.encodedBytes - encodedBytes;
  }

  /** Writes parts, which are open no more then; they count as uncommitted until the flush after the next one. */
  async #writeParts(parts: readonly (readonly [path: string, part: OpenPart])[], signal: AbortSignal): Promise<void> {
    if (parts.length === 0) return;
    const named: [path: string, part: OpenPart][] = [];
    for (const [partition, part] of parts) named.push([await this.#freePath(partition, part), part]);
    let first = this.#early?.first ?? Infinity;
    for (const [, part] of named) first = Math.min(first, part.first.offset);
    this.#early = { first, parts: [...this.#early?.parts ?? [], ...named.map(([path]) => path)] };
    signal.throwIfAborted();
    await this.#writeManifest();
    const waiting = named.reverse();
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        signal.throwIfAborted();
        await this.#writePart(...next);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: WRITES_AT_ONCE }, work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    for (const [path, part] of parts) this.#close(path, part);
    this.#writtenOffset = this.#lastOffset;
    this.#schedule.spend(parts.length, this.#host.clock.monotonicMs());
  }

  /** Lets go of a part that was written. */
  #close(path: string, part: OpenPart): void {
    this.#parts.delete(path);
    this.#rows -= part.rows;
    this.#openBytes -= part.openBytes;
    this.#encodedBytes -= part.encodedBytes;
    this.#files++;
    const { kind, exchange, symbol } = part.partition;
    const kinds = this.#recent.get(exchange)?.get(symbol ?? "");
    if (kinds?.get(kind) === part) kinds.delete(kind);
  }

  async #writePart(path: string, part: OpenPart): Promise<void> {
    const { files } = this.#host;
    const full = this.#folder.inside(path);
    const folder = full.slice(0, full.lastIndexOf("/"));
    if (!this.#folders.has(folder)) {
      await makeFolder(files, this.#plan.dir, folder);
      if (this.#folders.size >= SINK_PARTITIONS_MAX) this.#folders.clear();
      this.#folders.add(folder);
    }
    const { journal, name: sink } = this.#context;
    await this.#seal(part);
    await files.writeAtomic(full, part.pieces({ journal, sink }));
  }

  /** Where a part can be written without writing over another file. */
  async #freePath(partition: string, part: OpenPart): Promise<string> {
    const name = this.#partName(part);
    for (let number = 1;; number++) {
      const path = `${partition}/${number === 1 ? name : `${name}-${number}`}.parquet`;
      if (await this.#host.files.stat(this.#folder.inside(path)) === null) return path;
    }
  }

  /** A part that begins inside of a record whose first events are in an earlier part has the index in its name. */
  #partName({ first }: OpenPart): string {
    const offset = String(first.offset).padStart(16, "0");
    if (first.offset !== this.#writtenOffset) return offset;
    return `${offset}_${String(first.index).padStart(7, "0")}`;
  }

  async #writeManifest(): Promise<void> {
    const manifest: Manifest = {
      format: 1,
      journal: this.#context.journal,
      next: this.#safe,
      layout: this.#layout,
      flushes: [this.#flushed, this.#early].filter((flush) => flush !== null),
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
    for await (const path of this.#allParts()) {
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

  async *#allParts(): AsyncGenerator<string, void, undefined> {
    yield* this.#partsBelow("", ["kind=", "exchange=", "date="]);
    yield* this.#partsBelow("", ["kind=", "exchange=", "symbol=", "date="]);
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
