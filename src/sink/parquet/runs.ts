/**
 * Runs of equal values, which columns keep and the definition levels and dictionary indexes of a page are written as.
 * Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */

/** Values that a column first has room for. */
export const FIRST_CAPACITY = 32;
/** Runs of numbers; NaN stands for null. */
export class NumberRuns {
  #values = new Float64Array(FIRST_CAPACITY);
  #counts = new Uint32Array(FIRST_CAPACITY);
  #length = 0;
  rows = 0;

  append(value: number, count: number): void {
    this.rows += count;
    const last = this.#length - 1;
    if (last >= 0 && Object.is(this.#values[last], value)) {
      this.#counts[last] += count;
      return;
    }
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length] = value;
    this.#counts[this.#length] = count;
    this.#length++;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#length * 12;
  }

  clear(): void {
    this.#length = 0;
    this.rows = 0;
  }

  value(run: number): number {
    return this.#values[run];
  }

  count(run: number): number {
    return this.#counts[run];
  }

  #grow(): void {
    this.#values = grown(this.#values, Float64Array);
    this.#counts = grown(this.#counts, Uint32Array);
  }
}

/** Returns a copy with twice the room. */
export function grown<T extends Float64Array | Uint32Array | Uint8Array>(array: T, make: new (length: number) => T): T {
  const larger = new make(array.length * 2);
  larger.set(array);
  return larger;
}

/** Writes RLE runs of the RLE/bit-packing hybrid; equal neighbours become one run. */
export class RunWriter {
  #bytes = new Uint8Array(64);
  #length = 0;
  readonly #width: number;
  #value = -1;
  #count = 0;

  /** `bits` is the width of a value; its first bytes, where given, stand before the runs. */
  constructor(bits: number, head: readonly number[] = []) {
    this.#width = (bits + 7) >> 3;
    for (const byte of head) this.#push(byte);
  }

  append(value: number, count: number): void {
    if (count === 0) return;
    if (value === this.#value) {
      this.#count += count;
      return;
    }
    this.#end();
    this.#value = value;
    this.#count = count;
  }

  finish(): Uint8Array {
    this.#end();
    return this.#bytes.subarray(0, this.#length);
  }

  #end(): void {
    if (this.#count === 0) return;
    let header = this.#count * 2;
    for (; header > 127; header = Math.floor(header / 128)) this.#push((header % 128) | 128);
    this.#push(header);
    for (let byte = 0; byte < this.#width; byte++) this.#push((this.#value >>> (byte * 8)) & 255);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = grown(this.#bytes, Uint8Array);
    this.#bytes[this.#length++] = byte;
  }
}

/** Returns the definition levels of runs, null for a column that is never null, and how many of their values are null. */
export function levelsOf(runs: NumberRuns, nullable: boolean): { levels: Uint8Array | null; nulls: number } {
  if (!nullable) return { levels: null, nulls: 0 };
  const writer = new RunWriter(1);
  let nulls = 0;
  for (let run = 0; run < runs.length; run++) {
    const isNull = Number.isNaN(runs.value(run));
    if (isNull) nulls += runs.count(run);
    writer.append(isNull ? 0 : 1, runs.count(run));
  }
  return { levels: writer.finish(), nulls };
}
