import { deriveRecord, Pipeline, PlanStore } from "../derive/mod.ts";
import type { Host } from "../host/mod.ts";
import { CollectorNames, listJournal, type NamedStretch, readJournal } from "../journal/mod.ts";
import {
  EventBatch,
  EventRows,
  Failure,
  type Micros,
  type Offset,
  type Plan,
  SINK_BATCH_EVENTS_MAX,
  type SinkPlan,
} from "../model/mod.ts";
import { createSink, RowsBatch, type Sink } from "../sink/mod.ts";
import { PlanChange, type PlanVersions, versionAt } from "./plan_versions.ts";

/** How long reading goes on after the last day, because the clock may have been set back. */
const READ_ON_MICROS = 3_600_000_000;

/** Options of the derivation. */
export interface DerivedDays {
  readonly host: Host;
  /** Folders of one journal, the archive before the journal itself. */
  readonly sources: readonly string[];
  readonly journal: string;
  /** Receive times: first event, and end (exclusive). */
  readonly from: Micros;
  readonly to: Micros;
  readonly wants: (exchange: string) => boolean;
  readonly versions: ReadonlyMap<string, PlanVersions>;
  readonly run: Pick<Plan, "dedup" | "bookTops">;
  /** A parquet sink into a new folder. */
  readonly sink: SinkPlan;
  readonly pause: () => Promise<void>;
  readonly tell: (text: string) => void;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** What the sources hold. */
export interface DerivedRange {
  readonly first: Offset;
  /** Offset after the last record. */
  readonly next: Offset;
  readonly events: number;
}

/** Derives the events of some days again and writes them with a sink. */
export async function deriveDays(days: DerivedDays): Promise<DerivedRange> {
  const { host, from, to, wants, pause } = days;
  const { starts, first, end } = await startsOf(days);
  const change = new PlanChange(days.versions, days.run);
  let now: Micros = from;
  const { dedup, bookTops } = days.run;
  // Sessions from before the first record name their plans in the checkpoint; today's plans replace those.
  const store = new PlanStore((frames) => {
    const versions = days.versions.get(frames.exchange);
    return versions === undefined ? frames : versionAt(versions, now);
  });
  const unnamed = [...days.versions.values()].map((versions) => versions.now);
  const pipeline = new Pipeline(unnamed, dedup, bookTops, store);
  const sessions = new Map<number, { readonly exchange: string; readonly at: Micros }>();
  const names = await CollectorNames.load(host.files, days.sources[days.sources.length - 1]);
  const writer = new DayWriter(days, (offset) => names.at(offset));
  let next: Offset = first;
  let batch = new EventBatch();
  const hand = async () => {
    if (batch.length > 0) await writer.write(batch);
    batch = new EventBatch();
    days.onProgress?.({ doneBytes: next - first, totalBytes: end - first });
    await pause();
  };
  try {
    reading:
    for (const { dir, offset: start } of starts) {
      for await (const chunk of readJournal(host.files, dir, { from: start })) {
        let isOver = chunk.length > 0;
        for (const { offset, record } of chunk) {
          if (record.at < to + READ_ON_MICROS) isOver = false;
          if (offset < next) continue;
          next = offset + 1;
          now = record.at;
          const session = "session" in record && record.session !== null ? sessions.get(record.session) : undefined;
          const exchange = "exchange" in record ? record.exchange : session?.exchange ?? null;
          if (record.kind === "opened") sessions.set(offset, { exchange: record.exchange, at: record.at });
          if (record.kind === "closed") sessions.delete(record.session);
          const { record: changed, plan } = change.change(record, session?.at ?? null, exchange);
          if (plan !== null) store.add(plan.hash, plan.body);
          const { events } = deriveRecord(pipeline, offset, changed);
          for (let event = 0; event < events.length; event++) {
            const at = events.receivedTs.values[event];
            if (at >= from && at < to && wants(events.exchanges[event])) batch.copy(events, event);
          }
        }
        if (batch.length >= SINK_BATCH_EVENTS_MAX / 2) await hand();
        else await pause();
        if (isOver) break reading;
      }
    }
    await hand();
    await writer.flush();
  } finally {
    await writer.close();
  }
  return { first, next, events: writer.events };
}

/** Returns where to read each source from: the segment in which the first day begins, else its first one. */
async function startsOf({ host, sources, from }: DerivedDays) {
  const starts: { readonly dir: string; readonly offset: Offset }[] = [];
  let first: Offset | null = null;
  let end = 0;
  for (const dir of sources) {
    const segments = await listJournal(host.files, dir);
    const begun = segments.findLast(({ createdAt }) => createdAt !== null && createdAt <= from) ?? segments[0];
    if (begun === undefined) continue;
    starts.push({ dir, offset: begun.firstOffset });
    first ??= begun.firstOffset;
    end = Math.max(end, segments[segments.length - 1].nextOffset);
  }
  if (first === null) throw new Failure("file", "Cannot rebuild: no source holds a segment", { retry: false });
  // A later source that reaches back as far makes earlier ones unnecessary; otherwise it is read from the end of the
  // earlier one.
  return { starts, first, end };
}

/** Writes events as the collector's sink does, but cuts files by rows alone, so that equal events give equal files. */
class DayWriter {
  readonly #days: DerivedDays;
  readonly #nameAt: (offset: Offset) => NamedStretch;
  readonly #signal = new AbortController().signal;
  #stretch: NamedStretch | null = null;
  #sink: Sink | null = null;
  #next: Offset = 0;
  events = 0;

  constructor(days: DerivedDays, nameAt: (offset: Offset) => NamedStretch) {
    this.#days = days;
    this.#nameAt = nameAt;
  }

  async write(batch: EventBatch): Promise<void> {
    const { values: offsets } = batch.offsets;
    for (let start = 0; start < batch.length;) {
      const sink = await this.#sinkAt(offsets[start]);
      const until = this.#stretch?.until ?? Infinity;
      let end = start + 1;
      while (end < batch.length && offsets[end] < until) end++;
      const rows = new EventRows();
      rows.add(batch, start, end);
      this.#next = offsets[end - 1] + 1;
      await sink.write(new RowsBatch(rows, offsets[start], this.#next), this.#signal);
      this.events += end - start;
      if (sink.wantsFlush) await this.flush();
      start = end;
    }
  }

  async flush(): Promise<void> {
    await this.#sink?.flush(this.#next, this.#signal);
  }

  async close(): Promise<void> {
    await this.#sink?.close();
  }

  async #sinkAt(offset: Offset): Promise<Sink> {
    const isNamed = this.#stretch !== null && (this.#stretch.until === null || offset < this.#stretch.until);
    if (this.#sink !== null && isNamed) return this.#sink;
    await this.flush();
    await this.close();
    const { host, sink: plan, journal, tell } = this.#days;
    this.#stretch = this.#nameAt(offset);
    this.#sink = createSink(plan, {
      // A cut by time would depend on the machine's speed.
      host: { ...host, clock: standing(host.clock) },
      name: plan.name,
      collector: this.#stretch.name,
      journal,
      sinks: [plan.name],
      end: () => this.#next,
      observe: (seen) => {
        if (seen.kind === "sink_notice") tell(seen.text);
      },
    });
    await this.#sink.open(offset, this.#signal);
    return this.#sink;
  }
}

function standing(clock: Host["clock"]): Host["clock"] {
  return {
    nowMicros: () => clock.nowMicros(),
    nowMs: () => clock.nowMs(),
    monotonicMs: () => 0,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, call) => clock.after(ms, call),
  };
}
