import { CLOCK_STEP_MS_MIN, type ClockStep, type Micros } from "../model/mod.ts";

/**
 * Largest uncorrected difference between the computed time and the system's clock, in µs; more than the millisecond
 * that `Date.now()` truncates.
 */
const TOLERANCE_MICROS = 5_000;
/** How often the system's clock is read, in µs of monotonic time, because reading both clocks costs twice as much. */
const LOOK_MICROS = 50_000;

/**
 * Wall clock time with sub-millisecond resolution. Starts at the first reading of the system's clock and continues by
 * the monotonic clock. Follows a step of the system's clock, in either direction, at once and reports it. If the
 * system's clock is behind by less than a step, as after a correction by NTP, time runs at half speed until they agree,
 * so it never goes back without a reported step. The caller passes readings of both clocks.
 */
export class WallClock {
  readonly #originMicros: number;
  readonly #onStep: (step: ClockStep) => void;
  #monotonicMicros: number;
  /** Computed time since the origin, small enough to keep fractions. */
  #micros: number;
  #lookedMicros = -Infinity;
  /** Whether the system's clock was behind at its last reading. */
  #ahead = false;

  /**
   * `originMs`: wall clock at monotonic zero (`performance.timeOrigin`), in ms. `onStep` is called during the first
   * reading after a step.
   */
  constructor(originMs: number, monotonicMs: number, onStep: (step: ClockStep) => void = () => {}) {
    this.#monotonicMicros = monotonicMs * 1000;
    this.#originMicros = originMs * 1000;
    this.#micros = monotonicMs * 1000;
    this.#onStep = onStep;
  }

  /** Returns the time in whole microseconds since the Unix epoch; calls `wallMs` now and then. */
  read(monotonicMs: number, wallMs: () => number): Micros {
    const monotonicMicros = monotonicMs * 1000;
    const elapsed = Math.max(0, monotonicMicros - this.#monotonicMicros);
    this.#monotonicMicros = monotonicMicros;
    this.#micros += this.#ahead ? elapsed / 2 : elapsed;
    if (monotonicMicros - this.#lookedMicros >= LOOK_MICROS) {
      this.#lookedMicros = monotonicMicros;
      this.#follow(wallMs() * 1000 - this.#originMicros);
    }
    return Math.floor(this.#originMicros + this.#micros);
  }

  /** Corrects the computed time by the system's clock, both in µs since the origin. */
  #follow(wallMicros: number): void {
    const behind = wallMicros - this.#micros;
    const isStep = Math.abs(behind) >= CLOCK_STEP_MS_MIN * 1000;
    this.#ahead = behind < -TOLERANCE_MICROS && !isStep;
    if (!isStep && behind <= TOLERANCE_MICROS) return;
    const fromTs = Math.floor(this.#originMicros + this.#micros);
    this.#micros = wallMicros;
    if (isStep) this.#onStep({ fromTs, toTs: Math.floor(this.#originMicros + wallMicros) });
  }
}
