import type { Micros } from "../model/mod.ts";

/** Tells since when something waits without any progress. It is asked to look every second. */
export class Progress {
  #mark: number | null = null;
  #waitingSince: Micros | null = null;

  /** Since when it waits, at the latest look; null while nothing waits. */
  get waitingSince(): Micros | null {
    return this.#waitingSince;
  }

  /** Notes how far it is; `mark` changes with each progress. */
  look(isWaiting: boolean, mark: number, now: Micros): void {
    const hasMoved = mark !== this.#mark;
    this.#mark = mark;
    if (!isWaiting) this.#waitingSince = null;
    else if (hasMoved || this.#waitingSince === null) this.#waitingSince = now;
  }
}
