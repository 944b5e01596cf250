import type { Clock } from "../host/mod.ts";
import {
  type HostBlockStatus,
  LIMIT_HOSTS_MAX,
  LIMIT_WINDOW_MS_MAX,
  type RateLimit,
  type RestRateLimit,
  RETRY_AFTER_MS_MAX,
} from "../model/mod.ts";
import { Moments } from "./moments.ts";
import { type FreePlace, SocketPlaces } from "./socket_places.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Lets connection attempts pass within the limits that a host sets for one address. */
export interface OpenGate {
  /**
   * Resolves when an attempt to `host` may be made, in the order of calls, and counts it. Resolves at once, without
   * counting, when the signal aborts. `limit` is added to the limits that others declared for the host: the strictest
   * one holds.
   */
  enter(host: string, limit: RateLimit | null, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when a socket to `host` may be open beside all others that the process has there, with what ends its being
   * counted. `most`: how many the host allows to one address, null where it has not said; `via`: the proxy that it goes
   * through, which has an address of its own. Resolves at once, and counts nothing, when the signal aborts.
   */
  takePlace(
    host: string,
    limit: { readonly most: number | null; readonly via: string },
    signal: AbortSignal,
  ): Promise<FreePlace>;
  /** Returns how long the host refuses connection attempts, in ms; 0 if it does not. */
  openBlockedMs(host: string): number;
  /**
   * Blocks connection attempts to the host for `ms`, because it answered with `Retry-After`. Other hosts are not
   * affected.
   */
  blockOpens(host: string, ms: number): void;
}

/** The limits of one exchange instance. Hosts include the port if the URL has one. */
export interface InstanceLimits extends OpenGate {
  /**
   * Counts a request to the host and returns 0 if it may be sent now; otherwise returns the ms to wait before calling
   * again.
   */
  reserveRequest(host: string, limit: RestRateLimit | null): number;
  /** Returns how long the host refuses requests, in ms; 0 if it does not. */
  requestBlockedMs(host: string): number;
  /**
   * Blocks requests to the host for `ms`, because it answered 429, 418, or with `Retry-After`. Other hosts are not
   * affected.
   */
  blockRequests(host: string, ms: number): void;
  /** Withdraws the limits that the instance declared; its earlier requests still count. */
  release(): void;
}

/** State that survives a restart. Times are wall clock, in ms. */
export interface HostLimitsState {
  readonly hosts: readonly HostState[];
}

export interface HostState {
  readonly host: string;
  readonly opens: readonly number[];
  readonly requests: readonly number[];
  readonly opensBlockedUntil: number;
  readonly requestsBlockedUntil: number;
}

/** Requests to one host, and its limits. Times are monotonic ms. */
interface Lane {
  readonly opens: Moments;
  readonly requests: Moments;
  readonly openLimits: Declared<RateLimit>;
  readonly requestLimits: Declared<RestRateLimit>;
  readonly buckets: Map<string, TokenBucket>;
  opensBlockedUntil: number;
  requestsBlockedUntil: number;
  /** Resolves when the last queued attempt has passed; attempts pass one after another. */
  tail: Promise<void>;
  usedAt: number;
}

/** Limits with their owners, by their text. */
type Declared<T> = Map<string, { readonly limit: T; readonly owners: Set<string> }>;

/**
 * The limits of hosts, over all instances of the process and everything they send: connection attempts, snapshots,
 * polls, instrument lists and bootstrap calls. Limits and blocks of one host do not affect others.
 */
export class HostLimits {
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  readonly #places = new SocketPlaces();
  readonly #onChange: () => void;

  /** `onChange` is called when the state to save has changed. */
  constructor(clock: Clock, onChange: () => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Returns the limits for an owner, the instance that declares them. */
  of(owner: string): InstanceLimits {
    return {
      enter: (host, limit, signal) => this.#enter(host, owner, limit, signal),
      takePlace: (host, { most, via }, signal) => this.#places.take(`${via} ${host}`, most, signal),
      openBlockedMs: (host) => this.#remainingMs(this.#lanes.get(host)?.opensBlockedUntil),
      blockOpens: (host, ms) => {
        const lane = this.#lane(host);
        lane.opensBlockedUntil = Math.max(lane.opensBlockedUntil, this.#untilMs(ms));
        this.#onChange();
      },
      reserveRequest: (host, limit) => this.#reserveRequest(host, owner, limit),
      requestBlockedMs: (host) => this.#remainingMs(this.#lanes.get(host)?.requestsBlockedUntil),
      blockRequests: (host, ms) => {
        const lane = this.#lane(host);
        lane.requestsBlockedUntil = Math.max(lane.requestsBlockedUntil, this.#untilMs(ms));
        this.#onChange();
      },
      release: () => this.#release(owner),
    };
  }

  /** Hosts that refuse connection attempts or requests now. */
  get blocks(): readonly HostBlockStatus[] {
    const blocks: HostBlockStatus[] = [];
    for (const [host, { opensBlockedUntil, requestsBlockedUntil }] of this.#lanes) {
      const opens = this.#remainingMs(opensBlockedUntil);
      const requests = this.#remainingMs(requestsBlockedUntil);
      if (opens > 0) blocks.push({ host, what: "connections", remainingMs: opens });
      if (requests > 0) blocks.push({ host, what: "requests", remainingMs: requests });
    }
    return blocks;
  }

  /** Returns the state to save. */
  saveState(): HostLimitsState {
    const nowMs = this.#clock.monotonicMs();
    const toWall = (ms: number) => Math.round(ms - nowMs + this.#clock.nowMs());
    return {
      hosts: [...this.#lanes].map(([host, lane]) => ({
        host,
        opens: lane.opens.since(nowMs - LIMIT_WINDOW_MS_MAX).map(toWall),
        requests: lane.requests.since(nowMs - LIMIT_WINDOW_MS_MAX).map(toWall),
        opensBlockedUntil: lane.opensBlockedUntil > nowMs ? toWall(lane.opensBlockedUntil) : 0,
        requestsBlockedUntil: lane.requestsBlockedUntil > nowMs ? toWall(lane.requestsBlockedUntil) : 0,
      })),
    };
  }

  /** Restores a saved state. Times ahead of the wall clock, which may have been set back, count as now. */
  restoreState({ hosts }: HostLimitsState): void {
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.nowMs();
    const toMonotonic = (wall: number) => nowMs - Math.max(0, wallMs - wall);
    const toUntil = (wall: number) => wall <= wallMs ? -Infinity : nowMs + Math.min(wall - wallMs, RETRY_AFTER_MS_MAX);
    for (const saved of hosts.slice(-LIMIT_HOSTS_MAX)) {
      const lane = this.#lane(saved.host);
      const oldestMs = nowMs - LIMIT_WINDOW_MS_MAX;
      for (const at of saved.opens.map(toMonotonic).sort((a, b) => a - b)) lane.opens.record(at, oldestMs);
      for (const at of saved.requests.map(toMonotonic).sort((a, b) => a - b)) lane.requests.record(at, oldestMs);
      lane.opensBlockedUntil = Math.max(lane.opensBlockedUntil, toUntil(saved.opensBlockedUntil));
      lane.requestsBlockedUntil = Math.max(lane.requestsBlockedUntil, toUntil(saved.requestsBlockedUntil));
    }
  }

  #enter(host: string, owner: string, limit: RateLimit | null, signal: AbortSignal): Promise<void> {
    const lane = this.#lane(host);
    if (limit !== null) declare(lane.openLimits, `${limit.count}/${limit.perMs}`, limit, owner);
    const { promise, resolve } = Promise.withResolvers<void>();
    const release = () => {
      signal.removeEventListener("abort", release);
      resolve();
    };
    signal.addEventListener("abort", release, { once: true });
    if (signal.aborted) release();
    lane.tail = lane.tail.then(() => this.#pass(lane, signal)).then(release);
    return promise;
  }

  async #pass(lane: Lane, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = this.#clock.monotonicMs();
      let waitMs = Math.max(0, lane.opensBlockedUntil - nowMs);
      for (const { limit } of lane.openLimits.values()) waitMs = Math.max(waitMs, lane.opens.waitMs(limit, nowMs));
      if (waitMs === 0) break;
      await this.#clock.sleep(waitMs, signal);
    }
    if (signal.aborted) return;
    const nowMs = this.#clock.monotonicMs();
    lane.opens.record(nowMs, nowMs - LIMIT_WINDOW_MS_MAX);
    this.#onChange();
  }

  #reserveRequest(host: string, owner: string, limit: RestRateLimit | null): number {
    const lane = this.#lane(host);
    if (limit !== null) declare(lane.requestLimits, textOf(limit), limit, owner);
    const nowMs = this.#clock.monotonicMs();
    const blockedMs = this.#remainingMs(lane.requestsBlockedUntil);
    if (blockedMs > 0) return blockedMs;
    let waitMs = 0;
    for (const [text, { limit: held }] of lane.requestLimits) {
      waitMs = Math.max(
        waitMs,
        held.kind === "requests_per_minute"
          ? lane.requests.waitMs({ count: held.requestsPerMinute, perMs: 60_000 }, nowMs)
          : bucketOf(lane, text, held.capacity, held.refillPerSecond).waitMs(nowMs),
      );
    }
    if (waitMs > 0) return waitMs;
    lane.requests.record(nowMs, nowMs - LIMIT_WINDOW_MS_MAX);
    for (const bucket of lane.buckets.values()) bucket.record(nowMs);
    this.#onChange();
    return 0;
  }

  #release(owner: string): void {
    for (const lane of this.#lanes.values()) {
      withdraw(lane.openLimits, owner);
      for (const text of withdraw(lane.requestLimits, owner)) lane.buckets.delete(text);
    }
  }

  #remainingMs(untilMs: number | undefined): number {
    return untilMs === undefined ? 0 : Math.max(0, Math.ceil(untilMs - this.#clock.monotonicMs()));
  }

  #untilMs(ms: number): number {
    return this.#clock.monotonicMs() + Math.min(ms, RETRY_AFTER_MS_MAX);
  }

  #lane(host: string): Lane {
    const usedAt = this.#clock.monotonicMs();
    let lane = this.#lanes.get(host);
    if (lane === undefined) {
      if (this.#lanes.size >= LIMIT_HOSTS_MAX) this.#evict();
      lane = {
        opens: new Moments(),
        requests: new Moments(),
        openLimits: new Map(),
        requestLimits: new Map(),
        buckets: new Map(),
        opensBlockedUntil: -Infinity,
        requestsBlockedUntil: -Infinity,
        tail: Promise.resolve(),
        usedAt,
      };
      this.#lanes.set(host, lane);
    }
    lane.usedAt = usedAt;
    return lane;
  }

  /** Evicts the least recently used host. */
  #evict(): void {
    let oldest: string | null = null;
    let usedAt = Infinity;
    for (const [host, lane] of this.#lanes) {
      if (lane.usedAt < usedAt) [oldest, usedAt] = [host, lane.usedAt];
    }
    if (oldest !== null) this.#lanes.delete(oldest);
  }
}

/** Returns the authority of a URL, by which limits are counted: host, and port if the URL has one. */
export function hostOf(url: string): string {
  const authority = /^\w+:\/\/([^/?#]+)/.exec(url)?.[1] ?? url;
  return authority.slice(authority.lastIndexOf("@") + 1).toLowerCase();
}

function declare<T>(declared: Declared<T>, text: string, limit: T, owner: string): void {
  const known = declared.get(text);
  if (known === undefined) declared.set(text, { limit, owners: new Set([owner]) });
  else known.owners.add(owner);
}

/** Removes the owner's limits; returns those without any other owner. */
function withdraw<T>(declared: Declared<T>, owner: string): readonly string[] {
  const gone: string[] = [];
  for (const [text, { owners }] of declared) {
    if (!owners.delete(owner) || owners.size > 0) continue;
    declared.delete(text);
    gone.push(text);
  }
  return gone;
}

function textOf(limit: RestRateLimit): string {
  return limit.kind === "requests_per_minute"
    ? `${limit.requestsPerMinute}/min`
    : `${limit.capacity} tokens, ${limit.refillPerSecond}/s`;
}

function bucketOf(lane: Lane, text: string, capacity: number, refillPerSecond: number): TokenBucket {
  let bucket = lane.buckets.get(text);
  if (bucket === undefined) lane.buckets.set(text, bucket = new TokenBucket(capacity, refillPerSecond));
  return bucket;
}
