import type { Pipeline } from "../derive/mod.ts";
import type { Host } from "../host/mod.ts";
import type { Journal } from "../journal/mod.ts";
import { ArchiveKeeper } from "../lake/mod.ts";
import {
  Failure,
  type Observer,
  type Plan,
  SINK_CHANGE_MS_MAX,
  type SinkChange,
  type SinkPlan,
  type SinkStatus,
} from "../model/mod.ts";
import { createSink, type SinkContext, sinkFilter, sinkTypeOf } from "../sink/mod.ts";
import { Delivery } from "./delivery.ts";
import { type Comparisons, keptArchives, type PlanNotes } from "./kept_archives.ts";
import type { RecentEvents } from "./recent_events.ts";

/** A sink that is fed, with the plan that it was made by. */
interface RunningSink {
  readonly sink: SinkPlan;
  readonly delivery: Delivery;
}

export interface RunningSinksOptions {
  readonly host: Host;
  /** The plan that the collector was started with. */
  readonly plan: Plan;
  /** Returns the plan of the moment. */
  readonly current: () => Plan;
  /** What certificates say besides. */
  readonly proofs: { readonly notes: PlanNotes; readonly comparisons: Comparisons };
  readonly createPipeline: () => Pipeline;
  readonly journal: Journal;
  readonly recent: RecentEvents;
  readonly observe: Observer;
  /** Called when no sink is left that anybody reads. */
  readonly onNobodyReads?: () => void;
}

/** Feeds the sinks of a plan and merges and certifies their archives; a reload adds, removes and reopens them one by one. */
export class RunningSinks {
  readonly #options: RunningSinksOptions;
  /** In the order of the configuration. */
  #sinks: readonly RunningSink[];
  #archives: ArchiveKeeper;
  /** Sinks that nobody reads any more. */
  readonly #gone = new Set<string>();

  constructor(options: RunningSinksOptions) {
    this.#options = options;
    const { sinks } = options.plan;
    this.#archives = this.#keepArchives(sinks);
    this.#sinks = sinks.map((sink) => this.#create(sink));
  }

  /** The plans that the sinks were made by. */
  get plans(): readonly SinkPlan[] {
    return this.#sinks.map(({ sink }) => sink);
  }

  get statuses(): readonly SinkStatus[] {
    return this.#sinks.map(({ delivery }) => delivery.status);
  }

  /** Starts to deliver. Retention waits for every known cursor, so all must be known before the first commit. */
  async start(): Promise<void> {
    for (const { sink } of this.#sinks) await this.#learnCursor(sink.name);
    for (const { delivery } of this.#sinks) delivery.start();
  }

  /** Starts to merge and certify archives. */
  startArchives(): void {
    this.#archives.start();
  }

  /** The plans have changed: what is derived again from now on is derived by a new pipeline. */
  changePlans(): void {
    for (const { delivery } of this.#sinks) delivery.changePlans();
  }

  /** Makes every sink commit and open its files again. */
  reopen(): void {
    for (const { delivery } of this.#sinks) delivery.reopen();
  }

  lookAtProgress(): void {
    for (const { delivery } of this.#sinks) delivery.lookAtProgress();
  }

  /**
   * Applies changes of sinks. Those that leave or change commit what they have and close; changed ones are opened again at
   * their cursor; new ones start at the oldest record of the journal. The others run on.
   */
  async change(changes: readonly SinkChange[], wanted: readonly SinkPlan[]): Promise<void> {
    if (changes.length === 0) return;
    const { journal, observe } = this.#options;
    const kinds = new Map(changes.map(({ name, kind }) => [name, kind]));
    const isChanged = ({ sink }: RunningSink) => kinds.has(sink.name);
    await this.#archives.stop();
    await this.#stop(this.#sinks.filter(isChanged));
    for (const { name, kind } of changes) {
      this.#gone.delete(name);
      if (kind === "remove") journal.forgetCursor(name);
      if (kind === "add") await this.#learnCursor(name);
    }
    const kept = this.#sinks.filter((running) => !isChanged(running));
    const started = wanted.filter(({ name }) => kinds.has(name)).map((sink) => this.#create(sink));
    const order = new Map(wanted.map(({ name }, at) => [name, at]));
    const placeOf = ({ sink }: RunningSink) => order.get(sink.name) ?? order.size;
    this.#sinks = [...kept, ...started].sort((a, b) => placeOf(a) - placeOf(b));
    for (const { delivery } of started) delivery.start();
    this.#archives = this.#keepArchives(this.plans);
    this.#archives.start();
    const named = (wanted: SinkChange["kind"]) => changes.flatMap(({ name, kind }) => kind === wanted ? [name] : []);
    observe({ kind: "sinks_changed", added: named("add"), removed: named("remove"), reopened: named("reopen") });
    await journal.removePassed();
  }

  /** Ends merging and certifying. */
  stopArchives(): Promise<void> {
    return this.#archives.stop();
  }

  /** Stops every sink; `abandon` gives up at once. `track` waits for each and knows its name. */
  async stop(abandon: AbortSignal, track: (step: string, done: Promise<void>) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#sinks.map(({ delivery }) => track(`the sink ${delivery.name}`, delivery.stop(abandon))),
    );
  }

  /** Stops sinks that leave or change. What one that hangs has not committed is delivered again after its next opening. */
  async #stop(leaving: readonly RunningSink[]): Promise<void> {
    const abandon = new AbortController();
    const timer = this.#options.host.clock.after(SINK_CHANGE_MS_MAX, () => abandon.abort());
    try {
      await Promise.all(leaving.map(({ delivery }) => delivery.stop(abandon.signal)));
    } finally {
      timer.cancel();
    }
  }

  /** A cursor that cannot be read holds every segment back; its delivery then reports why it does not start. */
  async #learnCursor(name: string): Promise<void> {
    try {
      await this.#options.journal.loadCursor(name);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }

  #create(sink: SinkPlan): RunningSink {
    const { host, observe, journal, recent, current, createPipeline } = this.#options;
    const delivery = new Delivery({
      name: sink.name,
      type: sink.type,
      filter: sinkFilter(sink),
      flush: sinkTypeOf(sink).flush(sink),
      capabilities: sinkTypeOf(sink).capabilities,
      createSink: (name, timeouts) => createSink(sink, { ...this.#contextOf(sink.name, name), timeouts }),
      exchanges: () => current().exchanges.map(({ name }) => name),
      onGone: () => this.#left(sink.name),
      createPipeline,
      journal,
      recent,
      clock: host.clock,
      observe,
    });
    return { sink, delivery };
  }

  #keepArchives(sinks: readonly SinkPlan[]): ArchiveKeeper {
    const { host, observe, plan, proofs } = this.#options;
    return new ArchiveKeeper(host, { archives: keptArchives(host, { ...plan, sinks }, proofs), observe });
  }

  #contextOf(name: string, collector: string | null): SinkContext {
    const { host, observe, journal, current } = this.#options;
    const sinks = current().sinks.map((sink) => sink.name);
    return { host, observe, name, collector, journal: journal.id, sinks, end: () => journal.synced };
  }

  #left(name: string): void {
    this.#gone.add(name);
    if (this.#sinks.every(({ sink }) => this.#gone.has(sink.name))) this.#options.onNobodyReads?.();
  }
}
