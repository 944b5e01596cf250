import { LIMIT_MOMENTS_MAX, type RateLimit } from "../model/mod.ts";

/** When something was done, oldest first, so that any limit can be held against it, also one that is declared later. */
export class Moments {
  readonly #at: number[] = [];

  /** Records a moment in monotonic ms and forgets those before `oldestMs`. */
  record(nowMs: number, oldestMs: number): void {
    this.#at.push(nowMs);
    while (this.#at.length > LIMIT_MOMENTS_MAX || this.#at[0] < oldestMs) this.#at.shift();
  }

  /** Returns the ms to wait before one more moment keeps the limit; 0: now. A limit above what is kept is cut to it. */
  waitMs(limit: RateLimit, nowMs: number): number {
    const count = Math.min(limit.count, LIMIT_MOMENTS_MAX);
    if (this.#at.length < count) return 0;
    // One more than the window, because a stretch of exactly `perMs` has both its ends inside.
    return Math.max(0, Math.ceil(this.#at[this.#at.length - count] + limit.perMs + 1 - nowMs));
  }

  /** The moments from `oldestMs` on. */
  since(oldestMs: number): readonly number[] {
    return this.#at.filter((at) => at >= oldestMs);
  }
}
