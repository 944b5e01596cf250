/** Reads text line by line as it comes, keeps it, and lets anyone wait for a line. */
export class LineLog {
  /** Resolves when the stream has ended. */
  readonly done: Promise<void>;
  readonly #lines: string[] = [];
  #rest = "";
  #ended = false;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  #gate: PromiseWithResolvers<void> | null = null;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.done = this.#read(stream);
  }

  /** All that was read. */
  get text(): string {
    return [...this.#lines, this.#rest].join("\n");
  }

  /** The first line that matches, now or later; null where the stream ends without one. */
  async find(pattern: RegExp): Promise<string | null> {
    for (let at = 0;; at++) {
      while (at >= this.#lines.length) {
        if (this.#ended) return null;
        await this.#wake.promise;
      }
      if (pattern.test(this.#lines[at])) return this.#lines[at];
    }
  }

  /** Reads no further, so that the writer is held up once the pipe is full. */
  stall(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Reads on. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of stream) {
        const lines = (this.#rest + decoder.decode(chunk, { stream: true })).split("\n");
        this.#rest = lines.pop() ?? "";
        this.#lines.push(...lines);
        this.#notify();
        await this.#gate?.promise;
      }
    } finally {
      this.#ended = true;
      this.#notify();
    }
  }

  #notify(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
