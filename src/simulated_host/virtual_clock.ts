import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../host/mod.ts";
import type { ClockStep, Micros } from "../model/mod.ts";

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  /** Null if it is cancelled. */
  call: (() => void) | null;
}

/** Wall clock of a world at its begin, in ms: 2026-01-05T00:00:00Z, a Monday. */
const BEGIN_MS = 1_767_571_200_000;

/**
 * A clock whose time passes only by timers. Timers go off in the order of their times and then of their creation, and
 * everything that one sets off is done before the next one. The wall clock can be set.
 */
export class VirtualClock {
  /** A binary heap by moment and order. */
  readonly #heap: Entry[] = [];
  readonly #steps = new Set<(step: ClockStep) => void>();
  #nowMs = 0;
  #order = 0;
  #wallMs = BEGIN_MS;
  #fired = 0;

  /** Simulated time that has passed, in ms. */
  get elapsedMs(): number {
    return this.#nowMs;
  }

  /** Timers that have gone off. */
  get fired(): number {
    return this.#fired;
  }

  /** Wall clock in µs. */
  get wallMicros(): Micros {
    return Math.round((this.#wallMs + this.#nowMs) * 1000);
  }

  /** Sets the wall clock forward or back, by ms. */
  step(byMs: number): void {
    const fromTs = this.wallMicros;
    this.#wallMs += byMs;
    const step = { fromTs, toTs: this.wallMicros };
    for (const call of this.#steps) call(step);
  }

  /** Returns a clock of one process: its timers go off as long as the process lives. */
  of(process: { readonly lives: boolean }): Clock {
    const after = (ms: number, call: () => void): Timer =>
      this.after(ms, () => {
        if (process.lives) call();
      });
    return {
      nowMicros: () => this.wallMicros,
      nowMs: () => this.wallMicros / 1000,
      monotonicMs: () => this.#nowMs,
      onStep: (call) => {
        this.#steps.add((step) => {
          if (process.lives) call(step);
        });
      },
      after,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) return resolve();
          const abort = () => {
            timer.cancel();
            if (process.lives) resolve();
          };
          const timer = after(ms, () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          });
          signal?.addEventListener("abort", abort, { once: true });
        }),
    };
  }

  /** Calls back once after `ms`. */
  after(ms: number, call: () => void): Timer {
    const entry: Entry = { dueMs: this.#nowMs + Math.max(0, ms), order: this.#order++, call };
    this.#push(entry);
    return {
      cancel: () => {
        entry.call = null;
      },
    };
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    await this.advanceUntil(() => false, ms);
  }

  /** Lets time pass until a condition holds, at most `ms`; resolves with whether it holds. */
  async advanceUntil(holds: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.#nowMs + ms;
    await rest();
    while (!holds()) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) {
        this.#nowMs = endMs;
        return false;
      }
      this.#pop();
      if (next.call === null) continue;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#fired++;
      next.call();
      await rest();
    }
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/**
 * Resolves when all promises that can settle without time passing have settled, which they do before the next turn of
 * the event loop.
 */
function rest(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
