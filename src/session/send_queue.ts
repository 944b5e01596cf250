import type { Clock, Timer } from "../host/mod.ts";
import { type RateLimit, REPLIES_QUEUED_MAX, UNANSWERED_HOLD_MS } from "../model/mod.ts";
import { RollingWindow } from "../rest/mod.ts";

/** Returns the window that counts what a connection sends over all its sockets; null without a limit. */
export function createSendWindow(limit: RateLimit | null): RollingWindow | null {
  return limit === null ? null : new RollingWindow(limit);
}

/**
 * Sends a frame. Returns the ids by which an answer will name it (empty if none will), or false if the frame is no
 * longer needed and was not sent.
 */
export type Send = () => false | readonly string[];

/** A sent frame without an answer so far. */
interface Unanswered {
  readonly ids: readonly string[];
  readonly sentMs: number;
}

/**
 * Sends the frames of one socket in order and within the send limit, keepalive frames and replies before requests.
 * Reserves one slot of the limit for protocol pongs, which cannot wait, unless the limit is 1. Exchanges count frames
 * when they read them, and a stalled network delivers at once what was sent over time: a frame that will be answered
 * keeps its slot until its answer, and counts from then.
 */
export class SendQueue {
  readonly #clock: Clock;
  readonly #window: RollingWindow | null;
  readonly #limit: RateLimit | null;
  readonly #slotsAhead: number;
  /** In the order of sending. */
  #unanswered: Unanswered[] = [];
  readonly #onThrow: (error: unknown) => void;
  readonly #urgent: Send[] = [];
  readonly #requests: Send[] = [];
  #timer: Timer | null = null;
  #open = true;
  #draining = false;

  constructor(
    { clock, window, limit, onThrow }: {
      readonly clock: Clock;
      readonly window: RollingWindow | null;
      readonly limit: RateLimit | null;
      /** Called with what a `Send` throws. */
      readonly onThrow: (error: unknown) => void;
    },
  ) {
    this.#clock = clock;
    this.#window = window;
    this.#onThrow = onThrow;
    this.#limit = limit;
    this.#slotsAhead = limit !== null && limit.count > 1 ? 2 : 1;
  }

  /** Queues a request. Bounded by the plan's requests. */
  request(send: Send): void {
    this.#requests.push(send);
    this.#drain();
  }

  /** Queues a keepalive frame or a reply before all requests. */
  urgent(send: Send): void {
    if (this.#urgent.length >= REPLIES_QUEUED_MAX) this.#urgent.shift();
    this.#urgent.push(send);
    this.#drain();
  }

  /** Counts a frame that was sent outside the queue: the pong to a server's ping frame. */
  countPong(): void {
    if (this.#open) this.#window?.record(this.#clock.monotonicMs());
  }

  /** Notes that an answer named a frame, so the exchange has read it and all frames before it. */
  answered(id: string): void {
    const at = this.#unanswered.findIndex(({ ids }) => ids.includes(id));
    if (at < 0) return;
    const nowMs = this.#clock.monotonicMs();
    for (const { sentMs } of this.#unanswered.splice(0, at + 1)) this.#window?.move(sentMs, nowMs);
    this.#timer?.cancel();
    this.#timer = null;
    this.#drain();
  }

  /** Drops all unsent frames. */
  close(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#urgent.length = 0;
    this.#requests.length = 0;
    this.#unanswered.length = 0;
  }

  #drain(): void {
    if (this.#timer !== null || this.#draining) return;
    this.#draining = true;
    while (this.#open) {
      const next = this.#urgent[0] ?? this.#requests[0];
      if (next === undefined) break;
      const waitMs = this.#waitMs(this.#clock.monotonicMs());
      if (waitMs > 0) {
        this.#wakeAfter(waitMs);
        break;
      }
      if (this.#urgent.length > 0) this.#urgent.shift();
      else this.#requests.shift();
      this.#send(next);
    }
    this.#draining = false;
  }

  /** Returns how long the next frame must wait, in ms. */
  #waitMs(nowMs: number): number {
    if (this.#window === null || this.#limit === null) return 0;
    const { count, perMs } = this.#limit;
    this.#unanswered = this.#unanswered.filter(({ sentMs }) => nowMs < sentMs + UNANSWERED_HOLD_MS);
    // These have left the window, but the exchange may not have read them yet.
    const held = this.#unanswered.filter(({ sentMs }) => nowMs > sentMs + perMs);
    const ahead = held.length + this.#slotsAhead;
    return ahead > count ? held[0].sentMs + UNANSWERED_HOLD_MS - nowMs : this.#window.waitMs(nowMs, ahead);
  }

  #send(send: Send): void {
    try {
      const ids = send();
      if (ids === false) return;
      const sentMs = this.#clock.monotonicMs();
      this.#window?.record(sentMs);
      if (this.#window !== null && ids.length > 0) this.#unanswered.push({ ids, sentMs });
    } catch (error) {
      this.#onThrow(error);
    }
  }

  #wakeAfter(ms: number): void {
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = null;
      this.#drain();
    });
  }
}
