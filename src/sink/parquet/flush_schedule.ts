/** When a Parquet sink writes all its parts. */
export interface SchedulePlan {
  /** Age at which parts are written, in ms. */
  readonly everyMs: number;
  /** Files of any hour. Where more would come, parts wait, at most `WAIT_FACTOR` times `everyMs`. */
  readonly filesPerHour: number;
}

/** How much longer than `everyMs` parts wait at most where there are too many of them. */
export const WAIT_FACTOR = 4;
/** Age of the first parts of a life, in ms; each time after it is four times as long, up to `everyMs`. */
const FIRST_MS = 5000;
const GROWTH = 4;
/** Share of the files of an hour that may be written at once. */
const BURST = 1 / 4;
const HOUR_MS = 3_600_000;

/**
 * Decides when parts are written: the first seconds after a start, so that something is seen, then by their age; and
 * later than that where so many parts are open that more files than wanted would come of it. A bucket fills with
 * allowed files over time and every file takes one out.
 */
export class FlushSchedule {
  readonly #plan: SchedulePlan;
  #ageMs: number;
  #sinceMs: number | null = null;
  #allowed: number;
  #filledMs: number | null = null;

  constructor(plan: SchedulePlan) {
    this.#plan = plan;
    this.#ageMs = Math.min(FIRST_MS, plan.everyMs);
    this.#allowed = plan.filesPerHour * BURST;
  }

  /** Notes that an event is open. */
  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** Notes that all parts were written. */
  end(): void {
    this.#sinceMs = null;
    this.#ageMs = Math.min(this.#ageMs * GROWTH, this.#plan.everyMs);
  }

  /** Forgets what is open. */
  drop(): void {
    this.#sinceMs = null;
  }

  /** Notes files that were written. */
  spend(files: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#allowed -= files;
  }

  /** Whether it is time to write so many open parts. `isLarge`: they hold enough not to wait for their age. */
  isDue(nowMs: number, { parts, isLarge }: { readonly parts: number; readonly isLarge: boolean }): boolean {
    if (this.#sinceMs === null) return false;
    const age = nowMs - this.#sinceMs;
    if (!isLarge && age < this.#ageMs) return false;
    return age >= this.#plan.everyMs * WAIT_FACTOR || this.#allows(parts, nowMs);
  }

  #allows(parts: number, nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#allowed >= Math.min(parts, this.#plan.filesPerHour * BURST);
  }

  #fill(nowMs: number): void {
    const { filesPerHour } = this.#plan;
    const passed = nowMs - (this.#filledMs ?? nowMs);
    this.#filledMs = nowMs;
    const filled = this.#allowed + passed / HOUR_MS * filesPerHour * (1 - BURST);
    this.#allowed = Math.min(filled, filesPerHour * BURST);
  }
}
