/** Buckets per octave: a bucket spans a fifth of its lower edge. */
const PER_OCTAVE = 4;
/** The last bucket ends at 2^32 ms, about 50 days; the first holds all that is shorter than 1.19 ms. */
const BUCKETS = 32 * PER_OCTAVE;
/** Number of gaps after which all counts are halved. */
const HALVED_AT = 131_072;
/** Smallest count that is kept after a halving. */
const COUNT_MIN = 0.05;
/** Fewest gaps from which the tail is estimated. */
const TAIL_MIN = 16;
/** Number of gaps in the tail: the number of all gaps to this power. */
const TAIL_POWER = 0.6;
/** Largest shape of a tail: the longest of `n` gaps grows as `n` to this power. */
export const SHAPE_MAX = 0.45;
/** Standard deviations of its estimate that are added to the shape, for caution. */
const SHAPE_DOUBT = 1;

/**
 * The distribution of the longest gaps: a generalized Pareto distribution of their excess over `fromMs` (J. Pickands,
 * 1975). Shape 0 is an exponential tail, as of independent events; a larger shape is a heavier tail.
 */
export interface Tail {
  readonly fromMs: number;
  /** Share of all gaps that are longer than that. */
  readonly share: number;
  readonly scaleMs: number;
  readonly shape: number;
}

/** Returns the length in ms that at most a share of all gaps is expected to exceed. */
export function beyondMs({ fromMs, share: known, scaleMs, shape }: Tail, share: number): number {
  const times = Math.max(1, known / share);
  return fromMs + scaleMs * (shape < 1e-6 ? Math.log(times) : (times ** shape - 1) / shape);
}

/** A histogram of gaps with buckets of equal ratio, whose old entries fade. */
export class GapSketch {
  readonly #counts = new Float32Array(BUCKETS);
  #total = 0;

  /** Number of gaps, old ones in part. */
  get total(): number {
    return this.#total;
  }

  add(gapMs: number, count = 1): void {
    this.#counts[bucketOf(gapMs)] += count;
    this.#total += count;
    if (this.#total >= HALVED_AT) this.#fade();
  }

  /** Adds the gaps of another sketch. */
  merge(other: GapSketch): void {
    for (let at = 0; at < BUCKETS; at++) this.#counts[at] += other.#counts[at];
    this.#total += other.#total;
  }

  /** Returns the length in ms that a share of the gaps does not exceed; 0 if there are no gaps. */
  quantileMs(share: number): number {
    let left = this.#total * share;
    for (let at = 0; at < BUCKETS; at++) {
      left -= this.#counts[at];
      if (left <= 0 && this.#counts[at] > 0) return edgeMs(at + 1);
    }
    return this.maxMs;
  }

  /** The longest gap in ms, rounded up to the edge of its bucket; 0 if there is none. */
  get maxMs(): number {
    for (let at = BUCKETS - 1; at >= 0; at--) if (this.#counts[at] > 0) return edgeMs(at + 1);
    return 0;
  }

  get meanMs(): number {
    let sum = 0;
    for (let at = 0; at < BUCKETS; at++) sum += this.#counts[at] * middleMs(at);
    return this.#total === 0 ? 0 : sum / this.#total;
  }

  /**
   * Estimates the tail by weighted moments (J. R. M. Hosking and J. R. Wallis, 1987); null if there are too few gaps.
   * The shape is at least 0, and higher the fewer gaps there are, because a longer gap may still come.
   */
  get tail(): Tail | null {
    const wanted = Math.max(TAIL_MIN, this.#total ** TAIL_POWER);
    let [count, at] = [0, BUCKETS];
    while (at > 0 && count < wanted) count += this.#counts[--at];
    if (count < TAIL_MIN) return null;
    const fromMs = edgeMs(at);
    // Mean excess, and mean excess weighted by the share of longer gaps.
    let [mean, weighted, passed] = [0, 0, 0];
    for (let i = at; i < BUCKETS; i++) {
      const excessMs = middleMs(i) - fromMs;
      const share = this.#counts[i] / count;
      mean += share * excessMs;
      weighted += share * excessMs * (1 - passed - share / 2);
      passed += share;
    }
    const spread = mean - 2 * weighted;
    // A single length has no spread: its shape is below any other.
    const shape = spread <= 0 ? 0 : 2 - mean / spread;
    const held = Math.min(SHAPE_MAX, Math.max(0, shape) + SHAPE_DOUBT / Math.sqrt(count));
    return {
      fromMs,
      share: count / this.#total,
      scaleMs: mean * (1 - Math.max(0, Math.min(held, shape))),
      shape: held,
    };
  }

  /** Returns bucket and count of each non-empty bucket, flat. */
  save(): number[] {
    const flat: number[] = [];
    this.#counts.forEach((count, at) => {
      if (count > 0) flat.push(at, Math.round(count * 100) / 100);
    });
    return flat;
  }

  /** Restores what `save` returned; false, and changes nothing, if it is invalid. */
  restore(flat: readonly unknown[]): boolean {
    if (flat.length % 2 !== 0 || flat.length > 2 * BUCKETS) return false;
    const isCount = (value: unknown) => typeof value === "number" && value >= 0 && value <= HALVED_AT;
    if (!flat.every((value, i) => i % 2 === 1 ? isCount(value) : Number.isInteger(value) && isBucket(value))) {
      return false;
    }
    this.#counts.fill(0);
    for (let i = 0; i < flat.length; i += 2) this.#counts[Number(flat[i])] = Number(flat[i + 1]);
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0);
    return true;
  }

  #fade(): void {
    this.#total = 0;
    for (let at = 0; at < BUCKETS; at++) {
      const count = this.#counts[at] / 2;
      this.#counts[at] = count < COUNT_MIN ? 0 : count;
      this.#total += this.#counts[at];
    }
  }
}

function bucketOf(gapMs: number): number {
  return gapMs <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(gapMs) * PER_OCTAVE));
}

/** Returns the lower edge of a bucket in ms. */
function edgeMs(at: number): number {
  return 2 ** (at / PER_OCTAVE);
}

function middleMs(at: number): number {
  return 2 ** ((at + 0.5) / PER_OCTAVE);
}

function isBucket(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < BUCKETS;
}
