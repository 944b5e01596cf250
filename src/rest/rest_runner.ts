import type { Host } from "../host/mod.ts";
import {
  BACKOFF_MS_MAX,
  Failure,
  FRAME_BYTES_MAX,
  type HttpRecord,
  type Observer,
  renderTemplate,
  type RestPlan,
  type RestRequestPlan,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import { hostOf, type InstanceLimits } from "./host_limits.ts";

/** Longest wait for one answer, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_MS_MIN = 500;

/** One call to make. `session` is null for polls. */
interface Task {
  readonly request: RestRequestPlan;
  readonly native: string;
  readonly target: RestRequestPlan["targets"][number];
  readonly session: SessionId | null;
  readonly signal: AbortSignal;
  attempt: number;
}

export interface RestRunnerOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly host: Host;
  readonly observe: Observer;
  readonly limits: InstanceLimits;
  /** Takes an answer for the journal and the pipeline. */
  readonly onAnswer: (record: HttpRecord) => void;
}

/**
 * The REST calls of one exchange instance: snapshots once a session, after their stream was acknowledged, and polls.
 * One at a time, within the declared rate, failing over between base URLs; a call for a session is repeated with a
 * growing delay until it has its answer or the session ends.
 */
export class RestRunner {
  readonly #options: RestRunnerOptions;
  readonly #queue: Task[] = [];
  readonly #abort = new AbortController();
  readonly #sessions = new Map<SessionId, AbortController>();
  #baseIndex = 0;
  #working = false;

  constructor(options: RestRunnerOptions) {
    this.#options = options;
  }

  /** Begins to poll what is to be polled. */
  start(): void {
    for (const request of this.#options.plan.requests) {
      if (request.everyMs !== null) void this.#poll(request, request.everyMs);
    }
  }

  /** Streams of a session were acknowledged: asks for what belongs to them. */
  streamsAcked(session: SessionId, connectionId: string, streams: readonly Stream[]): void {
    for (const request of this.#options.plan.requests) {
      if (request.everyMs !== null || request.connectionId !== connectionId) continue;
      const symbols = new Set(streams.filter((s) => s.channel === request.channel).map((s) => s.symbol));
      for (const target of request.targets) {
        if (target.native !== "" && !symbols.has(target.symbol)) continue;
        if (symbols.size === 0) continue;
        const signal = this.#sessionSignal(session);
        this.#queue.push({ request, native: target.native, target, session, signal, attempt: 0 });
      }
    }
    void this.#work();
  }

  /** Asks for an answer once more, for a session's book. What waits for its turn already is not queued twice. */
  ask(session: SessionId, name: string, native: string): void {
    for (const request of this.#options.plan.requests.filter((one) => one.name === name)) {
      for (const target of request.targets.filter((one) => one.native === native)) {
        const waits = (task: Task) => task.request === request && task.target === target && task.session === session;
        if (this.#queue.some(waits)) continue;
        const signal = this.#sessionSignal(session);
        this.#queue.push({ request, native, target, session, signal, attempt: 0 });
      }
    }
    void this.#work();
  }

  /** Calls for the session are given up. */
  sessionClosed(session: SessionId): void {
    this.#sessions.get(session)?.abort();
    this.#sessions.delete(session);
  }

  stop(): void {
    this.#abort.abort();
    for (const session of this.#sessions.values()) session.abort();
    this.#queue.length = 0;
  }

  #sessionSignal(session: SessionId): AbortSignal {
    let controller = this.#sessions.get(session);
    if (controller === undefined) this.#sessions.set(session, controller = new AbortController());
    return controller.signal;
  }

  async #poll(request: RestRequestPlan, everyMs: number): Promise<void> {
    const { clock } = this.#options.host;
    while (!this.#abort.signal.aborted) {
      for (const target of request.targets) {
        // A poll whose last round has not gone out yet is not queued twice.
        const waiting = this.#queue.some((task) => task.request === request && task.native === target.native);
        if (waiting) continue;
        const signal = this.#abort.signal;
        this.#queue.push({ request, native: target.native, target, session: null, signal, attempt: 0 });
      }
      void this.#work();
      await clock.sleep(everyMs, this.#abort.signal);
    }
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    const { clock } = this.#options.host;
    try {
      while (!this.#abort.signal.aborted) {
        const task = this.#queue.shift();
        if (task === undefined) return;
        if (task.signal.aborted) continue;
        let waitMs = this.#reserve();
        while (waitMs > 0 && !task.signal.aborted) {
          await clock.sleep(waitMs, task.signal);
          waitMs = this.#reserve();
        }
        if (!task.signal.aborted) await this.#call(task);
      }
    } finally {
      this.#working = false;
      if (this.#queue.length > 0 && !this.#abort.signal.aborted) void this.#work();
    }
  }

  #reserve(): number {
    const { plan, limits } = this.#options;
    const base = renderTemplate(plan.baseUrls[this.#baseIndex % plan.baseUrls.length], {});
    return limits.reserveRequest(hostOf(base), plan.rateLimit);
  }

  async #call(task: Task): Promise<void> {
    const { host, plan, exchange, observe, onAnswer } = this.#options;
    const began = host.clock.monotonicMs();
    const path = renderTemplate(task.target.path, {
      nowMs: host.clock.nowMs(),
      uuid: () => host.random.uuid(),
      id: 1,
    });
    const base = plan.baseUrls[this.#baseIndex % plan.baseUrls.length];
    const url = renderTemplate(base, {}) + path;
    const hide = (text: string) => host.secrets.hide(text);
    try {
      const answer = await host.fetcher.fetch({
        method: "GET",
        url,
        headers: plan.headers,
        body: null,
        caCertPaths: plan.caCertPaths,
        timeoutMs: REQUEST_TIMEOUT_MS,
        bytesMax: FRAME_BYTES_MAX,
      }, task.signal);
      const durationMs = host.clock.monotonicMs() - began;
      const request = task.request.name;
      observe({ kind: "http_request", exchange, request, status: answer.status, durationMs, error: null });
      if (answer.status === 200) {
        onAnswer({
          kind: "http",
          planHash: null,
          at: answer.receivedTs,
          exchange,
          session: task.session,
          request,
          native: task.native,
          url: hide(url),
          status: answer.status,
          body: answer.body,
        });
        return;
      }
      if (answer.retryAfterMs !== null || answer.status === 429 || answer.status === 418) {
        const waitMs = answer.retryAfterMs ?? this.#retryMs(task.attempt);
        this.#options.limits.blockRequests(hostOf(renderTemplate(base, {})), waitMs);
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (task.signal.aborted) return;
      const durationMs = host.clock.monotonicMs() - began;
      observe({
        kind: "http_request",
        exchange,
        request: task.request.name,
        status: error.status,
        durationMs,
        error: hide(error.message),
      });
    }
    this.#baseIndex++;
    if (task.session !== null) this.#again(task);
  }

  #again(task: Task): void {
    const retryMs = this.#retryMs(task.attempt);
    task.attempt++;
    this.#options.host.clock.after(retryMs, () => {
      if (task.signal.aborted) return;
      this.#queue.push(task);
      void this.#work();
    });
  }

  #retryMs(attempt: number): number {
    const ceiling = Math.min(RETRY_MS_MIN * 2 ** Math.min(attempt, 20), BACKOFF_MS_MAX);
    return ceiling / 2 + this.#options.host.random.next() * ceiling / 2;
  }
}
