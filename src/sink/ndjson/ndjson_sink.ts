import type { Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { eventJson } from "../event_json.ts";
import { dateOfDay, dayOf } from "../path_part.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";

/** JSON Lines, one file a kind and day of `received_ts` (UTC): `trade/2026-11-22.ndjson`. See `AppendedFiles`. */
export class NdjsonSink implements Sink {
  readonly wantsFlush = false;
  readonly #lines: AppendedFiles;

  constructor(dir: string, context: SinkContext) {
    this.#lines = new AppendedFiles(dir, "ndjson", context);
  }

  get files(): number {
    return this.#lines.count;
  }

  open(committed: Offset, signal: AbortSignal): Promise<Offset> {
    return this.#lines.open(committed, signal);
  }

  async write({ events }: SinkBatch, signal: AbortSignal): Promise<void> {
    for (const envelope of events) {
      this.#lines.append({
        path: `${envelope.event.kind}/${dateOfDay(dayOf(envelope.received_ts))}.ndjson`,
        text: `${eventJson(envelope)}\n`,
        offset: envelope.offset,
        header: "",
      });
    }
    await this.#lines.spill(signal);
  }

  flush(next: Offset, signal: AbortSignal): Promise<void> {
    return this.#lines.flush(next, signal);
  }

  close(): Promise<void> {
    return this.#lines.close();
  }
}
