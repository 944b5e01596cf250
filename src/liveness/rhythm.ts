import type { Micros } from "../model/mod.ts";
import { beyondMs, GapSketch, SHAPE_MAX, type Tail } from "./gap_sketch.ts";
import { HOUR_DAYS_MIN, type Hours, HourTable } from "./hour_table.ts";

/** No silence that is shorter says anything, in ms. */
export const SILENCE_MS_MIN = 5000;
/** Fewest gaps that a stream is judged by. */
const GAPS_MIN = 32;
/** Gaps that a pace has to have shown before it is judged by these alone. */
const CELL_GAPS_MIN = 256;
/** A stream's usual gap is the one that so many of its gaps are no longer than. */
const USUAL_SHARE = 0.9;
/** A stream is silent where it shows nothing for so many of its usual gaps. */
const USUAL_GAPS = 3;
/** What a stream showed once it may show again, and a little more. */
const PAST_MAX = 1.25;
/** The least that is waited beyond the longest gap of an hour, of that length. */
const PAST_HOUR_MIN = 1.5;
/** Alarms a day that a stream's own gaps may raise. */
const ALARMS_A_DAY = 0.002;
const DAY_MS = 86_400_000;
/** Share of the newest gap in the pace. */
const PACE_WEIGHT = 1 / 16;
/** Octaves of pace that are one cell. */
const CELL_OCTAVES = 2;
const CELLS = 16;
/** So many recent gaps beyond all that is known do not count; the next ones are learned. */
const EXCEPTIONS_MAX = 3;
/** What is left of such a gap behind the next one. */
const EXCEPTION_FADE = 0.999;
/** How much longer a stream is waited for after alarms that may have been false. */
const CAUTION_MAX = 16;
/** Suspicion before the limit, where somebody can be asked: so many usual gaps, and how often a day it may be wrong. */
const SUSPICIOUS_GAPS = 10;
const SUSPICIONS_A_DAY = 1;

/** How long a silence of a stream may be, in ms. */
export interface SilenceLimits {
  /** Nine of ten of its gaps are no longer, at its present pace. */
  readonly usualMs: number;
  /** Beyond it, it is worth to ask whether the stream has gone on; not after `limitMs`. */
  readonly suspiciousMs: number;
  /** Beyond it, the stream has stopped. */
  readonly limitMs: number;
}

/** What is kept of a rhythm over restarts. */
export interface RhythmState {
  /** By pace: bucket and count, flat; empty where nothing is known. */
  readonly cells: readonly (readonly number[])[];
  /** Binary logarithm of the recent gaps in ms; null before the first. */
  readonly pace: number | null;
  readonly hours: Hours;
  readonly caution: number;
}

/**
 * What a stream has shown of its gaps between data, and which silence that leaves possible. Gaps are kept by the pace at
 * which they began, because a market that is busy by day and quiet at night has two rhythms; and the longest by hour of
 * day. Bounded, and without a clock: times are given.
 */
export class Rhythm {
  readonly #cells: (GapSketch | null)[] = new Array<GapSketch | null>(CELLS).fill(null);
  readonly #hours = new HourTable();
  #pace: number | null = null;
  #lastMs: number | null = null;
  #caution = 1;
  /** Recent gaps beyond all that was known, those further back in part. */
  #exceptions = 0;

  /** Monotonic ms of its last data; null where a silence is not its own, as behind a loss of the connection. */
  get lastMs(): number | null {
    return this.#lastMs;
  }

  /** Data came. `nowMs`: monotonic ms; `at`: wall clock. */
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

  /** Data came behind a silence that says nothing of the stream, or none is to be expected: the next gap begins anew. */
  interrupt(nowMs: number | null): void {
    this.#lastMs = nowMs;
  }

  /** A silence was taken for the end of the stream and may have been none: the next ones are borne longer, for days. */
  alarmed(): void {
    this.#caution = Math.min(CAUTION_MAX, this.#caution * 1.5);
  }

  /** Returns what silence is possible for data that ended at `at`; null where too little is known. */
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

  /** Takes over what `save` returned; false, and nothing changes, where it is none. */
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
   * Whether a gap is to be learned. One beyond all that the stream showed is remembered by its hour alone, unless others
   * came a short while before: then the stream has become slower.
   */
  #isOfRhythm(gapMs: number): boolean {
    this.#exceptions *= EXCEPTION_FADE;
    if (gapMs <= SILENCE_MS_MIN) return true;
    const gaps = this.#gapsAtPace();
    const own = ownLimits(gaps);
    if (own === null || gapMs <= own.limitMs) return true;
    return ++this.#exceptions > EXCEPTIONS_MAX;
  }

  /** Days without an alarm give trust back. */
  #relax(hours: number): void {
    this.#caution = Math.max(1, this.#caution * 2 ** (-hours / 24));
  }

  #cellAt(): number {
    return Math.min(CELLS - 1, Math.floor((this.#pace ?? 0) / CELL_OCTAVES));
  }

  #cell(): GapSketch {
    return this.#cells[this.#cellAt()] ??= new GapSketch();
  }

  /** The gaps of the present pace; where these are few, those of the next slower ones too, then of faster ones. */
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

/** What gaps alone say of silence. */
interface OwnLimits {
  readonly usualMs: number;
  /** No limit is below it. */
  readonly leastMs: number;
  readonly limitMs: number;
  /** Gaps a day at their mean. */
  readonly aDay: number;
  readonly tail: Tail;
}

/** Null where there are too few gaps. */
function ownLimits(gaps: GapSketch): OwnLimits | null {
  if (gaps.total < GAPS_MIN) return null;
  const { tail } = gaps;
  if (tail === null) return null;
  const usualMs = gaps.quantileMs(USUAL_SHARE);
  const leastMs = Math.max(SILENCE_MS_MIN, USUAL_GAPS * usualMs);
  const aDay = Math.max(1, DAY_MS / gaps.meanMs);
  const { maxMs } = gaps;
  // Of `n` gaps the longest is passed by one in `n`, and by fewer the further; the sooner, the shorter it was listened to.
  const heardMs = Math.max(1, gaps.meanMs * gaps.total);
  const mostMs = maxMs * Math.max(1, DAY_MS / (ALARMS_A_DAY * heardMs)) ** SHAPE_MAX;
  const limitMs = Math.max(leastMs, Math.min(mostMs, beyondMs(tail, ALARMS_A_DAY / aDay)), PAST_MAX * maxMs);
  return { usualMs, leastMs, limitMs, aDay, tail };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
