import type { Clock, Fetcher, FetchRequest, FetchResponse, Random, Timer } from "../host/mod.ts";
import {
  Failure,
  POLLS_IN_FLIGHT_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_PER_HOST_MAX,
  type RestRateLimit,
} from "../model/mod.ts";
import { retryDelayMs } from "./retry_delay.ts";
import { type HostLimits, hostOf } from "./host_limits.ts";

/** Purposes of requests, most urgent first: of the requests that wait for a host, the most urgent is sent next. */
export const PURPOSES = ["bootstrap", "snapshot", "instruments", "poll", "probe", "backfill"] as const;

/** Purpose of a request. */
export type Purpose = typeof PURPOSES[number];

/** A queued request. */
export interface QueuedRequest {
  /** Exchange instance whose limits apply. */
  readonly owner: string;
  readonly purpose: Purpose;
  /** Addresses, preferred first: it is sent to the first whose host is not blocked. */
  readonly urls: readonly string[];
  readonly rateLimit: RestRateLimit | null;
  readonly request: Omit<FetchRequest, "url">;
}

/** Result of a request. */
export interface RequestOutcome {
  /** Index of the address it was sent to; null if it was cancelled before. */
  readonly urlAt: number | null;
  readonly durationMs: number;
  /** An answer of any status, or the failure. */
  readonly answer: FetchResponse | Failure;
}

interface Waiting extends QueuedRequest {
  readonly hosts: readonly string[];
  readonly order: number;
  readonly signal: AbortSignal;
  readonly settle: (outcome: RequestOutcome) => void;
}

/**
 * Sends the requests of all instances: several at once, urgent ones first, within the limits of their hosts. A hanging
 * request occupies one slot and delays no other. A refusal (429, 418, `Retry-After`) blocks only its own host.
 */
export class RequestQueue {
  readonly #host: { readonly clock: Clock; readonly fetcher: Fetcher; readonly random: Random };
  readonly #limits: HostLimits;
  /** In the order of sending. */
  readonly #waiting: Waiting[] = [];
  /** Requests in flight by host, and how many of them are not urgent. */
  readonly #underWay = new Map<string, { all: number; patient: number }>();
  /** Consecutive refusals by host. */
  readonly #refusals = new Map<string, number>();
  #sent = 0;
  #order = 0;
  #timer: Timer | null = null;

  constructor(
    host: { readonly clock: Clock; readonly fetcher: Fetcher; readonly random: Random },
    limits: HostLimits,
  ) {
    this.#host = host;
    this.#limits = limits;
  }

  /** Sends a request when it is its turn. Never rejects: a failure is an outcome. */
  send(request: QueuedRequest, signal: AbortSignal): Promise<RequestOutcome> {
    return new Promise((resolve) => {
      const cancel = () => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        if (this.#waiting.length === 0) this.#timer?.cancel();
        resolve({ urlAt: null, durationMs: 0, answer: new Failure("cancelled", "Request cancelled") });
      };
      const waiting: Waiting = {
        ...request,
        hosts: request.urls.map(hostOf),
        order: this.#order++,
        signal,
        settle: (outcome) => {
          signal.removeEventListener("abort", cancel);
          resolve(outcome);
        },
      };
      if (signal.aborted) return cancel();
      signal.addEventListener("abort", cancel, { once: true });
      this.#insert(waiting);
      this.#pump();
    });
  }

  #insert(waiting: Waiting): void {
    const rank = rankOf(waiting);
    let at = this.#waiting.length;
    while (at > 0 && rankOf(this.#waiting[at - 1]) > rank) at--;
    this.#waiting.splice(at, 0, waiting);
  }

  /** Sends all requests that may be sent now, and sets a timer for the next. */
  #pump(): void {
    this.#timer?.cancel();
    this.#timer = null;
    let soonestMs = Infinity;
    // Less urgent requests to a host must not overtake an urgent one that waits for it.
    const held = new Set<string>();
    for (let at = 0; at < this.#waiting.length && this.#sent < REQUESTS_IN_FLIGHT_MAX;) {
      const waiting = this.#waiting[at];
      const urlAt = this.#choose(waiting);
      const host = waiting.hosts[urlAt];
      const waitMs = held.has(host) || !this.#hasPlace(waiting, host)
        ? Infinity
        : this.#limits.of(waiting.owner).reserveRequest(host, waiting.rateLimit);
      if (waitMs > 0) {
        soonestMs = Math.min(soonestMs, waitMs);
        if (waitMs < Infinity) held.add(host);
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      void this.#exchange(waiting, urlAt, host);
    }
    if (soonestMs < Infinity) this.#timer = this.#host.clock.after(Math.ceil(soonestMs), () => this.#pump());
  }

  /** Returns the address to use: the first whose host is not blocked, or the one that is free first. */
  #choose({ hosts, owner }: Waiting): number {
    const limits = this.#limits.of(owner);
    let best = 0;
    let bestMs = Infinity;
    for (let at = 0; at < hosts.length; at++) {
      const blockedMs = limits.requestBlockedMs(hosts[at]);
      if (blockedMs < bestMs) [best, bestMs] = [at, blockedMs];
      if (blockedMs === 0) break;
    }
    return best;
  }

  #hasPlace({ purpose }: Waiting, host: string): boolean {
    const { all, patient } = this.#underWay.get(host) ?? { all: 0, patient: 0 };
    return all < REQUESTS_PER_HOST_MAX && (isUrgent(purpose) || patient < POLLS_IN_FLIGHT_MAX);
  }

  async #exchange(waiting: Waiting, urlAt: number, host: string): Promise<void> {
    const { clock, fetcher } = this.#host;
    const began = clock.monotonicMs();
    this.#count(host, waiting.purpose, 1);
    let answer: FetchResponse | Failure;
    try {
      answer = await fetcher.fetch({ ...waiting.request, url: waiting.urls[urlAt] }, waiting.signal);
      this.#heed(waiting, host, answer);
    } catch (error) {
      answer = error instanceof Failure ? error : new Failure("connect", `Request failed: ${error}`, { cause: error });
    }
    this.#count(host, waiting.purpose, -1);
    waiting.settle({ urlAt, durationMs: clock.monotonicMs() - began, answer });
    this.#pump();
  }

  /** Blocks a host that refuses requests, for the time it asks for or for a growing delay. */
  #heed({ owner }: Waiting, host: string, { status, retryAfterMs }: FetchResponse): void {
    const isRefusal = status === 429 || status === 418;
    if (status < 400) this.#refusals.delete(host);
    if (!isRefusal && (status < 400 || retryAfterMs === null)) return;
    const refusals = (this.#refusals.get(host) ?? 0) + 1;
    this.#refusals.set(host, refusals);
    const waitMs = retryAfterMs ?? retryDelayMs(refusals, { random: this.#host.random.next() });
    this.#limits.of(owner).blockRequests(host, waitMs);
  }

  #count(host: string, purpose: Purpose, by: 1 | -1): void {
    const counts = this.#underWay.get(host) ?? { all: 0, patient: 0 };
    counts.all += by;
    if (!isUrgent(purpose)) counts.patient += by;
    this.#sent += by;
    if (counts.all === 0) this.#underWay.delete(host);
    else this.#underWay.set(host, counts);
  }
}

function rankOf({ purpose }: QueuedRequest): number {
  return PURPOSES.indexOf(purpose);
}

function isUrgent(purpose: Purpose): boolean {
  return PURPOSES.indexOf(purpose) < PURPOSES.indexOf("poll");
}
