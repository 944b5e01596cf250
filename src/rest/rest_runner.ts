import {
  BACKOFF_MS_MAX,
  Failure,
  type HttpRecord,
  type Micros,
  POLL_RETRY_MS_MAX,
  type PollStatus,
  type RestPlan,
  type RestRequestPlan,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import type { Clock } from "../host/mod.ts";
import type { Purpose } from "./request_queue.ts";
import type { RestAnswer, RestClient, RestRequest } from "./rest_client.ts";

/** A poll without an answer since `from`. */
export interface MissedPoll {
  readonly request: string;
  readonly native: string;
  readonly at: Micros;
  /** Receive time of the last answer; if there was none, when the poll began. */
  readonly from: Micros;
  readonly reason: string;
}

export interface RestRunnerOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** Journals and derives an answer; returns why it is not what was requested, or null if it is. */
  readonly onAnswer: (record: HttpRecord) => string | null;
  /** Called when a poll had no answer for longer than its interval, or has ended; once until its next answer. */
  readonly onMissed: (missed: MissedPoll) => void;
}

type Target = RestRequestPlan["targets"][number];

/** State of one poll. */
interface Poll {
  readonly request: RestRequestPlan;
  readonly target: Target;
  readonly everyMs: number;
  readonly since: Micros;
  /** Aborted when the poll is no longer wanted. */
  readonly ended: AbortController;
  /** Monotonic ms of the last answer, or of the beginning. */
  answeredMs: number;
  lastAnswerTs: Micros | null;
  error: string | null;
  isMissed: boolean;
}

/** Requests of a session. */
interface SessionRequests {
  readonly abort: AbortController;
  /** Names of requests that cover many instruments, which are sent once. */
  readonly lists: Set<string>;
}

/**
 * The requests of one exchange instance: polls, and snapshots, which are sent once a session after their stream was
 * acknowledged and again when a book needs one. Each is repeated until its answer is accepted.
 */
export class RestRunner {
  readonly #options: RestRunnerOptions;
  readonly #abort = new AbortController();
  readonly #sessions = new Map<SessionId, SessionRequests>();
  #plan: RestPlan;
  #polls: readonly Poll[];
  #isStarted = false;

  constructor(options: RestRunnerOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#polls = this.#pollsOf(options.plan);
  }

  #pollsOf({ requests }: RestPlan): readonly Poll[] {
    const { clock } = this.#options;
    const [since, answeredMs] = [clock.nowMicros(), clock.monotonicMs()];
    return requests.flatMap((request) => {
      const { everyMs } = request;
      if (everyMs === null) return [];
      return request.targets.map((target) => ({
        request,
        target,
        everyMs,
        since,
        ended: new AbortController(),
        answeredMs,
        lastAnswerTs: null,
        error: null,
        isMissed: false,
      }));
    });
  }

  /** Adopts another plan: its new polls begin, polls that it lacks end, the others go on. */
  changePlan(plan: RestPlan): void {
    this.#plan = plan;
    const before = new Map(this.#polls.map((poll) => [keyOf(poll), poll]));
    const wanted = this.#pollsOf(plan).map((poll) => before.get(keyOf(poll)) ?? poll);
    const left = this.#polls.filter((poll) => !wanted.includes(poll));
    const begun = wanted.filter((poll) => before.get(keyOf(poll)) !== poll);
    this.#polls = wanted;
    for (const poll of left) this.#end(poll);
    if (this.#isStarted) { for (const poll of begun) void this.#repeat(poll); }
  }

  /** Status of each poll. */
  get polls(): readonly PollStatus[] {
    return this.#polls.map(({ request, target, everyMs, since, lastAnswerTs, error }) => ({
      request: request.name,
      stream: { channel: request.channel, symbol: target.symbol },
      everyMs,
      since,
      lastAnswerTs,
      error,
    }));
  }

  /** Begins polling. */
  start(): void {
    this.#isStarted = true;
    for (const poll of this.#polls) void this.#repeat(poll);
  }

  /** Sends the requests of acknowledged streams of a session. */
  streamsAcked(session: SessionId, connectionId: string, streams: readonly Stream[]): void {
    if (this.#abort.signal.aborted) return;
    for (const request of this.#plan.requests) {
      if (request.everyMs !== null || request.connectionId !== connectionId) continue;
      const symbols = new Set(streams.filter((s) => s.channel === request.channel).map((s) => s.symbol));
      if (symbols.size === 0) continue;
      for (const target of request.targets) {
        if (target.native !== "") {
          if (symbols.has(target.symbol)) this.#ask(request, target, session);
          continue;
        }
        const { lists } = this.#requestsOf(session);
        if (lists.has(request.name)) continue;
        lists.add(request.name);
        this.#ask(request, target, session);
      }
    }
  }

  /** Requests an answer again, for a session's book. A request in flight is not sent twice. */
  ask(session: SessionId, name: string, native: string): void {
    if (this.#abort.signal.aborted) return;
    for (const request of this.#plan.requests.filter((one) => one.name === name)) {
      for (const target of request.targets.filter((one) => one.native === native)) this.#ask(request, target, session);
    }
  }

  /** Cancels the requests of a session. */
  sessionClosed(session: SessionId): void {
    this.#sessions.get(session)?.abort.abort();
    this.#sessions.delete(session);
  }

  /** Stops all requests. Reports the end of each poll that had answers. */
  stop(): void {
    this.#abort.abort();
    for (const poll of this.#polls) this.#end(poll);
    for (const { abort } of this.#sessions.values()) abort.abort();
    this.#sessions.clear();
  }

  #requestsOf(session: SessionId): SessionRequests {
    let requests = this.#sessions.get(session);
    if (requests === undefined) {
      requests = { abort: new AbortController(), lists: new Set() };
      this.#sessions.set(session, requests);
    }
    return requests;
  }

  #ask(request: RestRequestPlan, target: Target, session: SessionId): void {
    const { signal } = this.#requestsOf(session).abort;
    void this.#send({ ...this.#callOf(request, target, session) }, "snapshot", signal);
  }

  #send(call: RestRequest, purpose: Purpose, signal: AbortSignal): Promise<boolean> {
    return this.#options.client.ask(call, purpose, signal);
  }

  #callOf(request: RestRequestPlan, target: Target, session: SessionId | null): RestRequest {
    const { exchange, onAnswer } = this.#options;
    const { baseUrls, headers, caCertPaths, proxy, rateLimit } = this.#plan;
    return {
      exchange,
      name: request.name,
      native: target.native,
      method: request.method ?? "GET",
      baseUrls: request.baseUrls ?? baseUrls,
      path: target.path,
      headers,
      body: target.body ?? null,
      caCertPaths,
      ...(proxy === undefined ? {} : { proxy }),
      rateLimit,
      scope: `${session ?? "poll"} ${request.connectionId}`,
      accept: ({ receivedTs, url, status, body }: RestAnswer) =>
        onAnswer({
          kind: "http",
          planHash: null,
          at: receivedTs,
          exchange,
          session,
          request: request.name,
          native: target.native,
          url,
          status,
          body,
        }),
    };
  }

  /** Polls until it ends: repeats each request until it is answered, and sends the next one when it is due. */
  async #repeat(poll: Poll): Promise<void> {
    const { clock } = this.#options;
    const { signal } = poll.ended;
    const call: RestRequest = {
      ...this.#callOf(poll.request, poll.target, null),
      retryMsMax: Math.min(BACKOFF_MS_MAX, Math.max(poll.everyMs, POLL_RETRY_MS_MAX)),
      onRetry: (reason) => this.#missed(poll, reason),
    };
    let dueMs = clock.monotonicMs();
    while (!signal.aborted) {
      if (await this.#send(call, "poll", signal)) {
        poll.answeredMs = clock.monotonicMs();
        poll.lastAnswerTs = clock.nowMicros();
        poll.error = null;
        poll.isMissed = false;
      }
      dueMs = Math.max(dueMs + poll.everyMs, clock.monotonicMs());
      await clock.sleep(dueMs - clock.monotonicMs(), signal);
    }
  }

  /** Notes a failed attempt, and reports it once if the poll had no answer for longer than its interval. */
  #missed(poll: Poll, reason: string): void {
    poll.error = reason;
    if (poll.isMissed || this.#options.clock.monotonicMs() - poll.answeredMs <= poll.everyMs) return;
    this.#tell(poll, reason);
  }

  /** Ends a poll, and reports it if the poll had answers. */
  #end(poll: Poll): void {
    poll.ended.abort();
    if (poll.lastAnswerTs === null || poll.isMissed) return;
    try {
      this.#tell(poll, "polling has ended");
    } catch (error) {
      // A record that cannot be journaled is counted by the journal; ending goes on.
      if (!(error instanceof Failure)) throw error;
    }
  }

  #tell(poll: Poll, reason: string): void {
    const { clock, onMissed } = this.#options;
    const { request, target, lastAnswerTs, since } = poll;
    onMissed({
      request: request.name,
      native: target.native,
      at: clock.nowMicros(),
      from: lastAnswerTs ?? since,
      reason,
    });
    poll.isMissed = true;
  }
}

/** Returns a key that identifies a poll across plans of one instance. */
function keyOf({ request, target, everyMs }: Poll): string {
  return JSON.stringify([request.name, request.connectionId, target.symbol, target.native, everyMs]);
}
