import { Failure, joinBytes, STREAM_QUEUE_BYTES_MAX } from "../model/mod.ts";
import { fileFailure } from "./file_failure.ts";

/** How long to wait before a blocked stream is tried again, in ms. */
const AGAIN_MS = 10;

/** A standard stream of the platform. */
export interface RawStream {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes to a standard stream in the background, in order: a stalled reader never blocks the program. The queue is
 * bounded: text beyond the bound is dropped and counted.
 */
export class TextStream {
  readonly #stream: RawStream;
  readonly #name: string;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  /** Whether a write to the platform is pending. */
  #isStuck = false;
  #dropped = 0;
  #failure: Failure | null = null;

  constructor(stream: RawStream, name: string) {
    this.#stream = stream;
    this.#name = name;
  }

  /** Number of lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The first failure to write; null if there was none. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Queues a line, given without its line break. */
  print(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    // A single line is queued at any length, because its bytes exist already.
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > STREAM_QUEUE_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#drain();
  }

  /** Writes bytes after everything queued before. Rejects with a `Failure`: `gone` if the reader has gone. */
  async write(bytes: Uint8Array): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    const write = this.#writeAll(bytes);
    // Lines printed meanwhile wait for it.
    this.#writing = write.then(() => {}, () => {}).then(() => this.#drain());
    await write;
  }

  /** Resolves when everything printed so far is written or has failed. Does not wait for `write`. */
  async flush(): Promise<void> {
    while (this.#waitingBytes > 0 && this.#writing !== null) await this.#writing;
  }

  /**
   * Writes the queue synchronously, for the end of the process. `evenIfStuck`: even while a write is pending, whose
   * result may just not be known yet, or whose reader may be stalled.
   */
  flushNow(evenIfStuck: boolean): void {
    if (this.#waitingBytes === 0 || (this.#isStuck && !evenIfStuck)) return;
    const bytes = joinBytes(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      for (let at = 0; at < bytes.length;) at += this.#stream.writeSync(bytes.subarray(at));
    } catch {
      // The process ends, so the failure cannot be reported.
    }
  }

  async #drain(): Promise<void> {
    // Lines printed in one turn are written together.
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
