import type { EventBatch, EventKind, Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { CSV_TABLES, csvHeader, writeCsvRecords } from "./csv_rows.ts";

/** A file below the folder, and the record that it begins with. */
interface CsvFile {
  readonly path: string;
  readonly header: string;
}

/**
 * CSV, one file a table, exchange, symbol and day of `received_ts` (UTC), each beginning with the column names:
 * `trades/binance/BTC-USDT/2026-11-22.csv`. See `AppendedFiles` and `CSV_TABLES`.
 */
export class CsvSink implements Sink {
  readonly wantsFlush = false;
  readonly #records: AppendedFiles;
  /** Files of the day by exchange, symbol and kind. */
  readonly #files = new Map<string, Map<string, Map<EventKind, CsvFile>>>();
  #day = NaN;

  constructor(dir: string, context: SinkContext) {
    this.#records = new AppendedFiles(dir, "csv", context);
  }

  get files(): number {
    return this.#records.count;
  }

  open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    return this.#records.open(committed, signal);
  }

  async write(events: SinkBatch, signal: AbortSignal): Promise<void> {
    rowsOf(events).each((batch, event) => {
      const { path, header } = this.#file(batch, event);
      const offset = batch.offsets.values[event];
      this.#records.write(path, header, offset, (out) => writeCsvRecords(out, batch, event));
    });
    await this.#records.spill(signal);
  }

  /** The file of an event; that of its stream's last event where the day is the same. */
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
      kinds.set(kind, file = { path, header: csvHeader(table) });
    }
    return file;
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#records.flush(next, signal);
  }

  close(): Promise<void> {
    return this.#records.close();
  }
}
