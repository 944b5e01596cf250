import { Failure, type KeepalivePlan } from "../model/mod.ts";
import type { BootValues } from "./bootstrap.ts";

/** What answers a ping: a pong frame, a frame that matches a pong rule, or any frame. */
export type SignOfLife = "pong_frame" | "pong_signal" | "frame";

/** Computes when to ping and whether an answer is overdue. Times are monotonic ms. Sends nothing itself. */
export class Keepalive {
  readonly #plan: KeepalivePlan;
  readonly #intervalMs: number;
  readonly #answer: SignOfLife;
  /** When the last ping was due; the interval counts from here. */
  #lastMs = Infinity;
  /** When the oldest unanswered ping was sent; null if all are answered. */
  #unansweredSinceMs: number | null = null;

  constructor(plan: KeepalivePlan, boot: BootValues) {
    this.#plan = plan;
    this.#intervalMs = intervalOf(plan, boot);
    this.#answer = plan.mode === "ping_frame" ? "pong_frame" : plan.expectsPong ? "pong_signal" : "frame";
  }

  start(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /**
   * Returns when the next ping is due; Infinity in mode `none`. In idle mode the interval counts from the last message.
   */
  pingDueMs(lastReceivedMs: number): number {
    if (this.#plan.mode === "none") return Infinity;
    const since = this.#plan.when === "idle" ? Math.max(this.#lastMs, lastReceivedMs) : this.#lastMs;
    return since + this.#intervalMs;
  }

  /** Notes that a due ping is queued. */
  pinged(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /** Notes that a ping was sent. */
  sent(nowMs: number): void {
    this.#unansweredSinceMs ??= nowMs;
  }

  received(sign: SignOfLife): void {
    if (sign === this.#answer || this.#answer === "frame") this.#unansweredSinceMs = null;
  }

  /** When the answer is overdue; Infinity if none is awaited. */
  get pongDueMs(): number {
    return this.#unansweredSinceMs === null ? Infinity : this.#unansweredSinceMs + this.#plan.pongTimeoutMs;
  }

  /** Restarts the wait for an answer after a reading pause, because the answer may be unread. */
  resumed(nowMs: number): void {
    if (this.#unansweredSinceMs !== null) this.#unansweredSinceMs = nowMs;
  }
}

function intervalOf(plan: KeepalivePlan, boot: BootValues): number {
  if (plan.intervalFrom === null) return plan.intervalMs;
  const text = boot[plan.intervalFrom];
  if (text !== undefined && /^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new Failure("connect", `Bootstrap value ${plan.intervalFrom} is not an interval in ms: ${text ?? "missing"}`);
}
