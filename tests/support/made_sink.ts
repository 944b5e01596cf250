import type { Host } from "../../src/host/mod.ts";
import type { Envelope, Observation, Offset, SinkPlan } from "../../src/model/mod.ts";
import { createSink, type Sink, type SinkContext } from "../../src/sink/mod.ts";

/** A sink with calls that show only what a test says. */
export interface MadeSink {
  readonly sink: Sink;
  readonly files: number | null;
  readonly wantsFlush: boolean;
  open(committed: Offset): Promise<Offset>;
  write(events: readonly Envelope[]): Promise<void>;
  /** `next` is the offset after the last event written where it is not given. */
  flush(next?: Offset): Promise<void>;
  close(): Promise<void>;
  /** What the sink told of. */
  readonly seen: readonly Observation[];
  /** Aborts the signal of every call. */
  abort(): void;
}

/** Id of the journal that feeds sinks under test. */
export const JOURNAL = "11111111-1111-4111-8111-111111111111";

/** Makes the sink of a plan as the collector does. */
export function makeSink(plan: SinkPlan, host: Host, context: Partial<SinkContext> = {}): MadeSink {
  const seen: Observation[] = [];
  const sink = createSink(plan, {
    host,
    name: plan.name,
    collector: null,
    journal: JOURNAL,
    sinks: [plan.name],
    end: () => 1_000_000,
    observe: (observation) => seen.push(observation),
    ...context,
  });
  const abort = new AbortController();
  let next: Offset = 0;
  return {
    sink,
    seen,
    get files() {
      return sink.files;
    },
    get wantsFlush() {
      return sink.wantsFlush;
    },
    open: async (committed) => next = await sink.open(committed, abort.signal),
    write: async (events) => {
      const last = events.at(-1);
      if (last === undefined) return;
      const from = next;
      next = last.offset + 1;
      await sink.write({ events, from, next }, abort.signal);
    },
    flush: (to = next) => sink.flush(to, abort.signal),
    close: () => sink.close(),
    abort: () => abort.abort(),
  };
}
