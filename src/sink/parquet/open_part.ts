import type { Clock } from "../../host/mod.ts";
import {
  EventBatch,
  hasLevels,
  type Offset,
  ROW_GROUP_BYTES_MAX,
  ROW_GROUP_ROWS_MAX,
  ROW_GROUP_ROWS_MIN,
} from "../../model/mod.ts";
import { parquetPieces, type RowGroup } from "./parquet_file.ts";
import { ParquetTable, type TableOptions } from "./parquet_table.ts";
import type { Partition } from "./partition.ts";
import { compareBytes } from "./text_columns.ts";

/** Events between two checks of the size of a row group. */
const MEASURE_EVERY = 256;
/** Rows put into columns in one slice of work. */
const ROWS_A_SLICE = 4096;

/**
 * A part under construction: events in the order of arrival, and behind them row groups that were encoded already to
 * take less memory. Each time events are encoded they are sorted by symbol (those of a symbol stay in order), and a row
 * group ends where a symbol does as soon as it is worth it: its bounds tell readers which symbols it may hold.
 */
export class OpenPart {
  readonly partition: Partition;
  /** Identity of the first event; the file's name. */
  readonly first: { readonly offset: Offset; readonly index: number };
  /** When the first event was added, by the monotonic clock, in ms. */
  readonly sinceMs: number;
  rows = 0;
  readonly #options: TableOptions;
  readonly #events = new EventBatch();
  /** Estimated memory of unencoded events, in bytes. */
  openBytes = 0;
  readonly #groups: RowGroup[] = [];
  /** Memory of row groups, in bytes. */
  encodedBytes = 0;

  constructor(
    options: TableOptions & {
      readonly partition: Partition;
      readonly first: { readonly offset: Offset; readonly index: number };
      readonly sinceMs: number;
    },
  ) {
    this.partition = options.partition;
    this.first = options.first;
    this.sinceMs = options.sinceMs;
    this.#options = options;
  }

  /** Adds an event of this partition. */
  append(batch: EventBatch, event: number): void {
    this.#events.copy(batch, event);
    this.openBytes += batch.weigh(event);
    this.rows += rowsOf(batch, event);
  }

  /** Encodes the unencoded events. Yields after each slice the rows put into columns, or encoded of one column. */
  *seal(): Generator<number, void, undefined> {
    const batch = this.#events;
    const { symbols } = batch;
    const table = new ParquetTable(this.partition.kind, this.#options);
    let symbol: string | null = null;
    let sinceMeasured = 0;
    let slicedAt = 0;
    for (const event of orderBySymbol(batch)) {
      const isNext = symbols[event] !== symbol;
      const isFull = table.rows >= (isNext ? ROW_GROUP_ROWS_MIN : ROW_GROUP_ROWS_MAX) ||
        (sinceMeasured >= MEASURE_EVERY && table.bytes >= ROW_GROUP_BYTES_MAX);
      if (isFull) {
        this.#add(yield* table.encode());
        table.clear();
      }
      if (isFull || sinceMeasured >= MEASURE_EVERY) sinceMeasured = 0;
      if (table.rows >= slicedAt + ROWS_A_SLICE || table.rows < slicedAt) {
        yield table.rows - Math.min(slicedAt, table.rows);
        slicedAt = table.rows;
      }
      table.append(batch, event);
      symbol = symbols[event];
      sinceMeasured++;
    }
    if (table.rows > 0) this.#add(yield* table.encode());
    // A part that is sealed on the way fills again to about the same size.
    batch.clear();
    this.openBytes = 0;
  }

  /** Returns the pieces of the sealed file. Its footer names its content and its owner. */
  pieces(owner: { readonly journal: string; readonly sink: string }): readonly Uint8Array[] {
    const { kind, exchange, symbol } = this.partition;
    const { columns } = new ParquetTable(kind, this.#options);
    const notes = { kind, exchange, ...(symbol === null ? {} : { symbol }), ...owner };
    if (this.#events.length > 0) throw new Error("A part is written before it is sealed");
    return parquetPieces(columns, { groups: this.#groups, notes });
  }

  #add(group: RowGroup): void {
    this.#groups.push(group);
    this.encodedBytes += group.bytes.length;
  }
}

/** Encodes the unencoded events of a part in slices; sockets are read in between. */
export async function sealInTurns(part: OpenPart, clock: Pick<Clock, "turn">): Promise<void> {
  for (const _slice of part.seal()) await clock.turn?.();
}

/** Returns the events of a batch ordered by symbol; events of one symbol keep their order. */
function orderBySymbol({ length, symbols }: EventBatch): readonly number[] {
  const bySymbol = new Map<string, number[]>();
  for (let event = 0; event < length; event++) {
    const same = bySymbol.get(symbols[event]);
    if (same === undefined) bySymbol.set(symbols[event], [event]);
    else same.push(event);
  }
  return [...bySymbol].sort(([left], [right]) => compareBytes(left, right)).flatMap(([, same]) => same);
}

/** Returns the number of rows of an event. */
function rowsOf(batch: EventBatch, event: number): number {
  const kind = batch.kindAt(event);
  if (!hasLevels(kind)) return 1;
  const { bids, asks } = batch.table(kind);
  const row = batch.rows[event];
  return Math.max(1, bids.count(row) + asks.count(row));
}
