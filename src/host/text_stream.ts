import { Failure, joinBytes, STREAM_QUEUE_BYTES_MAX } from "../model/mod.ts";
import { fileFailure } from "./file_failure.ts";

/** How long to wait before a stream that takes nothing at the moment is tried again, in ms. */
const AGAIN_MS = 10;

/** A standard stream as the platform has it. */
export interface RawStream {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes to a standard stream in the background, in order: a reader that stalls never holds up the program. What waits is
 * bounded: text beyond it is left out and counted.
 */
export class TextStream {
  readonly #stream: RawStream;
  readonly #name: string;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  /** Whether the platform has been given bytes and has not taken them yet. */
  #isStuck = false;
  #dropped = 0;
  #failure: Failure | null = null;

  constructor(stream: RawStream, name: string) {
    this.#stream = stream;
    this.#name = name;
  }

  /** Lines that were left out so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why text could not be written: the first failure; null where all could. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Takes a line, without its line break. */
  print(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    // One line alone is taken whatever its length: its bytes are there already.
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > STREAM_QUEUE_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#drain();
  }

  /** Writes bytes after all that was taken before. Rejects with a `Failure`: `gone` when the reader has gone. */
  async write(bytes: Uint8Array): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    const write = this.#writeAll(bytes);
    // What is printed meanwhile waits for it.
    this.#writing = write.then(() => {}, () => {}).then(() => this.#drain());
    await write;
  }

  /** Resolves when all that was printed so far is written, or could not be. What is written by `write` is its caller's. */
  async flush(): Promise<void> {
    while (this.#waitingBytes > 0 && this.#writing !== null) await this.#writing;
  }

  /**
   * Writes what waits at once, for the end of the process. `evenIfStuck`: also while the platform has not yet taken what it
   * was given before, which may only mean that its answer has not been seen, or that the reader stalls.
   */
  flushNow(evenIfStuck: boolean): void {
    if (this.#waitingBytes === 0 || (this.#isStuck && !evenIfStuck)) return;
    const bytes = joinBytes(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      for (let at = 0; at < bytes.length;) at += this.#stream.writeSync(bytes.subarray(at));
    } catch {
      // The process ends: nobody is left who could be told.
    }
  }

  async #drain(): Promise<void> {
    // What is printed in one go is written in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const parts = this.#waiting;
      const bytes = parts.length === 1 ? parts[0] : joinBytes(parts);
      this.#waiting = [];
      try {
        await this.#writeAll(bytes);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#failure ??= error;
        this.#dropped += parts.length;
      }
      this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes.length);
    }
    this.#writing = null;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      try {
        this.#isStuck = true;
        at += await this.#stream.write(bytes.subarray(at));
        this.#isStuck = false;
      } catch (cause) {
        this.#isStuck = false;
        if (cause instanceof Deno.errors.WouldBlock) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          continue;
        }
        if (!(cause instanceof Deno.errors.BrokenPipe)) throw fileFailure("write", this.#name, cause);
        throw new Failure("gone", `Cannot write to ${this.#name}: its reader has gone`, { cause, retry: false });
      }
    }
  }
}
