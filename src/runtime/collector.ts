import type { Host } from "../host/mod.ts";
import { type Journal, openJournal } from "../journal/mod.ts";
import {
  type BookQuery,
  type BookView,
  buildDerivation,
  CLOCK_STEP_MS_MIN,
  type ClockStatus,
  type ClockStep,
  type CollectorStatus,
  comparePlans,
  type DerivationText,
  type EventBatch,
  Failure,
  type FetchedHistory,
  type FramePlan,
  type InstrumentFields,
  type Micros,
  missedAnswerBody,
  type Observer,
  type Plan,
  type PlanRecord,
  PROGRESS_LOOK_MS,
  type ReadingStatus,
  type RunningStatus,
  type ShareRecord,
  type SinkStatus,
  type Stream,
  type StreamStatus,
  type WireRecord,
  writeDerivation,
} from "../model/mod.ts";
import type { InstrumentPage, RestClient } from "../rest/mod.ts";
import type { RhythmStore } from "../liveness/mod.ts";
import { ExchangeRunner } from "./exchange_runner.ts";
import { Progress } from "./progress.ts";
import { Intake } from "./intake.ts";
import { Comparisons, PlanNotes } from "./kept_archives.ts";
import type { Pipeline } from "../derive/mod.ts";
import type { HistoryWish } from "./history.ts";
import { fetchHistories, type HistoryProgress } from "./history_run.ts";
import { createPipeline, type RunnableInstance, runnableInstances } from "./plan_pipeline.ts";
import { RecentEvents } from "./recent_events.ts";
import { resumePipeline } from "./resume_pipeline.ts";
import { RunningSinks } from "./running_sinks.ts";
import {
  NO_MOVES,
  type ReleasedShare,
  type SeenStream,
  type ShareMoves,
  shareRecords,
  type TakenShare,
} from "./share_moves.ts";
import { readEvents, readWire, type Stretch } from "./stretches.ts";

export interface CollectorOptions {
  readonly plan: Plan;
  readonly host: Host;
  readonly observe: Observer;
  /** Outlives the collector and its plans. */
  readonly rest: RestClient;
  /** The rhythm of each stream, kept over restarts. Absent if each run learns it anew. */
  readonly rhythms?: RhythmStore;
  /** Called with the events of each record, in journal order. The batch is valid during the call alone. */
  readonly onEvents?: (events: EventBatch) => void;
  /**
   * False: it fetches history on demand alone, delivers and stops; no socket is opened and nothing is polled. Absent:
   * it collects.
   */
  readonly collects?: boolean;
  /** Called when every sink has lost its reader, so that nothing is left to collect for. */
  readonly onNobodyReads?: () => void;
}

/** How often it is looked whether sinks were handed what there is, in ms. */
const DELIVERED_LOOK_MS = 50;

/**
 * Owns one journal, one pipeline, a runner for each exchange instance and a delivery for each sink. Starting recovers
 * what an earlier run left: it closes the sessions that a kill cut off in the journal, restores the pipeline from the
 * last checkpoint, and continues each sink from its cursor.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #journal: Journal;
  readonly #intake: Intake;
  readonly #pipeline: Pipeline;
  readonly #runners = new Map<string, ExchangeRunner>();
  /** Why instances could not be started, by name. */
  readonly #notStarted = new Map<string, string>();
  readonly #sinks: RunningSinks;
  /** The derivation plan of each running instance, as the journal holds it. */
  readonly #derivations: Map<string, DerivationText>;
  /** The plans in use, for certificates. */
  readonly #planNotes = new PlanNotes();
  readonly #comparisons = new Comparisons();
  #plan: Plan;
  #paused = false;
  #reading: ReadingStatus = { pausedSince: null, reason: null };
  #clock: ClockStatus = { lastStep: null };
  readonly #syncing = new Progress();
  readonly #ended = new AbortController();
  /** Who follows the events for a while. */
  readonly #followed = new Set<(events: EventBatch) => void>();

  private constructor(
    options: CollectorOptions,
    { journal, pipeline, derivations }: {
      readonly journal: Journal;
      readonly pipeline: Pipeline;
      readonly derivations: Map<string, DerivationText>;
    },
  ) {
    this.#options = options;
    this.#derivations = derivations;
    this.#plan = options.plan;
    this.#journal = journal;
    this.#pipeline = pipeline;
    const { host, observe, plan } = options;
    const recent = new RecentEvents(journal.next);
    this.#intake = new Intake({
      host,
      journal,
      pipeline,
      recent,
      onFull: plan.journal.onFull,
      observe,
      onEvents: (events) => {
        options.onEvents?.(events);
        for (const follow of this.#followed) follow(events);
      },
      onPause: (paused) => this.#setPaused(paused),
    });
    this.#sinks = new RunningSinks({
      host,
      plan,
      current: () => this.#plan,
      proofs: { notes: this.#planNotes, comparisons: this.#comparisons },
      createPipeline: () => createPipeline(this.#plan),
      journal,
      recent,
      observe,
      onNobodyReads: options.onNobodyReads,
    });
  }

  /**
   * Opens the journal, recovers, and starts sinks and exchanges. Rejects with a `Failure` if the journal cannot open.
   */
  static async start(options: CollectorOptions): Promise<Collector> {
    const { plan, host, observe } = options;
    const pipeline = createPipeline(plan);
    const derivations = new Map<string, DerivationText>();
    const journal = await openJournal({
      host,
      dir: journalDirOf(plan),
      plan: plan.journal,
      collector: plan.run.collector,
      observer: observe,
      checkpoint: () => pipeline.saveState(),
      plansInUse: () => planRecords(derivations.values(), host.clock.nowMicros()),
    });
    try {
      await resumePipeline(journal, pipeline, observe);
      const collector = new Collector(options, { journal, pipeline, derivations });
      host.clock.onStep?.((step) => {
        if (!collector.#ended.signal.aborted) collector.#clockStepped(step);
      });
      collector.#noteClockSetBack();
      collector.#closeInterrupted();
      await collector.#sinks.start();
      for (const instance of runnableInstances(plan)) collector.#startRunner(instance);
      collector.#sinks.startArchives();
      void collector.#watch();
      return collector;
    } catch (error) {
      // Releases the folder for a start with a repaired configuration. The first error is the one to report.
      await journal.close().catch(passFailure);
      throw error;
    }
  }

  get status(): CollectorStatus {
    const { next, synced, oldest, bufferedBytes, totalBytes, full, failure } = this.#journal;
    const running = (name: string, runner: ExchangeRunner) => ({
      connections: runner.connections,
      books: [...this.#pipeline.bookStatuses(name)],
      polls: runner.polls,
      requests: runner.requests,
      quarantined: this.#intake.quarantineOf(name),
      error: null,
    });
    const broken = (error: string) => ({
      connections: [],
      books: [],
      polls: [],
      requests: [],
      quarantined: null,
      error,
    });
    return {
      instances: new Map<string, RunningStatus>([
        ...[...this.#runners].map(([name, runner]) => [name, running(name, runner)] as const),
        ...[...this.#notStarted].map(([name, error]) => [name, broken(error)] as const),
      ]),
      journal: {
        next,
        synced,
        oldest,
        bufferedBytes,
        totalBytes,
        full,
        error: failure?.message ?? null,
        waitingSince: this.#syncing.waitingSince,
      },
      sinks: this.#sinks.statuses,
      reading: this.#reading,
      clock: this.#clock,
      frames: this.#intake.frames,
    };
  }

  /** Every stream of a running instance. */
  streams(exchange: string): Iterable<StreamStatus> {
    return this.#runners.get(exchange)?.streams() ?? [];
  }

  /** The kept books of an instance. */
  books(exchange: string, query: BookQuery): Iterable<BookView> {
    return this.#pipeline.bookViews(exchange, query);
  }

  /** Returns what an instance's lists said last of an instrument; null if they have said nothing. */
  instrument(exchange: string, symbol: string): InstrumentFields | null {
    return this.#pipeline.instrument(exchange, symbol);
  }

  /**
   * Derives the events of a stretch of receive time again, `to` exclusive; a batch is valid until the next one is asked
   * for. Rejects with a `Failure` if the journal cannot be read.
   */
  replay(stretch: Stretch): AsyncIterable<EventBatch> {
    return readEvents(this.#journal, createPipeline(this.#plan), stretch);
  }

  /**
   * Reads what went over the wire in a stretch of receive time, `to` exclusive, in pieces. Rejects with a `Failure` if
   * the journal cannot be read.
   */
  wire(stretch: Stretch): AsyncIterable<readonly WireRecord[]> {
    return readWire(this.#journal, createPipeline(this.#plan), stretch);
  }

  /**
   * Fetches history of an instance's streams on demand, one after the other: what the journal does not hold leaves as
   * events marked as backfilled. Symbols whose history cannot be fetched are left out. Rejects with a `Failure` if the
   * journal cannot be read or takes nothing.
   */
  async fetchHistory(
    wish: HistoryWish,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (progress: HistoryProgress) => void },
  ): Promise<readonly FetchedHistory[]> {
    const { exchange } = wish;
    const runner = this.#runners.get(exchange);
    if (runner === undefined) throw new Failure("gone", `Cannot fetch history: ${exchange} does not run`);
    return await fetchHistories({
      ...{ wish, runner, journal: this.#journal, files: this.#options.host.files, onProgress },
      journalDir: journalDirOf(this.#options.plan),
      pipeline: createPipeline(this.#plan),
      liveFrom: (stream) => this.#liveFrom(exchange, stream),
      follow: (call) => this.#follow(call),
      signal: AbortSignal.any([signal, this.#ended.signal]),
    });
  }

  #follow(call: (events: EventBatch) => void): () => void {
    this.#followed.add(call);
    return () => this.#followed.delete(call);
  }

  /** What comes of a stream behind its last event is the collector's own while it collects; null: nothing comes. */
  #liveFrom(exchange: string, stream: Stream): Micros | null {
    if (this.#options.collects === false) return null;
    return this.#pipeline.lastOf(exchange, stream)?.ts ?? null;
  }

  /** Waits until every sink that can was handed what came so far, or the signal aborts. Stopping makes it safe. */
  async whenDelivered(signal: AbortSignal): Promise<void> {
    const { next } = this.#journal;
    await this.#journal.sync(signal).catch(passFailure);
    const isDone = ({ position, state, error }: SinkStatus) =>
      position >= next || state === "stopped" || state === "blocked" || error !== null;
    while (!signal.aborted && !this.#sinks.statuses.every(isDone)) {
      await this.#options.host.clock.sleep(DELIVERED_LOOK_MS, signal);
    }
  }

  /**
   * Applies the exchange instances of a new plan. Unchanged ones run on; those that differ in streams alone send the
   * difference on their open sockets; changed and removed ones stop; new ones start. Sinks are added, removed
   * and opened again likewise. Journal and HTTP keep the settings they started with. `moves`: the group's shares by which the plans differ, to be recorded in the journal.
   */
  async reload(plan: Plan, moves: ShareMoves = NO_MOVES): Promise<void> {
    const before = this.#plan;
    const difference = comparePlans({ ...before, sinks: this.#sinks.plans }, plan);
    // The journal may refuse a record: this comes first, so that nothing has changed yet if it does.
    this.#noteShares(plan, "taken", moves.taken);
    this.#plan = plan;
    this.#sinks.changePlans();
    const kept = new Map(runnableInstances(plan).map(({ exchange, runnable }) => [exchange.name, runnable]));
    const changed = new Set(difference.instances.map(({ name }) => name));
    const closing: Promise<void>[] = [];
    for (const { name, kind } of difference.instances) {
      const [runner, runnable] = [this.#runners.get(name), kept.get(name)];
      if (kind !== "resubscribe" || runner === undefined || runnable === undefined) continue;
      closing.push(runner.resubscribe(runnable, this.#writePlan(name, runnable.frames)));
      changed.delete(name);
    }
    const leaving = [...this.#runners.values()].filter((runner) => changed.has(runner.name));
    for (const { name } of leaving) {
      this.#runners.delete(name);
      this.#derivations.delete(name);
    }
    this.#notStarted.clear();
    await Promise.all(leaving.map((runner) => runner.stop()));
    for (const instance of runnableInstances(plan)) {
      if (this.#runners.has(instance.exchange.name)) continue;
      this.#startRunner(instance);
    }
    await Promise.all(closing);
    await this.#sinks.change(difference.sinks, plan.sinks);
    this.#noteShares(before, "released", moves.released);
  }

  /** The collector's name in its events. */
  get name(): string {
    return this.#journal.collectorAt(this.#journal.next).name ?? this.#options.host.machineName();
  }

  /** Id of the journal: the same over all lives of this collector. */
  get journalId(): string {
    return this.#journal.id;
  }

  /**
   * Whether this collector receives the data of a share: each of its streams was acknowledged or its time for that is
   * over, and its books have their snapshots. A share without any stream is live.
   */
  isShareLive(share: number): boolean {
    return this.#plan.exchanges.every(({ name, shares }) => {
      if (shares === null || !shares.some((one) => one.share === share)) return true;
      return this.#runners.get(name)?.isShareLive(share, [...this.#pipeline.bookStatuses(name)]) ?? false;
    });
  }

  /**
   * Resolves with the last event of each stream that can be filled, and the time up to which the journal has what was
   * received. Rejects with a `Failure` if the journal cannot be synced, or while it stops.
   */
  async lastSeen(): Promise<{ readonly at: Micros; readonly last: readonly SeenStream[] }> {
    const at = this.#reading.pausedSince ?? this.#options.host.clock.nowMicros();
    const last = [...this.#pipeline.lastSeen()];
    await this.#journal.sync(this.#ended.signal);
    return { at, last };
  }

  /** Records that this collector releases shares of the group, while it still has them. */
  noteReleased(released: readonly ReleasedShare[]): void {
    this.#noteShares(this.#plan, "released", released);
  }

  #noteShares(plan: Plan, change: ShareRecord["change"], moves: readonly (TakenShare | ReleasedShare)[]): void {
    const at = this.#options.host.clock.nowMicros();
    for (const record of shareRecords(plan, { at, change, moves })) this.#intake.append(record);
  }

  /** Journals the pages of an instance's instrument list; false if the journal cannot take them now. */
  takeInstruments(exchange: string, pages: readonly InstrumentPage[]): boolean {
    const runner = this.#runners.get(exchange);
    if (runner === undefined) return false;
    try {
      runner.takeInstruments(pages);
      return true;
    } catch (error) {
      // Counted and reported by the intake that refused it; the list is requested again.
      if (!(error instanceof Failure)) throw error;
      return false;
    }
  }

  /** Makes every sink commit and open its files again; files that were moved away are begun anew. */
  reopenSinks(): void {
    this.#sinks.reopen();
  }

  /**
   * Stops subscriptions, syncs the journal, delivers and commits what is synced. `sinksMs` bounds the sync and the
   * sinks: what they have not committed by then is delivered after the next start. Rejects with `cancelled` if `signal`
   * aborts before the journal is closed. `track` waits for each step and knows its name.
   */
  async stop(
    sinksMs: number,
    { signal, track = (_, done) => done }: {
      readonly signal?: AbortSignal;
      readonly track?: (step: string, done: Promise<void>) => Promise<void>;
    } = {},
  ): Promise<void> {
    const { clock } = this.#options.host;
    const abandon = new AbortController();
    const timer = clock.after(sinksMs, () => abandon.abort());
    this.#ended.abort();
    try {
      const archives = track("merging of files", this.#sinks.stopArchives());
      await Promise.all(
        [...this.#runners.values()].map((runner) => track(`the connections of ${runner.name}`, runner.stop())),
      );
      // Closing the journal tries again, and rejects with the reason.
      await track("the journal's last sync", this.#journal.sync(abandon.signal).catch(passFailure));
      await this.#sinks.stop(abandon.signal, track);
      await archives;
      await track("the journal's close", this.#journal.close(signal));
    } finally {
      timer.cancel();
    }
  }

  #clockStepped(step: ClockStep): void {
    this.#clock = { lastStep: { at: step.toTs, byMs: (step.toTs - step.fromTs) / 1000 } };
    this.#intake.noteClockStep(step);
    this.#options.observe({ kind: "clock_stepped", ...step });
  }

  /** Checks every second whether journal and sinks make progress. Reading the time detects a step of the clock. */
  async #watch(): Promise<void> {
    const { clock } = this.#options.host;
    while (!this.#ended.signal.aborted) {
      const { next, synced } = this.#journal;
      this.#syncing.look(synced < next, synced, clock.nowMicros());
      this.#sinks.lookAtProgress();
      await clock.sleep(PROGRESS_LOOK_MS, this.#ended.signal);
    }
  }

  #startRunner({ exchange, runnable }: RunnableInstance): void {
    const { host, observe, rest, rhythms } = this.#options;
    this.#notStarted.delete(exchange.name);
    try {
      const runner = new ExchangeRunner({
        name: exchange.name,
        descriptorHash: exchange.descriptorHash,
        planHash: this.#writePlan(exchange.name, runnable.frames),
        runnable,
        intake: this.#intake,
        host,
        observe: (seen) => {
          if (seen.kind === "book_compared" && seen.outcome !== "unknown") {
            const isSame = seen.outcome === "same";
            this.#comparisons.note(seen.exchange, seen.symbol, { isSame, at: host.clock.nowMicros() });
          }
          observe(seen);
        },
        rest,
        ...(rhythms === undefined ? {} : { rhythms }),
        collects: this.#options.collects !== false,
        compareBooksEveryMs: this.#plan.run.compareBooksEveryMs,
        follow: (call) => this.#follow(call),
      });
      runner.start();
      if (this.#paused) runner.setPaused(true);
      this.#runners.set(exchange.name, runner);
    } catch (error) {
      // Other instances are not affected; /healthz shows the error.
      this.#notStarted.set(exchange.name, error instanceof Error ? error.message : String(error));
    }
  }

  /** Writes the plan of an instance to the journal unless its segment holds it, and returns its hash. */
  #writePlan(name: string, frames: FramePlan): string {
    const derivation = writeDerivation(buildDerivation(frames, this.#plan));
    const { hash, body } = derivation;
    const isWritten = [...this.#derivations.values()].some((known) => known.hash === hash);
    if (!isWritten) this.#intake.append({ kind: "plan", at: this.#options.host.clock.nowMicros(), hash, body });
    this.#derivations.set(name, derivation);
    this.#planNotes.note(name, { hash, frames, at: this.#options.host.clock.nowMicros() });
    return hash;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#reading = paused
      ? { pausedSince: this.#options.host.clock.nowMicros(), reason: pauseReason(this.#journal) }
      : { pausedSince: null, reason: null };
    for (const runner of this.#runners.values()) runner.setPaused(paused);
  }

  /** Records a clock step if the clock stands before the last record: it was set back while nothing ran. */
  #noteClockSetBack(): void {
    const { lastTs: fromTs } = this.#journal.recovered;
    const toTs = this.#options.host.clock.nowMicros();
    if (fromTs === null || fromTs - toTs < CLOCK_STEP_MS_MIN * 1000) return;
    this.#intake.append({ kind: "clock", at: toTs, fromTs, toTs });
    this.#options.observe({ kind: "clock_stepped", fromTs, toTs });
  }

  /**
   * Records the end of sessions and polls that a kill interrupted, so that they have a gap even if they never come
   * back.
   */
  #closeInterrupted(): void {
    for (const { session, lastTs } of this.#journal.recovered.openSessions) {
      this.#intake.endSession(session, lastTs, "crash", null, "the process ended without closing the session");
    }
    const lastTs = this.#journal.recovered.lastTs ?? 0;
    for (const { exchange, planHash, request, native, at: from } of [...this.#pipeline.pollAnswers()]) {
      const body = missedAnswerBody({ from, reason: "the process ended while it was polled" });
      const at = Math.max(from, lastTs);
      const poll = { exchange, planHash, session: null, request, native, url: "" };
      this.#intake.takeHttp({ kind: "http", at, ...poll, status: 0, body });
    }
  }
}

function journalDirOf({ run }: Plan): string {
  return `${run.dataDir}/journal`;
}

function* planRecords(derivations: Iterable<DerivationText>, at: Micros): Iterable<PlanRecord> {
  const told = new Set<string>();
  for (const { hash, body } of derivations) {
    if (told.has(hash)) continue;
    told.add(hash);
    yield { kind: "plan", at, hash, body };
  }
}

function pauseReason({ full, failure }: Journal): string {
  if (failure !== null) return failure.message;
  return full ? "the journal is at its cap" : "the journal or a sink cannot take more";
}

/** Ignores a `Failure`: the next call that meets it reports it. */
function passFailure(error: unknown): void {
  if (!(error instanceof Failure)) throw error;
}
