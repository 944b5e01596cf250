import type { Host } from "../../host/mod.ts";
import {
  type Envelope,
  type EventKind,
  type Offset,
  SINK_BUFFER_BYTES_MAX,
  SINK_PARTITIONS_MAX,
} from "../../model/mod.ts";
import { makeFolder } from "../folders.ts";
import { ParquetTable, partitionOf, partitionPath } from "./parquet_table.ts";
import { dayOf } from "../path_part.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";

/** What a Parquet sink is made of. */
export interface ParquetPlan {
  readonly dir: string;
  /** A part is closed at this many rows. */
  readonly partRows: number;
  /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
  readonly exactDigits: boolean;
}

const PART_NAME = /^(\d{16})(?:_\d+)?\.parquet(\.tmp)?$/;
/** Parts written at the same time, so that waiting for the disk overlaps with encoding. */
const WRITES_AT_ONCE = 4;
/** Events between two looks at how much memory the tables hold. */
const MEASURE_EVERY = 2048;

/**
 * Parquet files by Hive partitions: `kind=…/exchange=…/symbol=…/date=…/<offset of the first event>.parquet`. All open
 * partitions are flushed together, so that everything below one offset is safe. A part is written whole under a
 * temporary name, synced and renamed. Exactly once: `open(from)` removes the parts that begin at or past `from`, which
 * a crash left uncommitted and which are going to be written again, and temporary files; it touches no others.
 */
export class ParquetSink implements Sink {
  readonly #plan: ParquetPlan;
  readonly #host: Host;
  /** Open tables by partition path; `#recent` finds the table of the last day without building the path. */
  #tables = new Map<string, ParquetTable>();
  #recent = new Map<string, Map<string, Map<EventKind, ParquetTable>>>();
  #folders = new Set<string>();
  #rows = 0;
  #bytes = 0;
  #sinceMeasured = 0;
  #lastOffset: Offset = -1;
  #flushedOffset: Offset = -1;
  #files = 0;

  constructor(plan: ParquetPlan, { host }: SinkContext) {
    this.#plan = plan;
    this.#host = host;
  }

  get files(): number {
    return this.#files;
  }

  async open(from: Offset): Promise<Offset> {
    this.#forget();
    this.#flushedOffset = -1;
    this.#folders.clear();
    await makeFolder(this.#host.files, this.#plan.dir, this.#plan.dir);
    await this.#takeBack(this.#plan.dir, from, ["kind=", "exchange=", "symbol=", "date="]);
    return from;
  }

  write({ events }: SinkBatch): Promise<void> {
    for (const envelope of events) {
      this.#rows += this.#table(envelope).append(envelope);
      this.#lastOffset = envelope.offset;
    }
    this.#sinceMeasured += events.length;
    if (this.#sinceMeasured >= MEASURE_EVERY) this.#measure();
    return Promise.resolve();
  }

  get wantsFlush(): boolean {
    return this.#rows >= this.#plan.partRows || this.#bytes >= SINK_BUFFER_BYTES_MAX ||
      this.#tables.size >= SINK_PARTITIONS_MAX;
  }

  async flush(): Promise<void> {
    const waiting = [...this.#tables].reverse();
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.#writePart(...next);
    };
    const results = await Promise.allSettled(Array.from({ length: WRITES_AT_ONCE }, work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    this.#files += this.#tables.size;
    this.#flushedOffset = this.#lastOffset;
    this.#forget();
  }

  close(): Promise<void> {
    this.#forget();
    return Promise.resolve();
  }

  #forget(): void {
    this.#tables = new Map();
    this.#recent = new Map();
    this.#rows = 0;
    this.#bytes = 0;
    this.#sinceMeasured = 0;
  }

  #table(envelope: Envelope): ParquetTable {
    const { exchange, symbol, event } = envelope;
    let symbols = this.#recent.get(exchange);
    if (symbols === undefined) this.#recent.set(exchange, symbols = new Map());
    let kinds = symbols.get(symbol);
    if (kinds === undefined) symbols.set(symbol, kinds = new Map());
    const recent = kinds.get(event.kind);
    if (recent !== undefined && recent.partition.day === dayOf(envelope.received_ts)) return recent;
    const path = partitionPath(partitionOf(envelope));
    let table = this.#tables.get(path);
    if (table === undefined) {
      table = new ParquetTable(envelope, this.#plan.exactDigits);
      this.#tables.set(path, table);
    }
    kinds.set(event.kind, table);
    return table;
  }

  #measure(): void {
    this.#sinceMeasured = 0;
    this.#bytes = 0;
    for (const table of this.#tables.values()) this.#bytes += table.bytes;
  }

  async #writePart(partition: string, table: ParquetTable): Promise<void> {
    const { files } = this.#host;
    const folder = `${this.#plan.dir}/${partition}`;
    if (!this.#folders.has(folder)) {
      await makeFolder(files, this.#plan.dir, folder);
      if (this.#folders.size >= SINK_PARTITIONS_MAX) this.#folders.clear();
      this.#folders.add(folder);
    }
    await files.writeAtomic(`${folder}/${this.#partName(table)}`, table.encode());
  }

  /** A part that begins inside of a record whose first events are in an earlier part has the index in its name. */
  #partName({ first }: ParquetTable): string {
    const offset = String(first.offset).padStart(16, "0");
    if (first.offset !== this.#flushedOffset) return `${offset}.parquet`;
    return `${offset}_${String(first.index).padStart(7, "0")}.parquet`;
  }

  async #takeBack(folder: string, from: Offset, prefixes: readonly string[]): Promise<void> {
    const { files } = this.#host;
    const entries = await files.list(folder) ?? [];
    const [prefix, ...deeper] = prefixes;
    if (prefix !== undefined) {
      for (const entry of entries) {
        if (entry.isDirectory && entry.name.startsWith(prefix)) {
          await this.#takeBack(`${folder}/${entry.name}`, from, deeper);
        }
      }
      return;
    }
    let removed = false;
    for (const entry of entries) {
      const match = PART_NAME.exec(entry.name);
      if (match === null || (match[2] === undefined && Number(match[1]) < from)) continue;
      await files.remove(`${folder}/${entry.name}`);
      removed = true;
    }
    if (removed) await files.syncDir(folder);
  }
}
