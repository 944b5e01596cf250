import type { Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { CSV_TABLES, csvRecord, csvRecords } from "./csv_rows.ts";

/**
 * CSV, one file a table, exchange, symbol and day of `received_ts` (UTC), each beginning with the column names:
 * `trades/binance/BTC-USDT/2026-11-22.csv`. See `AppendedFiles` and `CSV_TABLES`.
 */
export class CsvSink implements Sink {
  readonly wantsFlush = false;
  readonly #records: AppendedFiles;

  constructor(dir: string, context: SinkContext) {
    this.#records = new AppendedFiles(dir, "csv", context);
  }

  get files(): number {
    return this.#records.count;
  }

  open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    return this.#records.open(committed, signal);
  }

  async write({ events }: SinkBatch, signal: AbortSignal): Promise<void> {
    for (const envelope of events) {
      const { event, exchange, symbol, received_ts, offset } = envelope;
      const { folder, columns } = CSV_TABLES[event.kind];
      this.#records.append({
        path: `${folder}/${exchangePart(exchange)}/${pathPart(symbol)}/${dateOfDay(dayOf(received_ts))}.csv`,
        text: csvRecords(envelope),
        offset,
        header: csvRecord(columns),
      });
    }
    await this.#records.spill(signal);
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#records.flush(next, signal);
  }

  close(): Promise<void> {
    return this.#records.close();
  }
}
