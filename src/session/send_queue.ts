import type { Clock, Timer } from "../host/mod.ts";
import { type RateLimit, REPLIES_QUEUED_MAX } from "../model/mod.ts";
import { RollingWindow } from "../rest/mod.ts";

/** Counts what a connection of the plan sends, whichever socket it has at the time. */
export function createSendWindow(limit: RateLimit | null): RollingWindow | null {
  return limit === null ? null : new RollingWindow(limit);
}

/** Sends a frame when its turn has come; false where it was no longer needed, so that it does not count. */
export type Send = () => boolean;

/**
 * Sends the frames of one socket in order and within the send limit, keepalive frames and replies before requests.
 * Reserves one slot of the limit for protocol pongs, which cannot wait, unless the limit is 1.
 */
export class SendQueue {
  readonly #clock: Clock;
  readonly #window: RollingWindow | null;
  readonly #slotsAhead: number;
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
      /** Takes what a `Send` throws. */
      readonly onThrow: (error: unknown) => void;
    },
  ) {
    this.#clock = clock;
    this.#window = window;
    this.#onThrow = onThrow;
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

  /** Counts a frame that was sent past the queue: the pong by which a ping frame is answered. */
  countPong(): void {
    if (this.#open) this.#window?.record(this.#clock.monotonicMs());
  }

  /** Forgets what was not sent. */
  close(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#urgent.length = 0;
    this.#requests.length = 0;
  }

  #drain(): void {
    if (this.#timer !== null || this.#draining) return;
    this.#draining = true;
    while (this.#open) {
      const next = this.#urgent[0] ?? this.#requests[0];
      if (next === undefined) break;
      const waitMs = this.#window?.waitMs(this.#clock.monotonicMs(), this.#slotsAhead) ?? 0;
      if (waitMs > 0) {
        this.#wakeAfter(waitMs);
        break;
      }
      if (this.#urgent.length > 0) this.#urgent.shift();
      else this.#requests.shift();
      if (this.#isSent(next)) this.#window?.record(this.#clock.monotonicMs());
    }
    this.#draining = false;
  }

  #isSent(send: Send): boolean {
    try {
      return send();
    } catch (error) {
      this.#onThrow(error);
      return false;
    }
  }

  #wakeAfter(ms: number): void {
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = null;
      this.#drain();
    });
  }
}
