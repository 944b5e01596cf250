import type { RateLimit } from "../model/mod.ts";

/**
 * A strict rolling window: no stretch of `perMs`, wherever it begins, holds more than `count` moments. Unlike a token
 * bucket it allows no burst beyond that after a pause. Times are monotonic ms.
 */
export class RollingWindow {
  readonly #limit: RateLimit;
  /** The last `count` moments as a ring; the one at `#at` is the oldest. */
  readonly #moments: Float64Array;
  #at = 0;

  constructor(limit: RateLimit) {
    this.#limit = limit;
    this.#moments = new Float64Array(limit.count).fill(-Infinity);
  }

  /** How long to wait before `ahead` more moments may be recorded, in ms; 0: now. `ahead` is at most `count`. */
  waitMs(nowMs: number, ahead = 1): number {
    const oldest = this.#moments[(this.#at + ahead - 1) % this.#moments.length];
    // One more than the window, because a stretch of exactly `perMs` has both its ends inside.
    return Math.max(0, Math.ceil(oldest + this.#limit.perMs + 1 - nowMs));
  }

  /** Records a moment, also one that could not wait. */
  record(nowMs: number): void {
    this.#moments[this.#at] = nowMs;
    this.#at = (this.#at + 1) % this.#moments.length;
  }

  /** Moves a moment to a later one, at or past all others. One that was forgotten is recorded anew. */
  move(fromMs: number, toMs: number): void {
    const { length } = this.#moments;
    let found = this.#moments.lastIndexOf(fromMs);
    if (found < 0) return this.record(toMs);
    // Those behind it move up, so that the ring stays in order.
    const newest = (this.#at + length - 1) % length;
    while (found !== newest) {
      const behind = (found + 1) % length;
      this.#moments[found] = this.#moments[behind];
      found = behind;
    }
    this.#moments[newest] = toMs;
  }
}
