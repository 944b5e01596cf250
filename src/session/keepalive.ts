import { Failure, type KeepalivePlan } from "../model/mod.ts";
import type { BootValues } from "./bootstrap.ts";

/** What may answer a ping: a pong frame, a frame that a pong rule names, or anything at all. */
export type SignOfLife = "pong_frame" | "pong_signal" | "frame";

/** When to ping and whether an answer is overdue. Times are monotonic ms; it sends nothing itself. */
export class Keepalive {
  readonly #plan: KeepalivePlan;
  readonly #intervalMs: number;
  readonly #answer: SignOfLife;
  /** The last time that a ping was due; the interval counts from here. */
  #lastMs = Infinity;
  /** When the oldest ping without an answer was sent; null where all are answered. */
  #unansweredSinceMs: number | null = null;

  constructor(plan: KeepalivePlan, boot: BootValues) {
    this.#plan = plan;
    this.#intervalMs = intervalOf(plan, boot);
    this.#answer = plan.mode === "ping_frame" ? "pong_frame" : plan.expectsPong ? "pong_signal" : "frame";
  }

  start(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /** When the next ping is due; Infinity in mode `none`. In idle mode the interval counts from the last message. */
  pingDueMs(lastReceivedMs: number): number {
    if (this.#plan.mode === "none") return Infinity;
    const since = this.#plan.when === "idle" ? Math.max(this.#lastMs, lastReceivedMs) : this.#lastMs;
    return since + this.#intervalMs;
  }

  /** A ping is being sent as it was due. */
  pinged(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /** A ping has left. */
  sent(nowMs: number): void {
    this.#unansweredSinceMs ??= nowMs;
  }

  received(sign: SignOfLife): void {
    if (sign === this.#answer || this.#answer === "frame") this.#unansweredSinceMs = null;
  }

  /** When the answer is overdue; Infinity where none is waited for. */
  get pongDueMs(): number {
    return this.#unansweredSinceMs === null ? Infinity : this.#unansweredSinceMs + this.#plan.pongTimeoutMs;
  }

  /** We were not reading for a while: what came meanwhile is still to be seen. */
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
