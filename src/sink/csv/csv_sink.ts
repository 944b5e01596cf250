import type { EventBatch, EventKind, Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { CSV_TABLES, csvHeader, writeCsvRecords } from "./csv_rows.ts";

/** A file below the folder, and the record that it begins with. */
interface CsvFile {
  path: string;
  readonly header: string;
  /** Whether the file was checked: it has these columns or is new. */
  isFound: boolean;
}

/**
 * Writes CSV, one file per table, exchange, symbol and day of `received_ts` (UTC), beginning with the column names:
 * `trades/binance/BTC-USDT/2026-11-22.csv`. See `AppendedFiles` and `CSV_TABLES`.
 */
export class CsvSink implements Sink {
  readonly wantsFlush = false;
  readonly #records: AppendedFiles;
  /** Files of the day by exchange, symbol and kind. */
  readonly #files = new Map<string, Map<string, Map<EventKind, CsvFile>>>();
  readonly #dir: string;
  readonly #context: SinkContext;
  #day = NaN;

  constructor(dir: string, context: SinkContext) {
    this.#dir = dir;
    this.#context = context;
    this.#records = new AppendedFiles(dir, "csv", context);
  }

  get files(): number {
    return this.#records.count;
  }

  open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    return this.#records.open(committed, signal);
  }

  async write(events: SinkBatch, signal: AbortSignal): Promise<void> {
    const rows = rowsOf(events);
    const found: CsvFile[] = [];
    rows.each((batch, event) => {
      const file = this.#file(batch, event);
      if (!file.isFound) found.push(file);
    });
    for (const file of found) await this.#find(file);
    rows.each((batch, event) => {
      const { path, header } = this.#file(batch, event);
      const offset = batch.offsets.values[event];
      this.#records.write(path, header, offset, (out) => writeCsvRecords(out, batch, event, this.#context.collector));
    });
    await this.#records.spill(signal);
  }

  /** Returns the file of an event; cached for a day. */
  #file(batch: EventBatch, event: number): CsvFile {
    const [exchange, symbol, kind] = [batch.exchanges[event], batch.symbols[event], batch.kindAt(event)];
    const day = dayOf(batch.receivedTs.values[event]);
    if (day !== this.#day) {
      this.#day = day;
      this.#files.clear();
    }
    let symbols = this.#files.get(exchange);
    if (symbols === undefined) this.#files.set(exchange, symbols = new Map());
    let kinds = symbols.get(symbol);
    if (kinds === undefined) symbols.set(symbol, kinds = new Map());
    let file = kinds.get(kind);
    if (file === undefined) {
      const table = CSV_TABLES[kind];
      const path = `${table.folder}/${exchangePart(exchange)}/${pathPart(symbol)}/${dateOfDay(day)}.csv`;
      kinds.set(kind, file = { path, header: csvHeader(table), isFound: false });
    }
    return file;
  }

  /** Finds the file to append to; leaves a day's file alone that an earlier version began with other columns. */
  async #find(file: CsvFile): Promise<void> {
    const day = file.path.slice(0, -".csv".length);
    for (let nth = 2; await this.#hasOtherColumns(file); nth++) file.path = `${day}.${nth}.csv`;
    file.isFound = true;
  }

  async #hasOtherColumns({ path, header }: CsvFile): Promise<boolean> {
    const { files } = this.#context.host;
    const full = `${this.#dir}/${path}`;
    const stat = await files.stat(full);
    if (stat === null || stat.bytes === 0) return false;
    const expected = new TextEncoder().encode(header);
    const handle = await files.open(full, "read");
    try {
      const found = await handle.readAt(0, expected.length);
      return found.length !== expected.length || found.some((byte, at) => byte !== expected[at]);
    } finally {
      await handle.close();
    }
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#records.flush(next, signal);
  }

  close(): Promise<void> {
    return this.#records.close();
  }
}
