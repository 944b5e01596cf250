import type { Clock, Timer } from "../../src/host/mod.ts";
import type { Micros } from "../../src/model/mod.ts";

interface Waiting {
  readonly dueMs: number;
  readonly call: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  #waiting: Waiting[] = [];

  constructor(nowMs = 1_770_000_000_000) {
    this.#nowMs = nowMs;
  }

  /** Timers that have not gone off. */
  get timers(): number {
    return this.#waiting.length;
  }

  /** Moves time on; timers that fall due go off in their order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      const due = next;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== due);
      due.call();
    }
    this.#nowMs = untilMs;
  }

  nowMicros(): Micros {
    return Math.round(this.#nowMs * 1000);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): Timer {
    const waiting = { dueMs: this.#nowMs + ms, call };
    this.#waiting.push(waiting);
    return { cancel: () => this.#waiting = this.#waiting.filter((other) => other !== waiting) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal?.aborted === true) resolve();
    const timer = this.after(ms, resolve);
    signal?.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    }, { once: true });
    return promise;
  }

  #nextDue(untilMs: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.dueMs <= untilMs && (next === undefined || waiting.dueMs < next.dueMs)) next = waiting;
    }
    return next;
  }
}
