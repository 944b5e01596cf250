import type { RestRateLimit } from "../model/mod.ts";

/**
 * Says when the next REST request may go out. `requests_per_minute` is a strict rolling window: never more than that many
 * in any 60 s. A token bucket holds `capacity` tokens and refills by `refillPerSecond`. Times are monotonic ms.
 */
export class RestLimiter {
  readonly #limit: RestRateLimit | null;
  /** Times of the requests in the current window, oldest first. */
  readonly #sent: number[] = [];
  #tokens: number;
  #refilledAt: number | null = null;
  #blockedUntil = 0;

  constructor(limit: RestRateLimit | null) {
    this.#limit = limit;
    this.#tokens = limit?.kind === "token_bucket" ? limit.capacity : 0;
  }

  /** Takes the turn if one is free and returns 0; otherwise the ms to wait before asking again. */
  take(nowMs: number): number {
    if (nowMs < this.#blockedUntil) return this.#blockedUntil - nowMs;
    if (this.#limit === null) return 0;
    switch (this.#limit.kind) {
      case "requests_per_minute":
        return this.#takeFromWindow(nowMs, this.#limit.requestsPerMinute);
      case "token_bucket":
        return this.#takeToken(nowMs, this.#limit.capacity, this.#limit.refillPerSecond);
    }
  }

  /** The exchange asked to wait (429, 418, 503 with `Retry-After`). */
  blockUntil(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, ms);
  }

  #takeFromWindow(nowMs: number, requestsPerMinute: number): number {
    while (this.#sent.length > 0 && nowMs - this.#sent[0] >= 60_000) this.#sent.shift();
    if (this.#sent.length >= requestsPerMinute) return this.#sent[0] + 60_000 - nowMs;
    this.#sent.push(nowMs);
    return 0;
  }

  #takeToken(nowMs: number, capacity: number, refillPerSecond: number): number {
    const since = nowMs - (this.#refilledAt ?? nowMs);
    this.#tokens = Math.min(capacity, this.#tokens + since * refillPerSecond / 1000);
    this.#refilledAt = nowMs;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) * 1000 / refillPerSecond);
    this.#tokens -= 1;
    return 0;
  }
}
