import type { RateLimit } from "../model/mod.ts";

/**
 * A strict rolling window: no interval of `perMs` has more than `count` actions. Unlike a token bucket it allows no
 * larger burst after a pause. Times are monotonic ms.
 */
export class RollingWindow {
  readonly #limit: RateLimit;
  /** Times of the last `count` actions as a ring; the one at `#at` is the oldest. */
  readonly #moments: Float64Array;
  #at = 0;

  constructor(limit: RateLimit) {
    this.#limit = limit;
    this.#moments = new Float64Array(limit.count).fill(-Infinity);
  }

  /** Returns how long to wait until `ahead` more actions are allowed, in ms; 0: now. `ahead` is at most `count`. */
  waitMs(nowMs: number, ahead = 1): number {
    const oldest = this.#moments[(this.#at + ahead - 1) % this.#moments.length];
    // One ms more than the window, because an interval of exactly `perMs` includes both ends.
    return Math.max(0, Math.ceil(oldest + this.#limit.perMs + 1 - nowMs));
  }

  /** Whether no recorded action is in the window any more: the next `count` are allowed at once. */
  isUnused(nowMs: number): boolean {
    return this.waitMs(nowMs, this.#moments.length) === 0;
  }

  /** Records an action, even one that did not wait. */
  record(nowMs: number): void {
    this.#moments[this.#at] = nowMs;
    this.#at = (this.#at + 1) % this.#moments.length;
  }

  /** Moves a recorded time to a later one, at or after all others. If it has left the window, records the new time. */
  move(fromMs: number, toMs: number): void {
    const { length } = this.#moments;
    let found = this.#moments.lastIndexOf(fromMs);
    if (found < 0) return this.record(toMs);
    // The times after it move up, so that the ring stays in order.
    const newest = (this.#at + length - 1) % length;
    while (found !== newest) {
      const behind = (found + 1) % length;
      this.#moments[found] = this.#moments[behind];
      found = behind;
    }
    this.#moments[newest] = toMs;
  }
}
