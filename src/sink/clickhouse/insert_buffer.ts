import type { Envelope, Offset } from "../../model/mod.ts";
import type { Row } from "../table_rows.ts";
import type { ClickhouseTable } from "./ddl.ts";
import { jsonRows, partitionOf } from "./json_rows.ts";

/** Position of an event in the journal. */
export interface Place {
  readonly offset: Offset;
  readonly index: number;
}

/** Rows of one insert: of one partition of one table, so that ClickHouse applies them atomically. */
export interface Insert {
  readonly table: ClickhouseTable;
  readonly partition: string;
  readonly first: string;
  readonly last: string;
  readonly body: string;
}

interface Pending {
  readonly table: ClickhouseTable;
  readonly partition: string;
  readonly first: string;
  last: string;
  readonly lines: string[];
}

/**
 * Characters and rows of all inserts together from which they are sent: well below what makes ClickHouse cut a block.
 */
const BUFFER_CHARS = 16 * 1024 * 1024;
const BUFFER_ROWS = 500_000;
const DAY_MICROS = 86_400_000_000;

/** Buffers rows by table and partition, without those that ClickHouse has already. */
export class InsertBuffer {
  readonly #by: "day" | "month";
  readonly #pending = new Map<string, Pending>();
  readonly #there = new Map<string, Place>();
  /** What spells the rows of each table. */
  readonly #lines = new Map<ClickhouseTable, ReturnType<typeof jsonRows>>();
  #chars = 0;
  rows = 0;
  /** Number of the day that was looked at last, and the partition it lies in. */
  #day = NaN;
  #partition = "";

  constructor(by: "day" | "month") {
    this.#by = by;
  }

  get isFull(): boolean {
    return this.#chars >= BUFFER_CHARS || this.rows >= BUFFER_ROWS;
  }

  /** Skips events of a partition up to a position, because ClickHouse has them. */
  skipTo({ name }: ClickhouseTable, partition: string, place: Place): void {
    this.#there.set(`${name} ${partition}`, place);
  }

  /** Adds the rows of one event, which are never parted. */
  append(table: ClickhouseTable, rows: readonly Row[], { offset, index }: Envelope): void {
    const [first] = rows;
    const partition = this.#partitionOf(Number(first[table.timeAt]));
    const key = `${table.name} ${partition}`;
    const there = this.#there.get(key);
    if (there !== undefined && (offset < there.offset || (offset === there.offset && index <= there.index))) return;
    let pending = this.#pending.get(key);
    const place = `${offset}.${index}`;
    if (pending === undefined) {
      pending = { table, partition, first: place, last: place, lines: [] };
      this.#pending.set(key, pending);
    }
    pending.last = place;
    let lineOf = this.#lines.get(table);
    if (lineOf === undefined) this.#lines.set(table, lineOf = jsonRows(table));
    for (const row of rows) {
      const line = lineOf(row);
      pending.lines.push(line);
      this.#chars += line.length;
    }
    this.rows += rows.length;
  }

  /** Named once for all rows of a day. */
  #partitionOf(micros: number): string {
    const day = Math.floor(micros / DAY_MICROS);
    if (day !== this.#day) [this.#day, this.#partition] = [day, partitionOf(micros, this.#by)];
    return this.#partition;
  }

  /** Removes and returns the buffered inserts. */
  drain(): readonly Insert[] {
    const inserts = [...this.#pending.values()].map(({ lines, ...rest }) => ({ ...rest, body: lines.join("") }));
    this.#pending.clear();
    this.#chars = 0;
    this.rows = 0;
    return inserts;
  }
}
