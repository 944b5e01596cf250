/** Buckets an octave: a bucket spans a fifth of its lower edge. */
const PER_OCTAVE = 4;
/** The last bucket ends at 2^32 ms, about 50 days; the first holds all that is shorter than 1.19 ms. */
const BUCKETS = 32 * PER_OCTAVE;
/** Gaps behind which older ones count half. */
const HALVED_AT = 131_072;
/** What is left of a gap after so many halvings is forgotten. */
const COUNT_MIN = 0.05;
/** Fewest gaps that the tail of a sketch is read from. */
const TAIL_MIN = 16;
/** The tail is that many of the gaps: their number to this power. */
const TAIL_POWER = 0.6;
/** The heaviest tail that is believed: the longest of `n` gaps grows as `n` to this power. */
export const SHAPE_MAX = 0.45;
/** What is added to the shape for want of certainty, in standard deviations of its estimate. */
const SHAPE_DOUBT = 1;

/**
 * How the longest gaps thin out: a generalised Pareto distribution of what they are longer than `fromMs` (J. Pickands,
 * 1975). Of a shape of 0, as gaps between events that know nothing of each other have, longer ones are ever as much rarer;
 * the greater the shape, the less.
 */
export interface Tail {
  readonly fromMs: number;
  /** Share of all gaps that are longer than that. */
  readonly share: number;
  readonly scaleMs: number;
  readonly shape: number;
}

/** Returns the length in ms that no more than a share of all gaps is expected to pass. */
export function beyondMs({ fromMs, share: known, scaleMs, shape }: Tail, share: number): number {
  const times = Math.max(1, known / share);
  return fromMs + scaleMs * (shape < 1e-6 ? Math.log(times) : (times ** shape - 1) / shape);
}

/** How often gaps of each length came: a histogram with buckets of equal ratio, whose old entries fade. */
export class GapSketch {
  readonly #counts = new Float32Array(BUCKETS);
  #total = 0;

  /** Gaps that it holds, old ones in part. */
  get total(): number {
    return this.#total;
  }

  add(gapMs: number, count = 1): void {
    this.#counts[bucketOf(gapMs)] += count;
    this.#total += count;
    if (this.#total >= HALVED_AT) this.#fade();
  }

  /** Adds what another sketch holds. */
  merge(other: GapSketch): void {
    for (let at = 0; at < BUCKETS; at++) this.#counts[at] += other.#counts[at];
    this.#total += other.#total;
  }

  /** Returns the length in ms that a share of the gaps is not longer than; 0 where there is none. */
  quantileMs(share: number): number {
    let left = this.#total * share;
    for (let at = 0; at < BUCKETS; at++) {
      left -= this.#counts[at];
      if (left <= 0 && this.#counts[at] > 0) return edgeMs(at + 1);
    }
    return this.maxMs;
  }

  /** The longest gap in ms, to the next edge of a bucket; 0 where there is none. */
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
   * Reads how the longest gaps thin out, by weighted moments (J. R. M. Hosking and J. R. Wallis, 1987); null where there
   * are too few of them. The shape is taken as at least 0, and a little higher the fewer there are: nobody knows the longest
   * gap that there may be.
   */
  get tail(): Tail | null {
    const wanted = Math.max(TAIL_MIN, this.#total ** TAIL_POWER);
    let [count, at] = [0, BUCKETS];
    while (at > 0 && count < wanted) count += this.#counts[--at];
    if (count < TAIL_MIN) return null;
    const fromMs = edgeMs(at);
    // Mean excess, and mean excess weighted by the share of those that are longer.
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

  /** Bucket and count of each bucket that is not empty, flat. */
  save(): number[] {
    const flat: number[] = [];
    this.#counts.forEach((count, at) => {
      if (count > 0) flat.push(at, Math.round(count * 100) / 100);
    });
    return flat;
  }

  /** Takes over what `save` returned; false, and nothing changes, where it is none. */
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

/** The lower edge of a bucket in ms. */
function edgeMs(at: number): number {
  return 2 ** (at / PER_OCTAVE);
}

function middleMs(at: number): number {
  return 2 ** ((at + 0.5) / PER_OCTAVE);
}

function isBucket(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < BUCKETS;
}
