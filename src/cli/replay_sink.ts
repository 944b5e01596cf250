import type { Host } from "../host/mod.ts";
import { type EventBatch, EventRows, type Offset, type SinkPlan } from "../model/mod.ts";
import { createSink, type FlushPolicy, RowsBatch, type Sink, sinkTypeOf } from "../sink/mod.ts";

/** A sink fed by one replay: opened at the first event, flushed by its policy and at the end. Failures end the replay. */
export class ReplaySink {
  readonly #host: Host;
  readonly #sink: Sink;
  readonly #policy: FlushPolicy;
  readonly #abort = new AbortController();
  /** The offset after the last event; null before the first. */
  #next: Offset | null = null;
  #unflushed = 0;
  #sinceMs = 0;

  constructor(host: Host, plan: SinkPlan) {
    this.#host = host;
    this.#policy = sinkTypeOf(plan).flush(plan);
    this.#sink = createSink(plan, {
      host,
      name: plan.name,
      journal: host.random.uuid(),
      sinks: [plan.name],
      end: () => this.#next ?? 0,
      observe: ({ kind, ...seen }) => {
        if (kind === "sink_notice" && "text" in seen) host.terminal.printError(seen.text);
      },
    });
  }

  /** Hands over events in order. */
  async write(events: EventBatch): Promise<void> {
    if (events.length === 0) return;
    const { values: offsets } = events.offsets;
    const { signal } = this.#abort;
    const from = this.#next ?? await this.#sink.open(offsets[0], signal);
    const next = offsets[events.length - 1] + 1;
    this.#next = next;
    if (this.#unflushed === 0) this.#sinceMs = this.#host.clock.monotonicMs();
    this.#unflushed += events.length;
    await this.#sink.write(new RowsBatch(EventRows.of(events), from, next), signal);
    if (this.#isDue()) await this.flush();
  }

  /** Makes safe what was written. */
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
