/** Bytes of an ordinary chunk; a longer record gets its own chunk. */
const CHUNK_BYTES = 1024 * 1024;
/** Chunks kept for reuse. */
const SPARE_CHUNKS_MAX = 4;
const NO_CHUNK = new Uint8Array(0);

/** Bytes waiting to be written: records are encoded in place, one after another, into large chunks. */
export class WriteBuffer {
  /** The chunk being filled; empty until something is reserved. */
  bytes: Uint8Array = NO_CHUNK;
  view: DataView = new DataView(NO_CHUNK.buffer);
  /** Position of the next byte in it. */
  at = 0;
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  readonly #spare: Uint8Array[] = [];
  readonly #chunkBytes: number;

  /** `chunkBytes` is the length of an ordinary chunk. */
  constructor(chunkBytes: number = CHUNK_BYTES) {
    this.#chunkBytes = chunkBytes;
  }

  /** Bytes in all chunks. */
  get size(): number {
    return this.#fullBytes + this.at;
  }

  /** Reserves `count` contiguous bytes at `at`. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    this.#putAside();
    this.#begin(
      count <= this.#chunkBytes ? this.#spare.pop() ?? new Uint8Array(this.#chunkBytes) : new Uint8Array(count),
    );
  }

  /** Appends encoded bytes. */
  push(encoded: Uint8Array): void {
    this.reserve(encoded.length);
    this.bytes.set(encoded, this.at);
    this.at += encoded.length;
  }

  /** Returns all chunks and empties the buffer. */
  drain(): Uint8Array[] {
    this.#putAside();
    const chunks = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    this.#begin(NO_CHUNK);
    return chunks;
  }

  /** Keeps chunks whose bytes are no longer needed for reuse. */
  recycle(chunks: Iterable<Uint8Array>): void {
    for (const chunk of chunks) {
      if (chunk.buffer.byteLength !== this.#chunkBytes || this.#spare.length >= SPARE_CHUNKS_MAX) continue;
      this.#spare.push(new Uint8Array(chunk.buffer));
    }
  }

  #putAside(): void {
    if (this.at === 0) return;
    this.#full.push(this.bytes.subarray(0, this.at));
    this.#fullBytes += this.at;
    this.at = 0;
  }

  #begin(chunk: Uint8Array): void {
    this.bytes = chunk;
    this.view = new DataView(chunk.buffer);
    this.at = 0;
  }
}
