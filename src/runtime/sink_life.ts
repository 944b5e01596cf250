import type { Clock, Timer } from "../host/mod.ts";
import { Failure, type Offset, SINK_DEADLINE_DOUBLINGS_MAX, SINK_WRITES_IN_FLIGHT_MAX } from "../model/mod.ts";
import type { Sink, SinkBatch, SinkCapabilities } from "../sink/mod.ts";

export interface SinkLifeOptions {
  readonly sink: Sink;
  readonly capabilities: SinkCapabilities;
  readonly clock: Clock;
  /** Consecutive calls that timed out, over earlier lives: each doubles the deadlines. */
  readonly timeouts: number;
  /** Called when a write in flight has failed. */
  readonly onFailed: () => void;
}

/**
 * Runs one life of a sink, from its opening to its closing. Every call has a deadline: a call that hangs is abandoned,
 * its signal aborted, and rejects with a `Failure` of code `timeout`. Writes overlap up to the window of the sink's
 * type; the first failure ends the life.
 */
export class SinkLife {
  readonly #options: SinkLifeOptions;
  readonly #abort = new AbortController();
  readonly #window: number;
  readonly #writes = new Set<Promise<void>>();
  /** When each call under way began, by the monotonic clock. */
  readonly #calls = new Map<symbol, { readonly what: string; readonly beganMs: number }>();
  #failure: { readonly reason: unknown } | null = null;

  constructor(options: SinkLifeOptions) {
    this.#options = options;
    this.#window = Math.max(1, Math.min(options.capabilities.writesInFlight, SINK_WRITES_IN_FLIGHT_MAX));
  }

  get files(): number | null {
    return this.#options.sink.files;
  }

  /** Offset that the sink must reach before it is flushed; null if it can be flushed anywhere. */
  get cutsAt(): Offset | null {
    return this.#options.sink.cutsAt ?? null;
  }

  get wantsFlush(): boolean {
    return this.#options.sink.wantsFlush;
  }

  /** The oldest call under way; null if there is none. */
  get underWay(): { readonly what: string; readonly beganMs: number } | null {
    const [oldest] = this.#calls.values();
    return oldest ?? null;
  }

  /** Rejects every call under way and prevents further calls. */
  abandon(reason: Failure): void {
    this.#abort.abort(reason);
  }

  open(committed: Offset): Promise<Offset> {
    const { sink, capabilities } = this.#options;
    return this.#call("open", capabilities.deadlines.openMs, (signal) => sink.open(committed, signal));
  }

  /** Begins a write. Waits while the window is full; with a window of one, waits for this write. */
  async write(batch: SinkBatch): Promise<void> {
    this.throwIfFailed();
    const { sink, capabilities } = this.#options;
    const write = this.#call("write", capabilities.deadlines.writeMs, (signal) => sink.write(batch, signal));
    if (this.#window === 1) return await write;
    const settled: Promise<void> = write.catch((reason: unknown) => this.#fail(reason)).finally(() =>
      this.#writes.delete(settled)
    );
    this.#writes.add(settled);
    while (this.#writes.size >= this.#window) await Promise.race(this.#writes);
    this.throwIfFailed();
  }

  /** Waits for all writes, then makes them safe. */
  async flush(next: Offset): Promise<void> {
    await Promise.all(this.#writes);
    this.throwIfFailed();
    const { sink, capabilities } = this.#options;
    await this.#call("flush", capabilities.deadlines.flushMs, (signal) => sink.flush(next, signal));
  }

  /** Closes the sink, but gives up at the deadline. Rejects as the sink does. */
  async close(): Promise<void> {
    const { sink, capabilities, clock } = this.#options;
    this.#abort.abort(new Failure("cancelled", "The sink was closed"));
    const deadline = Promise.withResolvers<void>();
    const timer = clock.after(capabilities.deadlines.closeMs, deadline.resolve);
    const closing = guarded(() => sink.close());
    // A close that was given up may still reject.
    closing.catch(() => {});
    try {
      await Promise.race([closing, deadline.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Throws the error of a write in flight that has failed. */
  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }

  #fail(reason: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { reason };
    this.#options.onFailed();
  }

  async #call<T>(what: string, deadlineMs: number | null, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, timeouts } = this.#options;
    const { signal } = this.#abort;
    signal.throwIfAborted();
    const given = Promise.withResolvers<never>();
    const give = () => given.reject(signal.reason);
    signal.addEventListener("abort", give, { once: true });
    let timer: Timer | null = null;
    if (deadlineMs !== null) {
      const ms = deadlineMs * 2 ** Math.min(timeouts, SINK_DEADLINE_DOUBLINGS_MAX);
      const text = `Cannot ${what}: the sink did not come back within ${ms} ms`;
      timer = clock.after(ms, () => this.#abort.abort(new Failure("timeout", text)));
    }
    const key = Symbol(what);
    this.#calls.set(key, { what, beganMs: clock.monotonicMs() });
    try {
      const result = guarded(() => call(signal));
      // An abandoned call may still reject; nobody needs its result.
      result.catch(() => {});
      return await Promise.race([result, given.promise]);
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", give);
      this.#calls.delete(key);
    }
  }
}

/** Turns a synchronous throw of the call into a rejection. */
async function guarded<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}
