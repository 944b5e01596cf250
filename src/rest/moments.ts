import { LIMIT_MOMENTS_MAX, type RateLimit } from "../model/mod.ts";

/** Times of actions, oldest first, against which any limit can be checked, even one that is declared later. */
export class Moments {
  readonly #at: number[] = [];

  /** Records a time in monotonic ms and removes those before `oldestMs`. */
  record(nowMs: number, oldestMs: number): void {
    this.#at.push(nowMs);
    while (this.#at.length > LIMIT_MOMENTS_MAX || this.#at[0] < oldestMs) this.#at.shift();
  }

  /**
   * Returns the ms to wait until one more action is within the limit; 0: now. A limit above LIMIT_MOMENTS_MAX is
   * lowered to it.
   */
  waitMs(limit: RateLimit, nowMs: number): number {
    const count = Math.min(limit.count, LIMIT_MOMENTS_MAX);
    if (this.#at.length < count) return 0;
    // One ms more than the window, because a window of exactly `perMs` includes both ends.
    return Math.max(0, Math.ceil(this.#at[this.#at.length - count] + limit.perMs + 1 - nowMs));
  }

  /** Returns the times from `oldestMs` on. */
  since(oldestMs: number): readonly number[] {
    return this.#at.filter((at) => at >= oldestMs);
  }
}
