import type { HttpServer } from "../host/mod.ts";
import {
  BACKOFF_MS_MAX,
  type ConfigStatus,
  Failure,
  type InstanceStatus,
  type Issue,
  type Observation,
  type Observer,
  type Plan,
  type RunningStatus,
  type ServiceStatus,
} from "../model/mod.ts";
import { InstrumentLists, type InstrumentPage, type KeptHostLimits, openHostLimits, RestClient } from "../rest/mod.ts";
import type { ShareStop } from "../group/mod.ts";
import { Collector, CoverageReader, type KeptRhythms, openRhythms, type ShareMoves } from "../runtime/mod.ts";
import { GapBoard, LiveFeed, LogTail, RateBoard, serveApi } from "../api/mod.ts";
import { createMetrics, type Metrics } from "../telemetry/mod.ts";
import type { ServiceContext } from "./context.ts";
import { GroupShares } from "./group_shares.ts";
import { HistoryJob } from "./history_job.ts";
import { failureIssue, issueText, messageOf } from "./issue_text.ts";
import { needingRestart, symbolsOf, toldOf } from "./load_difference.ts";
import { nameHolder } from "./port_holder.ts";
import { planBody } from "./plan_body.ts";
import { problemsOf, type ServiceFacts } from "./problems.ts";
import { hasErrors, loadFromFiles, type ReadConfig } from "./sources.ts";
import { StopSteps } from "./stop_steps.ts";

export interface ServiceOptions {
  readonly context: ServiceContext;
  readonly configPath: string;
  /** The configuration if it was read already, because a pipe can be read only once. Absent: it is read now. */
  readonly loaded?: ReadConfig;
  /** Variables that override those of the process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Overrides the configured port; 0 picks a free one. */
  readonly httpPort?: number;
  /** Called when every sink has lost its reader, so that nothing is left to collect for. */
  readonly onNobodyReads?: () => void;
  /** Makes the observer of all that happens, such as a log. Called again when a reload changes the log's settings. */
  readonly createObserver: (plan: Plan | null) => Observer;
}

/** How a stop ended. */
export interface ServiceEnd {
  /** What had not ended in time; empty if all did. */
  readonly unfinished: readonly string[];
  /** Whether everything received is safe in the journal; sinks get the rest after the next start. */
  readonly isSafe: boolean;
}

/** The status of an instance that does not run. */
const NOT_RUNNING: RunningStatus = {
  connections: [],
  books: [],
  polls: [],
  requests: [],
  quarantined: null,
  error: null,
};

/** First delay before a start that found the disk full is tried again, in ms; it doubles. */
const START_RETRY_MS_MIN = 1_000;
/** Time for a stop if there is no plan, in ms. */
const SHUTDOWN_MS_DEFAULT = 10_000;
/** Least time for a stop, in ms; the journal is closed in it. */
const SHUTDOWN_MS_MIN = 1_000;
/** After this part of the stop's time sinks are cut off, to leave time to close the journal. */
const SINKS_SHARE_OF_STOP = 0.8;

const DEFAULT_HTTP = { host: "127.0.0.1", port: 8090 } as const;

/**
 * Runs the program: configuration, collector and the HTTP endpoints. With a broken configuration it lives on, so that
 * /healthz can show the errors, and takes a repaired one with `reload`.
 */
export class Service {
  readonly #options: ServiceOptions;
  readonly #metrics: Metrics = createMetrics();
  readonly #began: number;
  readonly #stopping = new AbortController();
  readonly #gaps = new GapBoard();
  readonly #feed: LiveFeed;
  readonly #rates: RateBoard;
  readonly #log: LogTail;
  readonly #coverage: CoverageReader;
  #observer: Observer = () => {};
  #loaded: ReadConfig;
  #collector: Collector | null = null;
  /** The plan that the collector was started with; settings that need a restart stay as in it. */
  #started: Plan | null = null;
  #server: HttpServer | null = null;
  /** Null before the first plan; then the same object over all reloads. */
  #limits: KeptHostLimits | null = null;
  #rhythms: KeptRhythms | null = null;
  #rest: RestClient | null = null;
  #lists: InstrumentLists | null = null;
  readonly #group: GroupShares;
  readonly #history: HistoryJob;
  /** The start, the reloads and the share changes, one after the other. Never rejects. */
  #work: Promise<void> = Promise.resolve();
  /** Reloads that wait for their turn; one run serves all of them. */
  #reloadsQueued = 0;
  /** Why a valid configuration could not be started; null if nothing failed. */
  #failure: Issue | null = null;
  #refused: ConfigStatus["refused"] = null;
  #needsRestart: readonly string[] = [];
  /** Whether a start that found the disk full is being tried again. */
  #isRetrying = false;

  /** Reads the configuration. Nothing runs before `begin`. */
  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#began = options.context.host.clock.monotonicMs();
    const { clock } = options.context.host;
    this.#rates = new RateBoard(() => clock.monotonicMs());
    this.#coverage = new CoverageReader(options.context.host.files);
    this.#log = new LogTail(() => clock.nowMicros());
    this.#feed = new LiveFeed({
      now: () => clock.nowMicros(),
      exchanges: () => this.#loaded.exchanges,
      books: (exchange, query) => this.#collector?.books(exchange, query) ?? [],
    });
    this.#history = new HistoryJob(clock);
    this.#group = new GroupShares({
      host: options.context.host,
      observe: this.observe,
      queue: (change) => {
        const done = this.#work.then(change);
        // The group reports a rejection.
        this.#work = done.then(() => {}, () => {});
        return done;
      },
      collect: (moves) => this.#collectShares(moves),
    });
    this.#loaded = options.loaded ?? this.#load();
    this.#observer = options.createObserver(this.#loaded.plan);
  }

  /** Makes a service and starts it. */
  static async start(options: ServiceOptions): Promise<Service> {
    const service = new Service(options);
    await service.begin();
    return service;
  }

  /**
   * Serves health and starts what can run. Rejects with a `Failure` if the port or the journal cannot be opened. Waits
   * for a full disk, which /healthz shows meanwhile.
   */
  begin(): Promise<void> {
    const begun = this.#begin();
    // A reload waits for the start. The caller gets the start's rejection.
    this.#work = begun.then(() => {}, () => {});
    return begun;
  }

  async #begin(): Promise<void> {
    const { context, httpPort } = this.#options;
    const { http, issues } = this.#loaded;
    this.observe({ kind: "started", version: context.version });
    this.#report(issues);
    const httpHost = http.host ?? DEFAULT_HTTP.host;
    const port = httpPort ?? http.port ?? DEFAULT_HTTP.port;
    this.#server = await serveApi({
      secrets: context.host.secrets,
      listener: context.host.listener,
      clock: context.host.clock,
      feed: this.#feed,
      // Beside the shipped descriptors, in the executable too.
      page: { files: context.host.files, dir: context.shippedDir.replace(/\/[^/]+\/?$/, "/page") },
      host: httpHost,
      port,
      access: http,
      version: context.version,
      snapshot: () => this.status,
      metrics: this.#metrics,
      facts: {
        status: () => this.status,
        plan: () => this.#loaded.plan === null ? null : planBody(this.#loaded.plan),
        exchanges: () => this.#loaded.exchanges,
        streams: (exchange) => this.#collector?.streams(exchange) ?? [],
        books: (exchange, query) => this.#collector?.books(exchange, query) ?? [],
        instrument: (exchange, symbol) => this.#collector?.instrument(exchange, symbol) ?? null,
        gaps: this.#gaps,
        coverage: (days) => this.#coverage.read(this.#loaded.plan?.sinks ?? [], days),
        reload: () => this.reload(),
        backfill: {
          begin: ({ to, ...demand }) =>
            this.#history.begin({ ...demand, to: to ?? context.host.clock.nowMicros() }, {
              plan: this.#loaded.plan,
              collector: this.#collector,
            }),
          status: () => this.#history.status,
        },
        replay: (query) => this.#collector?.replay(query) ?? nothing(),
        wire: (query) => this.#collector?.wire(query) ?? nothing(),
        rates: this.#rates,
        log: this.#log,
        journalCap: () => this.#started?.journal.totalBytesMax ?? null,
      },
    }).catch((error: unknown) => nameHolder(error, context.host, { host: httpHost, port }));
    const { plan } = this.#loaded;
    if (plan === null) {
      this.observe({ kind: "config_waiting", path: this.#options.configPath });
      return;
    }
    await this.#startFirst(plan);
  }

  get plan(): Plan | null {
    return this.#loaded.plan;
  }

  get issues(): readonly Issue[] {
    return this.#loaded.issues;
  }

  get metrics(): Metrics {
    return this.#metrics;
  }

  /** Address of the HTTP server; null before it listens. */
  get address(): { readonly host: string; readonly port: number } | null {
    return this.#server;
  }

  /** Counts and logs an observation. */
  readonly observe: Observer = (seen: Observation) => {
    this.#metrics.observe(seen);
    this.#rates.observe(seen);
    this.#log.observe(seen);
    this.#observer(seen);
  };

  /** The status of everything, now. */
  get status(): ServiceStatus {
    const { clock } = this.#options.context.host;
    const running = this.#collector?.status ?? null;
    const error = this.#collector !== null
      ? null
      : this.#loaded.plan === null
      ? this.#loaded.issues.find((issue) => issue.severity === "error") ?? this.#failure
      : this.#failure;
    const facts: ServiceFacts = {
      service: "crypto-collector",
      version: this.#options.context.version,
      processId: this.#options.context.host.processId,
      now: clock.nowMicros(),
      uptimeMs: clock.monotonicMs() - this.#began,
      config: {
        loaded: this.#loaded.plan !== null && error === null,
        error: error === null ? null : issueText(error),
        refused: this.#refused,
        needsRestart: this.#needsRestart,
      },
      instances: this.#loaded.exchanges.map((exchange): InstanceStatus => ({
        name: exchange.name,
        enabled: exchange.enabled,
        descriptorPath: exchange.descriptorPath,
        descriptorName: exchange.descriptorName,
        descriptorVersion: exchange.descriptorVersion,
        errors: exchange.issues.filter((issue) => issue.severity === "error").map(issueText),
        warnings: exchange.issues.filter((issue) => issue.severity === "warning").map(issueText),
        instruments: this.#lists?.status(exchange.name) ?? null,
        ...running?.instances.get(exchange.name) ?? NOT_RUNNING,
      })),
      journal: running?.journal ?? null,
      sinks: running?.sinks ?? [],
      reading: running?.reading ?? { pausedSince: null, reason: null },
      blockedHosts: this.#limits?.limits.blocks ?? [],
      clock: running?.clock ?? { lastStep: null },
      group: this.#group.status,
      log: { dropped: this.#options.context.host.terminal.errorLinesDropped },
    };
    return { ...facts, problems: problemsOf(facts) };
  }

  /**
   * Reads the configuration again, after a start or reload under way. Refuses a broken one or one that cannot be
   * started, and keeps the running one. Never rejects.
   */
  reload(): Promise<void> {
    this.#reloadsQueued++;
    this.#work = this.#work.then(async () => {
      // The last of the waiting reloads serves all of them.
      if (--this.#reloadsQueued > 0 || this.#stopping.signal.aborted) return;
      await this.#reload();
    });
    return this.#work;
  }

  /**
   * Stops everything in order: syncs the journal, delivers and commits. Resolves at `shutdown_timeout_ms` at the
   * latest, with what had not ended by then. Never rejects.
   */
  async stop(): Promise<ServiceEnd> {
    this.#stopping.abort();
    this.#history.stop();
    this.#lists?.stop();
    const { clock } = this.#options.context.host;
    const timeoutMs = this.#loaded.plan?.run.shutdownTimeoutMs ?? SHUTDOWN_MS_DEFAULT;
    const steps = new StopSteps();
    const over = new AbortController();
    const orderly = this.#stopInOrder(steps, { timeoutMs, signal: over.signal }).catch((error: unknown) => {
      // Nobody is left to try again: the result says what failed.
      steps.failed(messageOf(error));
    });
    await Promise.race([orderly, clock.sleep(Math.max(timeoutMs, SHUTDOWN_MS_MIN), over.signal)]);
    over.abort();
    return steps.end;
  }

  async #stopInOrder(
    steps: StopSteps,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    await steps.run("the start or reload under way", this.#work);
    const { clock } = this.#options.context.host;
    const beganMs = clock.monotonicMs();
    let handed: readonly ShareStop[] = [];
    await steps.run(
      "the hand-over to other members of the group",
      this.#group.handOver(timeoutMs).then((stops) => handed = stops),
    );
    const leftMs = timeoutMs - (clock.monotonicMs() - beganMs);
    await this.#collector?.stop(leftMs * SINKS_SHARE_OF_STOP, {
      signal,
      track: (step, done) => steps.run(step, done),
    });
    await steps.run("the farewell to the group", this.#group.end(handed));
    steps.isSafe = true;
    await steps.run("the limits of hosts", this.#limits?.close());
    await steps.run("the rhythms of streams", this.#rhythms?.close());
    await steps.run("the HTTP server", this.#server?.stop());
  }

  /** Makes the collector collect the shares held now: the same configuration with other streams. */
  async #collectShares(moves: ShareMoves): Promise<void> {
    const collector = this.#collector;
    if (collector === null || this.#stopping.signal.aborted) {
      throw new Failure("cancelled", "The collector is stopping");
    }
    const complete = await this.#loadCompletely(this.#loaded);
    if (complete.plan === null) throw new Failure("file", "The configuration cannot be read any more");
    await collector.reload(complete.plan, moves);
    this.#loaded = complete;
  }

  #load(): ReadConfig {
    const { context, configPath, variables } = this.#options;
    return loadFromFiles(context, configPath, { variables });
  }

  /** Plans the same configuration text again, with the exchanges' instrument lists as far as they are known. */
  #completed(loaded: ReadConfig): ReadConfig {
    const { context, configPath, variables } = this.#options;
    const instrumentMaps = this.#lists?.maps ?? new Map();
    // The group of the start: joining another one needs a restart.
    const { group } = this.#started ?? loaded.plan ?? { group: null };
    if (instrumentMaps.size === 0 && group === null) return loaded;
    const { text, files } = loaded;
    const heldShares = group === null ? undefined : { count: group.shares, held: this.#group.held };
    return loadFromFiles(context, configPath, { variables, instrumentMaps, text, files, heldShares });
  }

  /** Requests the instrument lists that symbols need, in the background, and plans with those known so far. */
  async #loadCompletely(loaded: ReadConfig): Promise<ReadConfig> {
    await this.#lists?.want(loaded.exchanges);
    return this.#completed(loaded);
  }

  /** Applies a changed instrument list to the instances whose symbols it resolves differently. */
  async #applyLists(): Promise<void> {
    if (this.#collector === null || this.#stopping.signal.aborted) return;
    const complete = this.#completed(this.#loaded);
    if (complete.plan === null || symbolsOf(complete) === symbolsOf(this.#loaded)) return;
    const told = new Map(this.#loaded.exchanges.map(({ name, runnable }) => [name, toldOf(runnable)]));
    await this.#collector.reload(complete.plan);
    this.#loaded = complete;
    for (const { name, runnable } of complete.exchanges) {
      if (toldOf(runnable) !== told.get(name)) this.#lists?.tellAgain(name);
    }
    this.#reportLoaded(complete);
  }

  /** Journals the instruments of a list; if the journal cannot take them, the list tells them again later. */
  #takeInstruments(exchange: string, pages: readonly InstrumentPage[]): void {
    if (this.#stopping.signal.aborted) return;
    try {
      if (this.#collector?.takeInstruments(exchange, pages) === true) return;
    } catch (error) {
      this.#fail(error);
    }
    this.#lists?.tellLater(exchange);
  }

  /** Starts for the first time. Waits for a full disk in the background; rejects with any other failure. */
  async #startFirst(plan: Plan): Promise<void> {
    try {
      await this.#startCollector(plan);
    } catch (error) {
      if (!this.#waitForDisk(error)) throw error;
      this.#fail(error);
    }
  }

  /** Tries the start again for as long as the disk is full; false if it failed for another reason. */
  #waitForDisk(error: unknown): boolean {
    if (!(error instanceof Failure) || error.code !== "disk_full") return false;
    if (!this.#isRetrying) void this.#retryStart();
    return true;
  }

  async #retryStart(): Promise<void> {
    this.#isRetrying = true;
    const { clock } = this.#options.context.host;
    const isWanted = () => this.#collector === null && this.#loaded.plan !== null && !this.#stopping.signal.aborted;
    for (let attempt = 0; isWanted(); attempt++) {
      const delayMs = Math.min(START_RETRY_MS_MIN * 2 ** Math.min(attempt, 20), BACKOFF_MS_MAX);
      await clock.sleep(delayMs, this.#stopping.signal);
      this.#work = this.#work.then(async () => {
        const { plan } = this.#loaded;
        if (plan === null || !isWanted()) return;
        await this.#startCollector(plan).catch((error: unknown) => this.#fail(error));
      });
      await this.#work;
    }
    this.#isRetrying = false;
  }

  async #startCollector(plan: Plan): Promise<void> {
    const { host } = this.#options.context;
    this.#limits ??= await openHostLimits({
      clock: host.clock,
      files: host.files,
      path: `${plan.run.dataDir}/limits.json`,
      observe: this.observe,
    });
    this.#rhythms ??= await openRhythms({
      clock: host.clock,
      files: host.files,
      path: `${plan.run.dataDir}/rhythms.jsonl`,
      observe: this.observe,
    });
    this.#rest ??= new RestClient({ host, limits: this.#limits.limits, observe: this.observe });
    this.#lists ??= new InstrumentLists({
      ...host,
      client: this.#rest,
      dataDir: plan.run.dataDir,
      observe: this.observe,
      onChange: () => {
        this.#work = this.#work.then(() => this.#applyLists().catch((error: unknown) => this.#fail(error)));
      },
      onPages: (exchange, pages) => {
        this.#work = this.#work.then(() => this.#takeInstruments(exchange, pages));
      },
    });
    const complete = await this.#loadCompletely(this.#loaded);
    if (this.#stopping.signal.aborted) return;
    const completePlan = complete.plan ?? plan;
    this.#collector = await Collector.start({
      plan: completePlan,
      host,
      observe: this.observe,
      rest: this.#rest,
      rhythms: this.#rhythms.store,
      onEvents: (events) => {
        this.#gaps.note(events);
        this.#rates.noteDelay(events);
        this.#feed.push(events);
      },
      onNobodyReads: this.#options.onNobodyReads,
    });
    this.#loaded = complete;
    this.#started = completePlan;
    this.#failure = null;
    this.#reportLoaded(complete);
    this.#group.join(completePlan, this.#collector);
  }

  async #reload(): Promise<void> {
    // Files that were moved away are begun anew, whatever the configuration says.
    this.#collector?.reopenSinks();
    try {
      await this.#applyConfig();
    } catch (error) {
      // Even a bug is only reported: the running collector and later reloads go on.
      if (this.#collector !== null) return this.#refuse([failureIssue(this.#options.configPath, error)]);
      this.#waitForDisk(error);
      this.#fail(error);
      this.observe({ kind: "config_reload", accepted: false, errors: 1, needsRestart: [] });
    }
  }

  async #applyConfig(): Promise<void> {
    const loaded = this.#load();
    const errors = loaded.issues.filter((issue) => issue.severity === "error");
    if (loaded.plan === null || hasErrors(loaded.issues)) {
      this.#report(loaded.issues);
      // While nothing runs, /healthz shows the configuration on disk.
      if (this.#collector === null) this.#loaded = loaded;
      return this.#refuse(errors, true);
    }
    this.#applyLogSettings(loaded.plan);
    if (this.#collector === null) {
      this.#loaded = loaded;
      await this.#startCollector(loaded.plan);
    } else {
      const complete = await this.#loadCompletely(loaded);
      if (this.#stopping.signal.aborted) return;
      const plan = complete.plan ?? loaded.plan;
      await this.#collector.reload(plan);
      this.#loaded = complete;
      this.#needsRestart = this.#started === null ? [] : needingRestart(this.#started, plan);
      this.#reportLoaded(complete);
    }
    this.#refused = null;
    this.observe({ kind: "config_reload", accepted: true, errors: 0, needsRestart: this.#needsRestart });
  }

  /** Makes a new observer if the plan changes the log's settings. */
  #applyLogSettings(plan: Plan): void {
    const before = this.#loaded.plan?.run;
    if (before?.logLevel === plan.run.logLevel && before.logFormat === plan.run.logFormat) return;
    this.#observer = this.#options.createObserver(plan);
  }

  #refuse(errors: readonly Issue[], isReported = false): void {
    if (!isReported) this.#report(errors);
    const first = errors[0];
    if (first !== undefined) {
      const at = this.#options.context.host.clock.nowMicros();
      this.#refused = { at, text: issueText(first), errors: errors.length };
    }
    this.observe({ kind: "config_reload", accepted: false, errors: errors.length, needsRestart: [] });
  }

  #fail(error: unknown): void {
    this.#failure = failureIssue(this.#options.configPath, error);
    this.#report([this.#failure]);
  }

  #report(issues: readonly Issue[]): void {
    for (const issue of issues) this.observe({ kind: "config_issue", issue });
  }

  #reportLoaded({ exchanges, issues }: ReadConfig): void {
    const warnings = issues.filter((issue) => issue.severity === "warning").length;
    this.observe({ kind: "config_loaded", exchanges: exchanges.length, warnings });
  }
}

/** The replay while nothing runs. */
async function* nothing(): AsyncIterable<never> {}
