import type { Clock, Fetcher, FetchRequest, FetchResponse, Random } from "../host/mod.ts";
import {
  EXAMPLE_CHARS_MAX,
  Failure,
  FRAME_BYTES_MAX,
  type Micros,
  type Observer,
  type ProxyAddress,
  renderShown,
  renderTemplate,
  REQUEST_TIMEOUT_MS,
  type RestRateLimit,
  revealAll,
  type Secret,
  type Secrets,
  type Template,
} from "../model/mod.ts";
import type { HostLimits } from "./host_limits.ts";
import { type Purpose, RequestQueue } from "./request_queue.ts";
import { retryDelayMs } from "./retry_delay.ts";

/** A request that is repeated until its answer is accepted. */
export interface RestRequest {
  readonly exchange: string;
  /** Name in the descriptor. */
  readonly name: string;
  /** Requested native symbol; empty if the request covers many. */
  readonly native: string;
  readonly method: "GET" | "POST";
  /** First is primary, the rest failover. */
  readonly baseUrls: readonly Template[];
  readonly path: Template;
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** A template is rendered for every attempt. */
  readonly body: string | Template | null;
  readonly caCertPaths: readonly string[];
  /** HTTP proxy; absent: none of the descriptor's or the instance's. */
  readonly proxy?: ProxyAddress;
  readonly rateLimit: RestRateLimit | null;
  /** Part of its identity, so that the same request is not in flight twice; `""` if name and symbol identify it. */
  readonly scope: string;
  /** Longest delay between attempts, in ms; absent: `BACKOFF_MS_MAX`. */
  readonly retryMsMax?: number;
  /**
   * Checks an answer of status 200; returns why it is not what was requested, or null if it is. An exception counts as
   * a reason too.
   */
  readonly accept: (answer: RestAnswer) => string | null;
  /** Called after each failed attempt, with the reason. */
  readonly onRetry?: (reason: string) => void;
}

/** An answer with its address, without secrets. */
export interface RestAnswer extends FetchResponse {
  readonly url: string;
}

/** A request without an answer so far. */
export interface FailingRequest {
  readonly exchange: string;
  readonly request: string;
  readonly native: string;
  readonly purpose: Purpose;
  readonly since: Micros;
  readonly attempts: number;
  readonly reason: string;
}

export interface RestClientOptions {
  readonly host: {
    readonly clock: Clock;
    readonly fetcher: Fetcher;
    readonly random: Random;
    readonly secrets: Secrets;
  };
  readonly limits: HostLimits;
  readonly observe: Observer;
}

/**
 * Sends HTTP requests of all instances of the process. A request is repeated, with a growing delay and at the next
 * address, until an answer is accepted or the caller aborts.
 */
export class RestClient {
  readonly limits: HostLimits;
  readonly #options: RestClientOptions;
  readonly #queue: RequestQueue;
  /** Requests in flight or waiting for a retry, by identity. */
  readonly #asked = new Map<string, Promise<boolean>>();
  readonly #failing = new Map<string, FailingRequest>();
  /** Index of the address that an instance uses now. */
  readonly #baseAt = new Map<string, number>();

  constructor(options: RestClientOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.#queue = new RequestQueue(options.host, options.limits);
  }

  /** Requests without an answer so far. */
  get failing(): readonly FailingRequest[] {
    return [...this.#failing.values()];
  }

  /**
   * Repeats a request until its answer is accepted, and resolves to true; to false when the signal aborts. Never
   * rejects. An equal request in flight is not sent twice: both resolve with its result.
   */
  ask(request: RestRequest, purpose: Purpose, signal: AbortSignal): Promise<boolean> {
    const key = keyOf(request);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const asking = this.#repeat(key, request, purpose, signal).finally(() => {
      if (this.#asked.get(key) === asking) this.#asked.delete(key);
      this.#failing.delete(key);
    });
    this.#asked.set(key, asking);
    return asking;
  }

  /** Returns a fetcher whose requests keep the limits of their hosts, for callers that retry by themselves. */
  fetcher(exchange: string, purpose: Purpose): Fetcher {
    return {
      fetch: async ({ url, ...request }: FetchRequest, signal = new AbortController().signal) => {
        const queued = { owner: exchange, purpose, urls: [url], rateLimit: null, request };
        const { answer } = await this.#queue.send(queued, signal);
        if (answer instanceof Failure) throw answer;
        return answer;
      },
    };
  }

  async #repeat(key: string, request: RestRequest, purpose: Purpose, signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#options.host;
    const since = clock.nowMicros();
    for (let attempts = 1; !signal.aborted; attempts++) {
      const reason = await this.#attempt(key, request, purpose, signal).catch((error: unknown) =>
        this.#bug(request, error)
      );
      if (reason === null) return true;
      if (signal.aborted) break;
      const { exchange, name, native } = request;
      this.#failing.set(key, { exchange, request: name, native, purpose, since, attempts, reason });
      this.#tellRetry(request, reason);
      await clock.sleep(retryDelayMs(attempts, { random: random.next(), maxMs: request.retryMsMax }), signal);
    }
    return false;
  }

  /** Sends the request once. Returns null where its answer was accepted, otherwise why not. */
  async #attempt(key: string, request: RestRequest, purpose: Purpose, signal: AbortSignal): Promise<string | null> {
    const { host, observe } = this.#options;
    const { exchange, name, baseUrls } = request;
    // Hosts of one list stand in for one another; those of another list are other hosts.
    const hosts = [exchange, ...baseUrls.map(({ source }) => source)].join(" ");
    const first = (this.#baseAt.get(hosts) ?? 0) % baseUrls.length;
    const bases = [...baseUrls.slice(first), ...baseUrls.slice(0, first)];
    const uuid = host.random.uuid();
    const values = { nowMs: host.clock.nowMs(), uuid: () => uuid, id: 1 };
    const path = renderTemplate(request.path, values);
    const hide = (text: string) => host.secrets.hide(text);
    const urls = bases.map((base) => renderTemplate(base, {}) + path);
    const { method, body, caCertPaths, proxy, rateLimit } = request;
    const headers = revealAll(request.headers);
    const text = body === null || typeof body === "string" ? body : renderTemplate(body, values);
    const sent = {
      method,
      headers,
      body: text,
      caCertPaths,
      ...through(proxy),
      timeoutMs: REQUEST_TIMEOUT_MS,
      bytesMax: FRAME_BYTES_MAX,
    };
    const queued = { owner: exchange, purpose, urls, rateLimit, request: sent };
    const { answer, urlAt, durationMs } = await this.#queue.send(queued, signal);
    if (signal.aborted || urlAt === null) return "cancelled";
    const seen = { kind: "http_request", exchange, request: name, durationMs } as const;
    const isAnswer = !(answer instanceof Failure) && answer.status === 200;
    if (!isAnswer) {
      const failed = hide(answer instanceof Failure ? answer.message : describeStatus(answer));
      observe({ ...seen, status: answer.status, error: failed });
      this.#baseAt.set(hosts, (first + urlAt + 1) % baseUrls.length);
      return failed;
    }
    observe({ ...seen, status: answer.status, error: null });
    this.#baseAt.set(hosts, (first + urlAt) % baseUrls.length);
    // From here on it is answered: what the answer sets off may ask anew.
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    const shown = hide(renderShown(bases[urlAt], {}) + renderShown(request.path, values));
    const reason = this.#accept(request, { ...answer, url: shown });
    if (reason === null) return null;
    if (this.#asked.has(key)) return null;
    if (asked !== undefined) this.#asked.set(key, asked);
    observe({ kind: "answer_unusable", exchange, request: name, native: request.native, reason: hide(reason) });
    return hide(reason);
  }

  /** A bug touches no other request: it is told, and the request is made again. */
  #bug({ exchange, name, native }: RestRequest, error: unknown): string {
    const reason = `a bug of the program: ${error instanceof Error ? error.message : String(error)}`;
    this.#options.observe({ kind: "answer_unusable", exchange, request: name, native, reason });
    return reason;
  }

  /** Calls `onRetry`, which may throw if it cannot journal the failure; the next attempt calls it again. */
  #tellRetry(request: RestRequest, reason: string): void {
    try {
      request.onRetry?.(reason);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const { exchange, name, native } = request;
      this.#options.observe({ kind: "answer_unusable", exchange, request: name, native, reason: text });
    }
  }

  #accept(request: RestRequest, answer: RestAnswer): string | null {
    try {
      return request.accept(answer);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function keyOf({ exchange, name, native, scope }: RestRequest): string {
  return JSON.stringify([exchange, name, native, scope]);
}

/** Returns a status with the beginning of its body. */
function describeStatus({ status, body }: FetchResponse): string {
  const text = new TextDecoder().decode(body.subarray(0, EXAMPLE_CHARS_MAX * 4)).trim();
  return text === "" ? `status ${status}` : `status ${status}: ${text.slice(0, EXAMPLE_CHARS_MAX)}`;
}

function through(proxy: ProxyAddress | undefined): { readonly proxy?: ProxyAddress } {
  return proxy === undefined ? {} : { proxy };
}
