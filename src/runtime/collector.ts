import type { Host } from "../host/mod.ts";
import { type Journal, openJournal } from "../journal/mod.ts";
import { ArchiveKeeper } from "../lake/mod.ts";
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
  type Stream,
  type StreamStatus,
  type WireRecord,
  writeDerivation,
} from "../model/mod.ts";
import type { InstrumentPage, RestClient } from "../rest/mod.ts";
import { createSink, type SinkContext, sinkFilter, sinkTypeOf } from "../sink/mod.ts";
import { Delivery } from "./delivery.ts";
import type { RhythmStore } from "../liveness/mod.ts";
import { ExchangeRunner } from "./exchange_runner.ts";
import { Progress } from "./progress.ts";
import { Intake } from "./intake.ts";
import { keptArchives, PlanNotes } from "./kept_archives.ts";
import type { Pipeline } from "../derive/mod.ts";
import { type FetchedHistory, fetchHistory, type HistoryWish } from "./history.ts";
import { readKnownHistory } from "./known_history.ts";
import { createPipeline, type RunnableInstance, runnableInstances } from "./plan_pipeline.ts";
import { RecentEvents } from "./recent_events.ts";
import { resumePipeline } from "./resume_pipeline.ts";
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
  /** What streams have shown of their gaps. Outlives the collector; absent: each run begins anew. */
  readonly rhythms?: RhythmStore;
  /** Called with the events of each record, in the order of the journal; they are good for the call alone. */
  readonly onEvents?: (events: EventBatch) => void;
  /**
   * False: it fetches history on demand alone, delivers and stops; no socket is opened and nothing is polled. Absent: it
   * collects.
   */
  readonly collects?: boolean;
  /** Called when no sink is left that anybody reads: there is nothing to collect for. */
  readonly onNobodyReads?: () => void;
}

/** How far fetching history on demand has come. */
export interface HistoryProgress {
  /** `known`: the journal is read for what is there; `fetch`: the exchange is asked. */
  readonly step: "known" | "fetch";
  readonly done: number;
  readonly total: number;
  /** Events fetched so far. */
  readonly fetched: number;
}

/** How often it is looked whether sinks were handed what there is, in ms. */
const DELIVERED_LOOK_MS = 50;

/**
 * The whole: one journal, one pipeline, a runner for each exchange instance and a delivery for each sink. Starting
 * recovers what an earlier run left: sessions that a kill cut short are closed in the journal, the pipeline goes on from
 * the last checkpoint, and sinks go on from what they committed.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #journal: Journal;
  readonly #intake: Intake;
  readonly #pipeline: Pipeline;
  readonly #runners = new Map<string, ExchangeRunner>();
  /** Why instances could not be started, by name. */
  readonly #notStarted = new Map<string, string>();
  readonly #deliveries: readonly Delivery[];
  readonly #archives: ArchiveKeeper;
  /** What the events of each running instance are derived by, as the journal holds it. */
  readonly #derivations: Map<string, DerivationText>;
  /** What certificates say of the plans in use. */
  readonly #planNotes = new PlanNotes();
  #plan: Plan;
  #paused = false;
  #reading: ReadingStatus = { pausedSince: null, reason: null };
  #clock: ClockStatus = { lastStep: null };
  readonly #syncing = new Progress();
  readonly #ended = new AbortController();
  /** Who follows what is fetched on demand. */
  readonly #followed = new Set<(events: EventBatch) => void>();
  #sinksGone = 0;

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
      onPressure: (paused) => this.#setPaused(paused),
    });
    this.#archives = new ArchiveKeeper(host, { archives: keptArchives(host, plan, this.#planNotes), observe });
    this.#deliveries = plan.sinks.map((sink) =>
      new Delivery({
        name: sink.name,
        type: sink.type,
        filter: sinkFilter(sink),
        flush: sinkTypeOf(sink).flush(sink),
        capabilities: sinkTypeOf(sink).capabilities,
        createSink: (name) => createSink(sink, this.#sinkContext(sink.name, name)),
        exchanges: () => this.#plan.exchanges.map(({ name }) => name),
        onGone: () => this.#onSinkGone(),
        createPipeline: () => createPipeline(this.#plan),
        journal,
        recent,
        clock: host.clock,
        observe,
      })
    );
  }

  /** Opens the journal, recovers, and starts sinks and exchanges. Throws a `Failure` where the journal cannot be had. */
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
      collector.#tellClockSetBack();
      collector.#closeCut();
      // Retention waits for every reader that it knows of: it has to know all of them before the first one commits.
      // One that cannot be read holds everything back, and its delivery tells why it does not start.
      for (const sink of plan.sinks) await journal.loadCursor(sink.name).catch(passFailure);
      for (const delivery of collector.#deliveries) delivery.start();
      for (const instance of runnableInstances(plan)) collector.#startRunner(instance);
      collector.#archives.start();
      void collector.#watch();
      return collector;
    } catch (error) {
      // The folder is let go, so that a start with what was repaired finds it free. The first error is the one to tell.
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
      sinks: this.#deliveries.map((delivery) => delivery.status),
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

  /** What an instance's lists said last of an instrument; null where its instruments are not told, or not yet. */
  instrument(exchange: string, symbol: string): InstrumentFields | null {
    return this.#pipeline.instrument(exchange, symbol);
  }

  /**
   * Derives again what the journal has of a stretch of receive time, `to` exclusive; a batch is good until the next one is
   * asked for. Rejects with a `Failure` where the journal cannot be read.
   */
  replay(stretch: Stretch): AsyncIterable<EventBatch> {
    return readEvents(this.#journal, createPipeline(this.#plan), stretch);
  }

  /**
   * Reads what went over the wire in a stretch of receive time, `to` exclusive, in pieces. Rejects with a `Failure` where
   * the journal cannot be read.
   */
  wire(stretch: Stretch): AsyncIterable<readonly WireRecord[]> {
    return readWire(this.#journal, createPipeline(this.#plan), stretch);
  }

  /**
   * Fetches history of an instance's streams on demand, one after the other: what the journal does not hold leaves as
   * events marked as backfilled. Symbols whose history cannot be fetched are left out. Rejects with a `Failure` where the
   * journal cannot be read or takes nothing.
   */
  async fetchHistory(
    { exchange, channel, symbols, from, to }: HistoryWish,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (progress: HistoryProgress) => void },
  ): Promise<readonly FetchedHistory[]> {
    const runner = this.#runners.get(exchange);
    if (runner === undefined) throw new Failure("gone", `Cannot fetch history: ${exchange} does not run`);
    const streams = runner.historyOf(channel).filter(({ target }) => symbols?.includes(target.symbol) ?? true);
    const range = { exchange, channel, from, to, symbols: new Set(streams.map(({ target }) => target.symbol)) };
    const { host } = this.#options;
    const ends = AbortSignal.any([signal, this.#ended.signal]);
    await this.#journal.sync(ends);
    const known = await readKnownHistory(range, {
      journal: this.#journal,
      files: host.files,
      dir: journalDirOf(this.#options.plan),
      pipeline: createPipeline(this.#plan),
      signal: ends,
      onProgress: (done) => onProgress({ step: "known", fetched: 0, ...done }),
    });
    // It tells by itself where it is too much, which is not the intake's to suffer.
    let tooMuch: Failure | null = null;
    const follow = (events: EventBatch) => {
      for (let event = 0; event < events.length && tooMuch === null; event++) {
        if (!events.isBackfilled(event)) continue;
        try {
          known.take(events, event);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          tooMuch = error;
        }
      }
    };
    this.#followed.add(follow);
    const total = (to - from) * streams.length;
    const results: FetchedHistory[] = [];
    try {
      for (const stream of streams) {
        if (ends.aborted) break;
        const before = results.reduce((sum, { fetched }) => sum + fetched, 0);
        const done = (to - from) * results.length;
        results.push(
          await fetchHistory({
            ...{ stream, known, from, to, signal: ends },
            liveFrom: this.#liveFrom(exchange, { channel, symbol: stream.target.symbol }),
            fetch: (stretch) => {
              if (tooMuch !== null) throw tooMuch;
              return runner.fetchHistory(stretch);
            },
            onProgress: (doneUs, fetched) =>
              onProgress({ step: "fetch", done: done + doneUs, total, fetched: before + fetched }),
          }),
        );
      }
    } finally {
      this.#followed.delete(follow);
    }
    return results;
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
    const isDone = ({ status: { position, state, error } }: Delivery) =>
      position >= next || state === "stopped" || state === "blocked" || error !== null;
    while (!signal.aborted && !this.#deliveries.every(isDone)) {
      await this.#options.host.clock.sleep(DELIVERED_LOOK_MS, signal);
    }
  }

  /**
   * Takes over the exchange instances of a new plan: unchanged ones run on, those whose streams alone differ ask for the
   * difference on the sockets they have, changed and removed ones stop, new ones start. Journal, sinks and HTTP keep the
   * settings they began with. `moves`: the shares of the group by which the plans differ, which the journal tells.
   */
  async reload(plan: Plan, moves: ShareMoves = NO_MOVES): Promise<void> {
    const before = this.#plan;
    const difference = comparePlans(before, plan);
    // Nothing that follows may fail to be told.
    this.#noteShares(plan, "taken", moves.taken);
    this.#plan = plan;
    for (const delivery of this.#deliveries) delivery.changePlans();
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
    this.#noteShares(before, "released", moves.released);
  }

  /** The name that events leave under. */
  get name(): string {
    return this.#journal.collectorAt(this.#journal.next).name ?? this.#options.host.machineName();
  }

  /** Id of the journal: the same over all lives of this collector. */
  get journalId(): string {
    return this.#journal.id;
  }

  /**
   * Whether the data of a share of the group comes: each of its streams was acknowledged, or the exchange has had its time
   * for it, and its books have their snapshots. A share without streams of any instance is live.
   */
  isShareLive(share: number): boolean {
    return this.#plan.exchanges.every(({ name, shares }) => {
      if (shares === null || !shares.some((one) => one.share === share)) return true;
      return this.#runners.get(name)?.isShareLive(share, [...this.#pipeline.bookStatuses(name)]) ?? false;
    });
  }

  /**
   * Resolves with the last event of each stream that can be filled, and the time up to which the journal has what was
   * received. Rejects with a `Failure` where the journal cannot be synced, or while it stops.
   */
  async lastSeen(): Promise<{ readonly at: Micros; readonly last: readonly SeenStream[] }> {
    const at = this.#reading.pausedSince ?? this.#options.host.clock.nowMicros();
    const last = [...this.#pipeline.lastSeen()];
    await this.#journal.sync(this.#ended.signal);
    return { at, last };
  }

  /** Writes down that this collector ends to have shares of the group, while it still has them. */
  noteReleased(released: readonly ReleasedShare[]): void {
    this.#noteShares(this.#plan, "released", released);
  }

  #noteShares(plan: Plan, change: ShareRecord["change"], moves: readonly (TakenShare | ReleasedShare)[]): void {
    const at = this.#options.host.clock.nowMicros();
    for (const record of shareRecords(plan, { at, change, moves })) this.#intake.append(record);
  }

  /** Keeps the pages of an instance's instrument list and tells its instruments; false where that cannot be done now. */
  takeInstruments(exchange: string, pages: readonly InstrumentPage[]): boolean {
    const runner = this.#runners.get(exchange);
    if (runner === undefined) return false;
    try {
      runner.takeInstruments(pages);
      return true;
    } catch (error) {
      // Counted and told where it was refused; the list is asked for again.
      if (!(error instanceof Failure)) throw error;
      return false;
    }
  }

  /** Sinks commit and open their files anew: those that were moved away are begun again. */
  reopenSinks(): void {
    for (const delivery of this.#deliveries) delivery.reopen();
  }

  /**
   * Stops subscriptions, syncs the journal, delivers and commits what is synced. After `sinksMs` a sync that hangs is
   * waited for no more and sinks are cut off: what they have not committed is delivered after the next start. Rejects
   * with `cancelled` where `signal` aborts before the journal is closed. `track` waits for each step and knows its name.
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
      const archives = track("merging of files", this.#archives.stop());
      await Promise.all(
        [...this.#runners.values()].map((runner) => track(`the connections of ${runner.name}`, runner.stop())),
      );
      // What cannot be made safe now is tried again by closing the journal, which then says why.
      await track("the journal's last sync", this.#journal.sync(abandon.signal).catch(passFailure));
      await Promise.all(
        this.#deliveries.map((delivery) => track(`the sink ${delivery.name}`, delivery.stop(abandon.signal))),
      );
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

  /** Looks every second whether journal and sinks make progress; reading the time shows whether the clock was set. */
  async #watch(): Promise<void> {
    const { clock } = this.#options.host;
    while (!this.#ended.signal.aborted) {
      const { next, synced } = this.#journal;
      this.#syncing.look(synced < next, synced, clock.nowMicros());
      for (const delivery of this.#deliveries) delivery.lookAtProgress();
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
        observe,
        rest,
        ...(rhythms === undefined ? {} : { rhythms }),
        collects: this.#options.collects !== false,
      });
      runner.start();
      if (this.#paused) runner.setPaused(true);
      this.#runners.set(exchange.name, runner);
    } catch (error) {
      // It touches no other instance; /healthz shows it.
      this.#notStarted.set(exchange.name, error instanceof Error ? error.message : String(error));
    }
  }

  /** Writes the plan of an instance to the journal, where its segment does not hold it yet, and returns its hash. */
  #writePlan(name: string, frames: FramePlan): string {
    const derivation = writeDerivation(buildDerivation(frames, this.#plan));
    const { hash, body } = derivation;
    const isWritten = [...this.#derivations.values()].some((known) => known.hash === hash);
    if (!isWritten) this.#intake.append({ kind: "plan", at: this.#options.host.clock.nowMicros(), hash, body });
    this.#derivations.set(name, derivation);
    this.#planNotes.note(name, { hash, frames, at: this.#options.host.clock.nowMicros() });
    return hash;
  }

  #sinkContext(name: string, collector: string | null): SinkContext {
    const { host, observe, plan } = this.#options;
    const journal = this.#journal;
    const sinks = plan.sinks.map((sink) => sink.name);
    return { host, observe, name, collector, journal: journal.id, sinks, end: () => journal.synced };
  }

  #onSinkGone(): void {
    if (++this.#sinksGone === this.#deliveries.length) this.#options.onNobodyReads?.();
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#reading = paused
      ? { pausedSince: this.#options.host.clock.nowMicros(), reason: pauseReason(this.#journal) }
      : { pausedSince: null, reason: null };
    for (const runner of this.#runners.values()) runner.setPaused(paused);
  }

  /** A clock that stands before the last record was set back while nothing ran. */
  #tellClockSetBack(): void {
    const { lastTs: fromTs } = this.#journal.recovered;
    const toTs = this.#options.host.clock.nowMicros();
    if (fromTs === null || fromTs - toTs < CLOCK_STEP_MS_MIN * 1000) return;
    this.#intake.append({ kind: "clock", at: toTs, fromTs, toTs });
    this.#options.observe({ kind: "clock_stepped", fromTs, toTs });
  }

  /** Writes the end of sessions and polls that a kill cut off, whether they come back or not, so that their gap is known. */
  #closeCut(): void {
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

/** A failure is told by whoever meets it next. */
function passFailure(error: unknown): void {
  if (!(error instanceof Failure)) throw error;
}
