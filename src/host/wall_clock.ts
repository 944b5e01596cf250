/**
 * How far the reckoned time may stray from the system's clock before it is corrected, in microseconds; more than the
 * millisecond that `Date.now()` cuts off.
 */
const TOLERANCE_MICROS = 5_000;
/** How often the system's clock is looked at, in microseconds of monotonic time: reading both clocks costs twice. */
const LOOK_MICROS = 50_000;

/**
 * Wall clock time with sub-millisecond resolution that never goes back. It starts at the first reading of the system's
 * clock and is carried on by the monotonic one. Where the system's clock was set forward it jumps after it; where that
 * was set back it goes at half speed until the clock has caught up. Readings of both are passed in.
 */
export class WallClock {
  readonly #originMicros: number;
  #monotonicMicros: number;
  /** Reckoned time since the origin: small, so that fractions are not lost in the sum. */
  #micros: number;
  #lookedMicros = -Infinity;
  /** Whether the system's clock was behind when last looked at. */
  #ahead = false;

  /** `originMs`: wall clock at monotonic zero (`performance.timeOrigin`), in ms. */
  constructor(originMs: number, monotonicMs: number) {
    this.#monotonicMicros = monotonicMs * 1000;
    this.#originMicros = originMs * 1000;
    this.#micros = monotonicMs * 1000;
  }

  /** The time in whole microseconds since the Unix epoch; `wallMs` is called now and then. */
  read(monotonicMs: number, wallMs: () => number): number {
    const monotonicMicros = monotonicMs * 1000;
    const elapsed = Math.max(0, monotonicMicros - this.#monotonicMicros);
    this.#monotonicMicros = monotonicMicros;
    this.#micros += this.#ahead ? elapsed / 2 : elapsed;
    if (monotonicMicros - this.#lookedMicros >= LOOK_MICROS) {
      this.#lookedMicros = monotonicMicros;
      const wallMicros = wallMs() * 1000 - this.#originMicros;
      this.#ahead = this.#micros - wallMicros > TOLERANCE_MICROS;
      if (wallMicros - this.#micros > TOLERANCE_MICROS) this.#micros = wallMicros;
    }
    return Math.floor(this.#originMicros + this.#micros);
  }
}
