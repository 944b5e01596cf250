import type { Host } from "../../host/mod.ts";
import type { Envelope, EventKind, Offset } from "../../model/mod.ts";
import { AppendedFiles } from "../appended_files.ts";
import { eventJson } from "../event_json.ts";
import { dateOfDay, dayOf } from "../path_part.ts";
import type { Sink } from "../sink.ts";

/** Most time lines wait in memory, in ms. */
const FLUSH_MS = 1000;

/** JSON Lines, one file a kind and day of `received_ts` (UTC): `trade/2026-11-22.ndjson`. See `AppendedFiles`. */
export class NdjsonSink implements Sink {
  readonly type = "ndjson";
  readonly name: string;
  readonly #host: Host;
  readonly #lines: AppendedFiles;
  readonly #kinds: ReadonlySet<EventKind> | null;
  #startedMs: number | null = null;

  constructor(
    plan: { readonly name: string; readonly kinds: readonly EventKind[] | null; readonly dir: string },
    host: Host,
  ) {
    this.name = plan.name;
    this.#host = host;
    this.#lines = new AppendedFiles(host.files, plan.dir);
    this.#kinds = plan.kinds === null ? null : new Set(plan.kinds);
  }

  get files(): number {
    return this.#lines.count;
  }

  async open(from: Offset): Promise<void> {
    this.#startedMs = null;
    await this.#lines.open(from);
  }

  async write(batch: readonly Envelope[]): Promise<void> {
    if (batch.length > 0) this.#startedMs ??= this.#host.clock.nowMs();
    for (const envelope of batch) {
      const { event, received_ts, offset } = envelope;
      if (this.#kinds !== null && !this.#kinds.has(event.kind)) continue;
      this.#lines.append({
        path: `${event.kind}/${dateOfDay(dayOf(received_ts))}.ndjson`,
        text: `${eventJson(envelope)}\n`,
        offset,
        header: "",
      });
    }
    await this.#lines.spill();
  }

  wantsFlush(nowMs: number): boolean {
    return this.#startedMs !== null && Math.abs(nowMs - this.#startedMs) >= FLUSH_MS;
  }

  async flush(): Promise<void> {
    await this.#lines.flush();
    this.#startedMs = null;
  }

  async close(): Promise<void> {
    this.#startedMs = null;
    await this.#lines.close();
  }
}
