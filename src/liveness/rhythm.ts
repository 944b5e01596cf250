import type { Micros } from "../model/mod.ts";
import { beyondMs, GapSketch, SHAPE_MAX, type Tail } from "./gap_sketch.ts";
import { HOUR_DAYS_MIN, type Hours, HourTable } from "./hour_table.ts";

/** Shortest silence that is ever judged, in ms. */
export const SILENCE_MS_MIN = 5000;
/** Fewest gaps that a stream is judged by. */
const GAPS_MIN = 32;
/** Gaps of a pace from which its limits are computed without those of other paces. */
const CELL_GAPS_MIN = 256;
/** Share of gaps that are no longer than the usual gap. */
const USUAL_SHARE = 0.9;
/** Number of usual gaps after which a stream may count as silent. */
const USUAL_GAPS = 3;
/** Factor on the longest gap of the stream, below which no limit lies. */
const PAST_MAX = 1.25;
/** Least factor on the longest gap of an hour. */
const PAST_HOUR_MIN = 1.5;
/** Alarms a day that a stream's own gaps may raise. */
const ALARMS_A_DAY = 0.002;
const DAY_MS = 86_400_000;
/** Share of the newest gap in the pace. */
const PACE_WEIGHT = 1 / 16;
/** Octaves of pace that are one cell. */
const CELL_OCTAVES = 2;
const CELLS = 16;
/** Recent gaps beyond the limit that are not learned; further ones are. */
const EXCEPTIONS_MAX = 3;
/** Weight that such a gap keeps with each later gap. */
const EXCEPTION_FADE = 0.999;
/** Largest factor on the limit after possibly false alarms. */
const CAUTION_MAX = 16;
/** Suspicion before the limit, if the exchange can be probed: in usual gaps, and in false suspicions a day. */
const SUSPICIOUS_GAPS = 10;
const SUSPICIONS_A_DAY = 1;

/** How long a silence of a stream may be, in ms. */
export interface SilenceLimits {
  /** Nine of ten gaps are no longer, at the present pace. */
  readonly usualMs: number;
  /** Beyond it the exchange should be probed; at most `limitMs`. */
  readonly suspiciousMs: number;
  /** Beyond it the stream counts as stalled. */
  readonly limitMs: number;
}

/** The state of a rhythm that is kept over restarts. */
export interface RhythmState {
  /** By pace: flat list of bucket and count; empty if there are no gaps. */
  readonly cells: readonly (readonly number[])[];
  /** Binary logarithm of the recent gaps in ms; null before the first. */
  readonly pace: number | null;
  readonly hours: Hours;
  readonly caution: number;
}

/**
 * Statistics of a stream's gaps between data, from which limits of its silence are computed. Gaps are counted by the
 * pace at which they began, because a market that is busy by day and quiet at night has two rhythms; the longest are
 * kept by hour of day too. Bounded, and without a clock: the caller passes times.
 */
export class Rhythm {
  readonly #cells: (GapSketch | null)[] = new Array<GapSketch | null>(CELLS).fill(null);
  readonly #hours = new HourTable();
  #pace: number | null = null;
  #lastMs: number | null = null;
  #caution = 1;
  /** Recent gaps beyond the limit; older ones count in part. */
  #exceptions = 0;

  /** Monotonic ms of its last data; null if the silence is not the stream's, as after a lost connection. */
  get lastMs(): number | null {
    return this.#lastMs;
  }

  /** Notes data. `nowMs`: monotonic ms; `at`: wall clock. */
  saw(nowMs: number, at: Micros): void {
    const last = this.#lastMs;
    this.#lastMs = nowMs;
    if (last === null) return;
    const gapMs = nowMs - last;
    if (gapMs < 0) return;
    if (this.#isOfRhythm(gapMs)) this.#cell().add(gapMs);
    this.#hours.add(gapMs, at, (from, to) => this.#relax(to - from));
    const log = gapMs <= 1 ? 0 : Math.log2(gapMs);
    this.#pace = this.#pace === null ? log : this.#pace + (log - this.#pace) * PACE_WEIGHT;
  }

  /** Restarts the current gap at `nowMs`, because the silence so far is not the stream's; null: at the next data. */
  interrupt(nowMs: number | null): void {
    this.#lastMs = nowMs;
  }

  /** Notes an alarm that may have been false: longer silences are tolerated for some days. */
  alarmed(): void {
    this.#caution = Math.min(CAUTION_MAX, this.#caution * 1.5);
  }

  /** Returns the limits of a silence that began at `at`; null if too few gaps are known. */
  limits(at: Micros): SilenceLimits | null {
    const own = ownLimits(this.#gapsAtPace());
    if (own === null) return null;
    const { usualMs, leastMs, aDay, tail } = own;
    const hour = this.#hours.longestMs(at);
    let { limitMs } = own;
    if (hour.isKnown) {
      const past = limitMs / beyondMs(tail, 24 / (HOUR_DAYS_MIN * aDay));
      limitMs = Math.min(limitMs, Math.max(leastMs, hour.longestMs * Math.max(PAST_HOUR_MIN, past)));
    }
    limitMs = Math.max(limitMs, PAST_MAX * hour.longestMs);
    const suspicious = Math.max(SILENCE_MS_MIN, SUSPICIOUS_GAPS * usualMs, beyondMs(tail, SUSPICIONS_A_DAY / aDay));
    const suspiciousMs = Math.min(limitMs, suspicious);
    return { usualMs, suspiciousMs, limitMs: limitMs * this.#caution };
  }

  save(): RhythmState {
    return {
      cells: this.#cells.map((cell) => cell?.save() ?? []),
      pace: this.#pace === null ? null : Math.round(this.#pace * 100) / 100,
      hours: this.#hours.save(),
      caution: this.#caution,
    };
  }

  /** Restores what `save` returned; false, and changes nothing, if it is invalid. */
  restore(state: unknown): boolean {
    if (typeof state !== "object" || state === null) return false;
    const { cells, pace, hours, caution } = state as Readonly<Record<string, unknown>>;
    if (!Array.isArray(cells) || cells.length !== CELLS) return false;
    if (pace !== null && !(typeof pace === "number" && pace >= 0 && pace <= 64)) return false;
    if (typeof caution !== "number" || !(caution >= 1 && caution <= CAUTION_MAX)) return false;
    const sketches: (GapSketch | null)[] = [];
    for (const cell of cells) {
      const sketch = new GapSketch();
      if (!Array.isArray(cell) || !sketch.restore(cell)) return false;
      sketches.push(cell.length === 0 ? null : sketch);
    }
    if (!this.#hours.restore(hours)) return false;
    sketches.forEach((sketch, at) => this.#cells[at] = sketch);
    this.#pace = pace;
    this.#caution = caution;
    return true;
  }

  /**
   * Whether to learn a gap. One beyond the limit is only noted by its hour, unless there were several recently: then
   * the stream has become slower.
   */
  #isOfRhythm(gapMs: number): boolean {
    this.#exceptions *= EXCEPTION_FADE;
    if (gapMs <= SILENCE_MS_MIN) return true;
    const gaps = this.#gapsAtPace();
    const own = ownLimits(gaps);
    if (own === null || gapMs <= own.limitMs) return true;
    return ++this.#exceptions > EXCEPTIONS_MAX;
  }

  /** Reduces the tolerance after days without an alarm. */
  #relax(hours: number): void {
    this.#caution = Math.max(1, this.#caution * 2 ** (-hours / 24));
  }

  #cellAt(): number {
    return Math.min(CELLS - 1, Math.floor((this.#pace ?? 0) / CELL_OCTAVES));
  }

  #cell(): GapSketch {
    return this.#cells[this.#cellAt()] ??= new GapSketch();
  }

  /** Returns the gaps of the present pace; if they are few, with those of slower paces, then of faster ones. */
  #gapsAtPace(): GapSketch {
    const at = this.#cellAt();
    const own = this.#cells[at];
    if (own !== null && own.total >= CELL_GAPS_MIN) return own;
    const merged = new GapSketch();
    const order = [...range(at, CELLS), ...range(0, at).reverse()];
    for (const each of order) {
      const cell = this.#cells[each];
      if (cell !== null) merged.merge(cell);
      if (merged.total >= CELL_GAPS_MIN) break;
    }
    return merged;
  }
}

/** Limits computed from gaps alone. */
interface OwnLimits {
  readonly usualMs: number;
  /** No limit is below it. */
  readonly leastMs: number;
  readonly limitMs: number;
  /** Gaps a day at their mean. */
  readonly aDay: number;
  readonly tail: Tail;
}

/** Returns the limits; null if there are too few gaps. */
function ownLimits(gaps: GapSketch): OwnLimits | null {
  if (gaps.total < GAPS_MIN) return null;
  const { tail } = gaps;
  if (tail === null) return null;
  const usualMs = gaps.quantileMs(USUAL_SHARE);
  const leastMs = Math.max(SILENCE_MS_MIN, USUAL_GAPS * usualMs);
  const aDay = Math.max(1, DAY_MS / gaps.meanMs);
  const { maxMs } = gaps;
  // The longest of `n` gaps is exceeded by one in `n`, so the limit beyond it depends on how long the stream was
  // observed.
  const heardMs = Math.max(1, gaps.meanMs * gaps.total);
  const mostMs = maxMs * Math.max(1, DAY_MS / (ALARMS_A_DAY * heardMs)) ** SHAPE_MAX;
  const limitMs = Math.max(leastMs, Math.min(mostMs, beyondMs(tail, ALARMS_A_DAY / aDay)), PAST_MAX * maxMs);
  return { usualMs, leastMs, limitMs, aDay, tail };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
