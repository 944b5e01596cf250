import { CLOCK_STEP_MS_MIN, type ClockStep, type Micros } from "../model/mod.ts";

/**
 * How far the reckoned time may stray from the system's clock before it is corrected, in microseconds; more than the
 * millisecond that `Date.now()` cuts off.
 */
const TOLERANCE_MICROS = 5_000;
/** How often the system's clock is looked at, in microseconds of monotonic time: reading both clocks costs twice. */
const LOOK_MICROS = 50_000;

/**
 * Wall clock time with sub-millisecond resolution. It starts at the first reading of the system's clock and is carried on
 * by the monotonic one. A step of the system's clock, in either direction, is followed at once and told. Where the clock
 * is behind by less than a step, as after a correction by NTP, time goes at half speed until it has caught up, so that
 * it never goes back without a step being told. Readings of both clocks are passed in.
 */
export class WallClock {
  readonly #originMicros: number;
  readonly #onStep: (step: ClockStep) => void;
  #monotonicMicros: number;
  /** Reckoned time since the origin: small, so that fractions are not lost in the sum. */
  #micros: number;
  #lookedMicros = -Infinity;
  /** Whether the system's clock was behind when last looked at. */
  #ahead = false;

  /**
   * `originMs`: wall clock at monotonic zero (`performance.timeOrigin`), in ms. `onStep` is called while the first time
   * after a step is being read.
   */
  constructor(originMs: number, monotonicMs: number, onStep: (step: ClockStep) => void = () => {}) {
    this.#monotonicMicros = monotonicMs * 1000;
    this.#originMicros = originMs * 1000;
    this.#micros = monotonicMs * 1000;
    this.#onStep = onStep;
  }

  /** The time in whole microseconds since the Unix epoch; `wallMs` is called now and then. */
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

  /** Corrects the reckoned time by that of the system's clock, both in microseconds since the origin. */
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
