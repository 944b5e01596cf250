import { setImmediate } from "node:timers";

/**
 * Decides in which order operations that wait at the same time are done: one at a time, each when everything that the one
 * before has set off came to rest. The order follows from the random numbers alone, as far as nothing waits for anything
 * else.
 */
export class SeededOrder {
  readonly #random: () => number;
  readonly #waiting: (() => void)[] = [];
  #isGiving = false;

  /** `random` is in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Resolves when it is the caller's turn. */
  turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (!this.#isGiving) void this.#giveTurns();
    return promise;
  }

  async #giveTurns(): Promise<void> {
    this.#isGiving = true;
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => void setImmediate(resolve));
      const [go] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      go();
    }
    this.#isGiving = false;
  }
}
