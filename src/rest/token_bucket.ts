/** Holds `capacity` tokens and refills by `refillPerSecond`. Times are monotonic ms. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #refillPerSecond: number;
  #tokens: number;
  #refilledAt: number | null = null;

  constructor(capacity: number, refillPerSecond: number) {
    this.#capacity = capacity;
    this.#refillPerSecond = refillPerSecond;
    this.#tokens = capacity;
  }

  /** Returns the ms until a token is available; 0: now. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * 1000 / this.#refillPerSecond);
  }

  /** Consumes a token, even one that is not available yet. */
  record(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= 1;
  }

  #refill(nowMs: number): void {
    const since = nowMs - (this.#refilledAt ?? nowMs);
    this.#tokens = Math.min(this.#capacity, this.#tokens + since * this.#refillPerSecond / 1000);
    this.#refilledAt = nowMs;
  }
}
