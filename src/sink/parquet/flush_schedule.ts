/** Settings of a flush schedule. */
export interface SchedulePlan {
  /** Age at which parts are written, in ms. */
  readonly everyMs: number;
  /** Most files of an hour. To keep it, parts wait, at most `WAIT_FACTOR` times `everyMs`. */
  readonly filesPerHour: number;
}

/** Longest wait of parts if there are too many, as a multiple of `everyMs`. */
export const WAIT_FACTOR = 4;
/** Age of the first parts of a life, in ms; then four times as long each time, up to `everyMs`. */
const FIRST_MS = 5000;
const GROWTH = 4;
/** Share of the files of an hour that may be written at once. */
const BURST = 1 / 4;
const HOUR_MS = 3_600_000;

/**
 * Decides when parts are written: the first ones seconds after a start, then by their age, and later if so many are
 * open that there would be too many files. A token bucket fills with allowed files over time; every file takes a token.
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

  /** Notes an unwritten event. */
  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** Notes that all parts were written. */
  end(): void {
    this.#sinceMs = null;
    this.#ageMs = Math.min(this.#ageMs * GROWTH, this.#plan.everyMs);
  }

  /** Forgets all unwritten events. */
  drop(): void {
    this.#sinceMs = null;
  }

  /** Notes files that were written. */
  spend(files: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#allowed -= files;
  }

  /** Whether it is time to write this many open parts. `isLarge`: they are large enough not to wait for their age. */
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
