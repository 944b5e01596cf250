import type { Host } from "../host/mod.ts";
import { type EventBatch, EventRows, type Offset, type SinkPlan } from "../model/mod.ts";
import type { NamedStretch } from "../journal/mod.ts";
import { createSink, type FlushPolicy, RowsBatch, type Sink, sinkTypeOf } from "../sink/mod.ts";

/**
 * Feeds a sink from one replay: opens it at the first event, flushes it by its policy and at the end. A failure ends
 * the replay.
 */
export class ReplaySink {
  readonly #host: Host;
  readonly #plan: SinkPlan;
  readonly #journal: string;
  readonly #collectorAt: (offset: Offset) => NamedStretch;
  /** The collector's name for the events, and the offset up to which it holds. */
  #stretch: NamedStretch;
  #sink: Sink;
  readonly #policy: FlushPolicy;
  readonly #abort = new AbortController();
  /** The offset after the last event; null before the first. */
  #next: Offset | null = null;
  #unflushed = 0;
  #sinceMs = 0;

  constructor(host: Host, plan: SinkPlan, collectorAt: (offset: Offset) => NamedStretch) {
    this.#host = host;
    this.#plan = plan;
    this.#journal = host.random.uuid();
    this.#policy = sinkTypeOf(plan).flush(plan);
    this.#collectorAt = collectorAt;
    this.#stretch = collectorAt(0);
    this.#sink = this.#create();
  }

  #create(): Sink {
    const host = this.#host;
    const plan = this.#plan;
    return createSink(plan, {
      host,
      name: plan.name,
      collector: this.#stretch.name,
      journal: this.#journal,
      sinks: [plan.name],
      end: () => this.#next ?? 0,
      observe: ({ kind, ...seen }) => {
        if (kind === "sink_notice" && "text" in seen) host.terminal.printError(seen.text);
      },
    });
  }

  /** Hands over events in order; `collector` is who collected them all if the events themselves say so. */
  async write(events: EventBatch, collector?: string | null): Promise<void> {
    const { values: offsets } = events.offsets;
    if (collector !== undefined && collector !== this.#stretch.name && events.length > 0) {
      await this.#change({ name: collector, until: null });
    }
    for (let start = 0; start < events.length;) {
      if (this.#stretch.until !== null && offsets[start] >= this.#stretch.until) {
        await this.#change(this.#collectorAt(offsets[start]));
      }
      const { until } = this.#stretch;
      let end = start + 1;
      while (end < events.length && (until === null || offsets[end] < until)) end++;
      await this.#write(events, start, end);
      start = end;
    }
  }

  /** Replaces the sink, for events collected under another name. */
  async #change(stretch: NamedStretch): Promise<void> {
    await this.flush();
    await this.#sink.close();
    this.#stretch = stretch;
    this.#sink = this.#create();
    if (this.#next !== null) await this.#sink.open(this.#next, this.#abort.signal);
  }

  async #write(events: EventBatch, start: number, end: number): Promise<void> {
    const { values: offsets } = events.offsets;
    const { signal } = this.#abort;
    const from = this.#next ?? await this.#sink.open(offsets[start], signal);
    const next = offsets[end - 1] + 1;
    this.#next = next;
    if (this.#unflushed === 0) this.#sinceMs = this.#host.clock.monotonicMs();
    this.#unflushed += end - start;
    const rows = new EventRows();
    rows.add(events, start, end);
    await this.#sink.write(new RowsBatch(rows, from, next), signal);
    if (this.#isDue()) await this.flush();
  }

  /** Makes everything written safe. */
  async flush(): Promise<void> {
    if (this.#next === null) return;
    await this.#sink.flush(this.#next, this.#abort.signal);
    this.#unflushed = 0;
  }

  close(): Promise<void> {
    return this.#sink.close();
  }

  #isDue(): boolean {
    const { everyMs, events } = this.#policy;
    return this.#sink.wantsFlush || this.#host.clock.monotonicMs() - this.#sinceMs >= everyMs ||
      (events !== null && this.#unflushed >= events);
  }
}
