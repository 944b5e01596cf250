import type { CloseCause, ConnectionPlan } from "../model/mod.ts";
import type { Keepalive, SignOfLife } from "./keepalive.ts";

/** Why a socket must be closed. */
export interface Overdue {
  readonly cause: CloseCause;
  readonly reason: string;
}

/**
 * The deadlines of one socket, except those of its streams: age, welcome, silence, pings and their answers. Times are
 * monotonic ms. Sets no timer and sends nothing.
 */
export class SocketDeadlines {
  readonly #plan: ConnectionPlan;
  readonly #keepalive: Keepalive;
  #openedMs = 0;
  #lastReceivedMs = 0;
  #welcomeDueMs = Infinity;
  #pausedSinceMs: number | null = null;
  #welcomed = false;
  #sending = false;

  constructor(plan: ConnectionPlan, keepalive: Keepalive) {
    this.#plan = plan;
    this.#keepalive = keepalive;
  }

  /** Whether requests may be sent. */
  get sending(): boolean {
    return this.#sending;
  }

  /** When anything was last received, in monotonic ms. */
  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  get paused(): boolean {
    return this.#pausedSinceMs !== null;
  }

  /** How long the socket has been open, in ms. */
  livedMs(nowMs: number): number {
    return nowMs - this.#openedMs;
  }

  opened(nowMs: number): void {
    this.#openedMs = nowMs;
    this.#lastReceivedMs = nowMs;
    this.#welcomed = !this.#plan.awaitsWelcome;
    this.#welcomeDueMs = nowMs + this.#plan.welcomeTimeoutMs;
  }

  received(sign: SignOfLife, nowMs: number): void {
    this.#lastReceivedMs = nowMs;
    this.#keepalive.received(sign);
  }

  welcomed(): void {
    this.#welcomed = true;
  }

  /** Begins sending when it is due; true only in the call that begins it. */
  beginSending(nowMs: number): boolean {
    if (this.#sending || !this.#welcomed || nowMs < this.#openedMs + this.#plan.connectDelayMs) return false;
    this.#sending = true;
    this.#keepalive.start(nowMs);
    return true;
  }

  /** Notes that reading is paused. */
  pause(nowMs: number): void {
    this.#pausedSinceMs ??= nowMs;
  }

  /** Notes that reading resumes, and extends deadlines by the pause. Returns the length of the pause, in ms. */
  resume(nowMs: number): number {
    const pausedMs = this.#pausedSinceMs === null ? 0 : nowMs - this.#pausedSinceMs;
    this.#pausedSinceMs = null;
    this.#lastReceivedMs = nowMs;
    this.#welcomeDueMs += pausedMs;
    this.#keepalive.resumed(nowMs);
    return pausedMs;
  }

  /** Whether a ping is due. */
  isPingDue(nowMs: number): boolean {
    return this.#sending && nowMs >= this.#keepalive.pingDueMs(this.#lastReceivedMs);
  }

  /** Returns why the socket must be closed now; null if it must not. Silence does not count while reading is paused. */
  findOverdue(nowMs: number): Overdue | null {
    const { maxAgeMs, readTimeoutMs, keepalive, welcomeTimeoutMs } = this.#plan;
    if (maxAgeMs !== null && nowMs >= this.#openedMs + maxAgeMs) {
      return { cause: "max_age", reason: `open for ${maxAgeMs} ms` };
    }
    if (this.#pausedSinceMs !== null) return null;
    if (nowMs >= this.#lastReceivedMs + readTimeoutMs) {
      return { cause: "read_timeout", reason: `nothing received for ${readTimeoutMs} ms` };
    }
    if (nowMs >= this.#keepalive.pongDueMs) {
      return { cause: "pong_timeout", reason: `ping not answered within ${keepalive.pongTimeoutMs} ms` };
    }
    if (!this.#welcomed && nowMs >= this.#welcomeDueMs) {
      return { cause: "error", reason: `no welcome within ${welcomeTimeoutMs} ms` };
    }
    return null;
  }

  /** When the next deadline is due; Infinity if there is none. */
  get nextDueMs(): number {
    const { maxAgeMs, connectDelayMs, readTimeoutMs } = this.#plan;
    const ours = Math.min(
      maxAgeMs === null ? Infinity : this.#openedMs + maxAgeMs,
      this.#welcomed && !this.#sending ? this.#openedMs + connectDelayMs : Infinity,
      this.#sending ? this.#keepalive.pingDueMs(this.#lastReceivedMs) : Infinity,
    );
    if (this.#pausedSinceMs !== null) return ours;
    return Math.min(
      ours,
      this.#lastReceivedMs + readTimeoutMs,
      this.#keepalive.pongDueMs,
      this.#welcomed ? Infinity : this.#welcomeDueMs,
    );
  }
}
