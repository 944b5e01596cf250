/** A stream of pseudo-random numbers that is the same for the same seed (xoshiro128**, Blackman and Vigna 2018). */
export class SeededRandom {
  readonly #state: Uint32Array;

  /** Any text is a seed; streams of different texts are independent of each other. */
  constructor(seed: string) {
    this.#state = seedState(seed);
  }

  /** Uniform in [0, 1). */
  next(): number {
    const state = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotateLeft(state[3], 11);
    return result / 4_294_967_296;
  }

  /** Uniform among the integers 0 … bound - 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Exponentially distributed with the mean given; never infinite. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** Whether an event of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Four words by FNV-1a over the text with a running suffix; splitmix-style finish so that no state is all zero. */
function seedState(seed: string): Uint32Array {
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word++) {
    let hash = 0x811c9dc5 ^ word;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    state[word] = (hash ^ (hash >>> 16)) | 1;
  }
  return state;
}
