/** How far the reckoned time may stray from the system's clock before it is corrected, in microseconds. */
const TOLERANCE_MICROS = 5_000;
/** `Date.now()` cuts below the millisecond, so it reads up to this much early. */
const WALL_CUT_MICROS = 1_000;

/**
 * Wall clock time with sub-millisecond resolution that never goes back. It starts at the first reading of the system's
 * clock and is carried on by the monotonic one. Where the system's clock was set forward it follows at once; where it
 * was set back it goes at half speed until the clock has caught up. Both readings are passed in.
 */
export class WallClock {
  #monotonicMicros: number;
  #micros: number;

  /** `originMs`: wall clock at monotonic zero (`performance.timeOrigin`), in ms. */
  constructor(originMs: number, monotonicMs: number) {
    this.#monotonicMicros = monotonicMs * 1000;
    this.#micros = (originMs + monotonicMs) * 1000;
  }

  /** The time in whole microseconds since the Unix epoch, from both clocks in ms. */
  read(wallMs: number, monotonicMs: number): number {
    const monotonicMicros = monotonicMs * 1000;
    const elapsed = Math.max(0, monotonicMicros - this.#monotonicMicros);
    this.#monotonicMicros = monotonicMicros;
    const wallMicros = wallMs * 1000;
    const reckoned = this.#micros + elapsed;
    if (wallMicros - reckoned > TOLERANCE_MICROS) this.#micros = wallMicros;
    else if (reckoned - wallMicros > TOLERANCE_MICROS + WALL_CUT_MICROS) this.#micros += elapsed / 2;
    else this.#micros = reckoned;
    return Math.floor(this.#micros);
  }
}
