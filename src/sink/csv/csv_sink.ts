import type { Host } from "../../host/mod.ts";
import type { Envelope, EventKind, Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { CSV_TABLES, csvRecord, csvRecords } from "./csv_rows.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";
import type { Sink } from "../sink.ts";

/** Most time records wait in memory, in ms. */
const FLUSH_MS = 1000;

/**
 * CSV, one file a table, exchange, symbol and day of `received_ts` (UTC), each beginning with the column names:
 * `trades/binance/BTC-USDT/2026-11-22.csv`. See `AppendedFiles` and `CSV_TABLES`.
 */
export class CsvSink implements Sink {
  readonly type = "csv";
  readonly name: string;
  readonly #host: Host;
  readonly #records: AppendedFiles;
  readonly #kinds: ReadonlySet<EventKind> | null;
  #startedMs: number | null = null;

  constructor(
    plan: { readonly name: string; readonly kinds: readonly EventKind[] | null; readonly dir: string },
    host: Host,
  ) {
    this.name = plan.name;
    this.#host = host;
    this.#records = new AppendedFiles(host.files, plan.dir);
    this.#kinds = plan.kinds === null ? null : new Set(plan.kinds);
  }

  get files(): number {
    return this.#records.count;
  }

  async open(from: Offset): Promise<void> {
    this.#startedMs = null;
    await this.#records.open(from);
  }

  async write(batch: readonly Envelope[]): Promise<void> {
    if (batch.length > 0) this.#startedMs ??= this.#host.clock.nowMs();
    for (const envelope of batch) {
      const { event, exchange, symbol, received_ts, offset } = envelope;
      if (this.#kinds !== null && !this.#kinds.has(event.kind)) continue;
      const { folder, columns } = CSV_TABLES[event.kind];
      this.#records.append({
        path: `${folder}/${exchangePart(exchange)}/${pathPart(symbol)}/${dateOfDay(dayOf(received_ts))}.csv`,
        text: csvRecords(envelope),
        offset,
        header: csvRecord(columns),
      });
    }
    await this.#records.spill();
  }

  wantsFlush(nowMs: number): boolean {
    return this.#startedMs !== null && Math.abs(nowMs - this.#startedMs) >= FLUSH_MS;
  }

  async flush(): Promise<void> {
    await this.#records.flush();
    this.#startedMs = null;
  }

  async close(): Promise<void> {
    this.#startedMs = null;
    await this.#records.close();
  }
}
