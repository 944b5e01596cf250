import type { LoadedConfig } from "../config/mod.ts";
import type { HttpServer } from "../host/mod.ts";
import {
  Failure,
  type InstanceStatus,
  type Issue,
  type Observation,
  type Observer,
  type Plan,
  type RunningStatus,
  type ServiceStatus,
} from "../model/mod.ts";
import { fetchInstrumentMaps, type KeptHostLimits, openHostLimits } from "../rest/mod.ts";
import { Collector } from "../runtime/mod.ts";
import { createMetrics, type Metrics, serveTelemetry } from "../telemetry/mod.ts";
import type { ServiceContext } from "./context.ts";
import { problemsOf, type ServiceFacts } from "./problems.ts";
import { hasErrors, loadFromFiles } from "./sources.ts";

export interface ServiceOptions {
  readonly context: ServiceContext;
  readonly configPath: string;
  /** Variables that stand before those of the process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Takes the place of the configured port; 0 is a free one. */
  readonly httpPort?: number;
  /** Told everything that happens, beside the metrics; made when the configuration has been read. */
  readonly createObserver: (plan: Plan | null) => Observer;
  /** The service is about to be stopped: what a start or a reload waits for is given up. */
  readonly stopping?: AbortSignal;
}

/** What an instance shows that does not run. */
const NOT_RUNNING: RunningStatus = { connections: [], books: [], polls: [] };

const DEFAULT_HTTP = { host: "127.0.0.1", port: 8090 } as const;

/**
 * The running program: configuration, collector, and the endpoints that tell about both. It lives on with a broken
 * configuration, so that /healthz can say what is wrong, and takes a repaired one with `reload`.
 */
export class Service {
  readonly #options: ServiceOptions;
  readonly #metrics: Metrics = createMetrics();
  readonly #began: number;
  #observer: Observer = () => {};
  #loaded: LoadedConfig;
  #collector: Collector | null = null;
  #server: HttpServer | null = null;
  /** Null before the first plan; then the same over all reloads. */
  #limits: KeptHostLimits | null = null;
  #reloading: Promise<void> = Promise.resolve();
  /** Why a valid configuration could not be started; null where nothing failed. */
  #failure: Issue | null = null;

  private constructor(options: ServiceOptions) {
    this.#options = options;
    this.#began = options.context.host.clock.monotonicMs();
    this.#loaded = this.#load();
    this.#observer = options.createObserver(this.#loaded.plan);
  }

  /** Reads the configuration, serves health and starts what can run. Throws a `Failure` where port or journal cannot be had. */
  static async start(options: ServiceOptions): Promise<Service> {
    const service = new Service(options);
    const { context } = options;
    service.observe({ kind: "started", version: context.version });
    service.#report(service.#loaded.issues);
    const { plan } = service.#loaded;
    service.#server = await serveTelemetry({
      secrets: context.host.secrets,
      listener: context.host.listener,
      host: service.#loaded.http.host ?? DEFAULT_HTTP.host,
      port: options.httpPort ?? service.#loaded.http.port ?? DEFAULT_HTTP.port,
      snapshot: () => service.status,
      metrics: service.#metrics,
    });
    if (plan !== null) await service.#startCollector(plan);
    return service;
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

  /** Where health is served. */
  get address(): { readonly host: string; readonly port: number } | null {
    return this.#server;
  }

  /** Counts and logs one observation. */
  readonly observe: Observer = (seen: Observation) => {
    this.#metrics.observe(seen);
    this.#observer(seen);
  };

  /** How everything is, now. */
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
      now: clock.nowMicros(),
      uptimeMs: clock.monotonicMs() - this.#began,
      config: {
        loaded: this.#loaded.plan !== null && error === null,
        error: error === null ? null : issueText(error),
        refused: null,
        needsRestart: [],
      },
      instances: this.#loaded.exchanges.map((exchange): InstanceStatus => ({
        name: exchange.name,
        enabled: exchange.enabled,
        descriptorPath: exchange.descriptorPath,
        descriptorName: exchange.descriptorName,
        descriptorVersion: exchange.descriptorVersion,
        errors: exchange.issues.filter((issue) => issue.severity === "error").map(issueText),
        warnings: exchange.issues.filter((issue) => issue.severity === "warning").map(issueText),
        instruments: null,
        ...running?.instances.get(exchange.name) ?? NOT_RUNNING,
      })),
      journal: running?.journal ?? null,
      sinks: running?.sinks ?? [],
      reading: running?.reading ?? { pausedSince: null, reason: null },
      clock: running?.clock ?? { lastStep: null },
      log: { dropped: 0 },
    };
    return { ...facts, problems: problemsOf(facts) };
  }

  /** Reads the configuration again. One that is broken or cannot be started is refused and the running one stays. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** Stops everything in order; resolves when all that was received is durable and what could be delivered is committed. */
  async stop(): Promise<void> {
    await this.#reloading;
    await this.#collector?.stop(this.#loaded.plan?.run.shutdownTimeoutMs ?? 0);
    await this.#limits?.close();
    await this.#server?.stop();
  }

  #load(instrumentMaps?: ReadonlyMap<string, ReadonlyMap<string, string>>): LoadedConfig {
    const { context, configPath, variables } = this.#options;
    return loadFromFiles(context, configPath, { variables, instrumentMaps });
  }

  /** Loads, and once more with the exchanges' own lists where symbols want them. */
  async #loadCompletely(loaded: LoadedConfig): Promise<LoadedConfig> {
    if (loaded.plan === null) return loaded;
    const maps = await fetchInstrumentMaps({
      host: this.#options.context.host,
      exchanges: loaded.exchanges,
      cacheDir: `${loaded.plan.run.dataDir}/instruments`,
      observe: this.observe,
      signal: this.#options.stopping,
    });
    return maps.size === 0 ? loaded : this.#load(maps);
  }

  async #startCollector(plan: Plan): Promise<void> {
    const complete = await this.#loadCompletely(this.#loaded);
    this.#loaded = complete;
    if (this.#options.stopping?.aborted) return;
    const { host } = this.#options.context;
    this.#limits ??= await openHostLimits({
      clock: host.clock,
      files: host.files,
      path: `${plan.run.dataDir}/limits.json`,
      observe: this.observe,
    });
    this.#collector = await Collector.start({
      plan: complete.plan ?? plan,
      host,
      observe: this.observe,
      limits: this.#limits.limits,
    });
    this.#reportLoaded(complete);
  }

  async #reload(): Promise<void> {
    try {
      await this.#takeOver();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#failure = failureIssue(this.#options.configPath, error);
      this.#report([this.#failure]);
      this.observe({ kind: "config_reload", accepted: false, errors: 1 });
    }
  }

  async #takeOver(): Promise<void> {
    const loaded = this.#load();
    const errors = loaded.issues.filter((issue) => issue.severity === "error").length;
    if (loaded.plan === null || hasErrors(loaded.issues)) {
      this.#report(loaded.issues);
      this.observe({ kind: "config_reload", accepted: false, errors });
      return;
    }
    const complete = await this.#loadCompletely(loaded);
    const plan = complete.plan ?? loaded.plan;
    this.#loaded = complete;
    if (this.#collector === null) await this.#startCollector(plan);
    else await this.#collector.reload(plan);
    this.#failure = null;
    this.observe({ kind: "config_reload", accepted: true, errors: 0 });
    this.#reportLoaded(complete);
  }

  #report(issues: readonly Issue[]): void {
    for (const issue of issues) this.observe({ kind: "config_issue", issue });
  }

  #reportLoaded({ exchanges, issues }: LoadedConfig): void {
    const warnings = issues.filter((issue) => issue.severity === "warning").length;
    this.observe({ kind: "config_loaded", exchanges: exchanges.length, warnings });
  }
}

/** A failure of the world in the form of the mistakes that stand beside it. */
function failureIssue(file: string, { message }: Failure): Issue {
  return { severity: "error", file, line: 1, column: 1, length: 1, message, sourceLine: "", exchange: null };
}

function issueText(issue: Issue): string {
  return `${issue.file}:${issue.line}:${issue.column}: ${issue.message}`;
}
