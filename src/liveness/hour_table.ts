import type { Micros } from "../model/mod.ts";

const HOUR_MICROS = 3_600_000_000;
const HOURS = 24;
/** Days for which an hour must have been observed before it has its own limit. */
export const HOUR_DAYS_MIN = 3;
/** Factor by which an hour's longest gap fades each day. */
const DAY_FADE = 0.9;
const DAYS_COUNTED_MAX = 1000;

/**
 * Longest gap in ms and days observed, for each hour of the day (UTC), flat; then the hour since the epoch in which the
 * last gap ended, if there was one.
 */
export type Hours = readonly number[];

/** The longest gaps of a stream by the hours of the day that they overlap. */
export class HourTable {
  readonly #longestMs = new Float64Array(HOURS);
  readonly #days = new Uint16Array(HOURS);
  /** Hours since the epoch of the last gap; null before the first. */
  #hour: number | null = null;

  /** Notes a gap that ended at `at`. `passed` is called with the hours since the gap before. */
  add(gapMs: number, at: Micros, passed: (from: number, to: number) => void): void {
    const hour = Math.floor(at / HOUR_MICROS);
    if (hour !== this.#hour) {
      const before = this.#hour;
      this.#hour = hour;
      if (before !== null && hour > before) passed(before, hour);
      this.#begin(hour);
    }
    const of = hour % HOURS;
    if (gapMs > this.#longestMs[of]) this.#longestMs[of] = gapMs;
    // A gap that began in an earlier hour counts for that hour and all hours between.
    const first = Math.floor((at - gapMs * 1000) / HOUR_MICROS);
    for (let each = Math.max(first, hour - HOURS + 1); each < hour; each++) {
      const i = each % HOURS;
      if (gapMs > this.#longestMs[i]) this.#longestMs[i] = gapMs;
    }
  }

  /** Returns the longest gap that overlapped the hour of `at`, and whether the hour was observed for enough days. */
  longestMs(at: Micros): { readonly longestMs: number; readonly isKnown: boolean } {
    const of = Math.floor(at / HOUR_MICROS) % HOURS;
    return { longestMs: this.#longestMs[of], isKnown: this.#days[of] >= HOUR_DAYS_MIN };
  }

  save(): Hours {
    const hours = [...this.#longestMs].flatMap((longest, at) => [Math.round(longest), this.#days[at]]);
    return this.#hour === null ? hours : [...hours, this.#hour];
  }

  /** Restores what `save` returned; false, and changes nothing, if it is invalid. */
  restore(flat: unknown): boolean {
    if (!Array.isArray(flat) || (flat.length !== 2 * HOURS && flat.length !== 2 * HOURS + 1)) return false;
    if (!flat.every((value) => typeof value === "number" && value >= 0 && Number.isFinite(value))) return false;
    const hour: unknown = flat.at(2 * HOURS);
    if (hour !== undefined && !Number.isSafeInteger(hour)) return false;
    this.#hour = hour === undefined ? null : Number(hour);
    for (let at = 0; at < HOURS; at++) {
      this.#longestMs[at] = flat[2 * at];
      this.#days[at] = Math.min(DAYS_COUNTED_MAX, flat[2 * at + 1]);
    }
    return true;
  }

  #begin(hour: number): void {
    const of = hour % HOURS;
    this.#longestMs[of] *= DAY_FADE;
    if (this.#days[of] < DAYS_COUNTED_MAX) this.#days[of]++;
  }
}
