import type { Micros } from "../model/mod.ts";

/** Measures how long something has waited without progress. `look` is called every second. */
export class Progress {
  #mark: number | null = null;
  #waitingSince: Micros | null = null;

  /** Start of the wait, as of the last `look`; null while nothing waits. */
  get waitingSince(): Micros | null {
    return this.#waitingSince;
  }

  /** Notes the progress; `mark` changes whenever there was some. */
  look(isWaiting: boolean, mark: number, now: Micros): void {
    const hasMoved = mark !== this.#mark;
    this.#mark = mark;
    if (!isWaiting) this.#waitingSince = null;
    else if (hasMoved || this.#waitingSince === null) this.#waitingSince = now;
  }
}
