import type { EventBatch, Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { writeEventJson } from "../event_text.ts";
import { dateOfDay, dayOf } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";

/**
 * Writes JSON Lines, one file per kind and day of `received_ts` (UTC): `trade/2026-11-22.ndjson`. See `AppendedFiles`.
 */
export class NdjsonSink implements Sink {
  readonly wantsFlush = false;
  readonly #lines: AppendedFiles;
  readonly #paths = new DayPaths();
  readonly #collector: string | null;

  constructor(dir: string, context: SinkContext) {
    this.#lines = new AppendedFiles(dir, "ndjson", context);
    this.#collector = context.collector;
  }

  get files(): number {
    return this.#lines.count;
  }

  open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    return this.#lines.open(committed, signal);
  }

  async write(events: SinkBatch, signal: AbortSignal): Promise<void> {
    rowsOf(events).each((batch, event) => {
      const offset = batch.offsets.values[event];
      this.#lines.write(this.#paths.of(batch, event), "", offset, (out) => {
        writeEventJson(out, batch, event, this.#collector);
        out.byte(NEWLINE);
      });
    });
    await this.#lines.spill(signal);
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#lines.flush(next, signal);
  }

  close(): Promise<void> {
    return this.#lines.close();
  }
}

const NEWLINE = 10;

/** The paths of the files of the day. */
class DayPaths {
  #day = NaN;
  #date = "";
  /** By the index of the kind in EVENT_KINDS. */
  #paths: (string | null)[] = [];

  of(batch: EventBatch, event: number): string {
    const day = dayOf(batch.receivedTs.values[event]);
    if (day !== this.#day) {
      this.#day = day;
      this.#date = dateOfDay(day);
      this.#paths = [];
    }
    return this.#paths[batch.kinds[event]] ??= `${batch.kindAt(event)}/${this.#date}.ndjson`;
  }
}
