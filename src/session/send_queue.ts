import type { Clock, Timer } from "../host/mod.ts";
import { type RateLimit, REPLIES_QUEUED_MAX, UNANSWERED_HOLD_MS } from "../model/mod.ts";
import { RollingWindow } from "../rest/mod.ts";

/** Counts what a connection of the plan sends, whichever socket it has at the time. */
export function createSendWindow(limit: RateLimit | null): RollingWindow | null {
  return limit === null ? null : new RollingWindow(limit);
}

/**
 * Sends a frame when its turn has come; returns the ids by which an answer will name it, none where no answer does. False
 * where the frame was no longer needed, so that it does not count.
 */
export type Send = () => false | readonly string[];

/** A frame that was sent and whose answer has not come. */
interface Unanswered {
  readonly ids: readonly string[];
  readonly sentMs: number;
}

/**
 * Sends the frames of one socket in order and within the send limit, keepalive frames and replies before requests.
 * Reserves one slot of the limit for protocol pongs, which cannot wait, unless the limit is 1. The exchange counts frames
 * when it reads them, and a network that stands still hands it together what was sent apart: a frame that will be
 * answered keeps its slot until then, and counts from its answer.
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
      /** Takes what a `Send` throws. */
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

  /** Counts a frame that was sent past the queue: the pong by which a ping frame is answered. */
  countPong(): void {
    if (this.#open) this.#window?.record(this.#clock.monotonicMs());
  }

  /** An answer named a frame: the exchange has read it, and what was sent before it. */
  answered(id: string): void {
    const at = this.#unanswered.findIndex(({ ids }) => ids.includes(id));
    if (at < 0) return;
    const nowMs = this.#clock.monotonicMs();
    for (const { sentMs } of this.#unanswered.splice(0, at + 1)) this.#window?.move(sentMs, nowMs);
    this.#timer?.cancel();
    this.#timer = null;
    this.#drain();
  }

  /** Forgets what was not sent. */
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

  /** How long the next frame has to wait, in ms. */
  #waitMs(nowMs: number): number {
    if (this.#window === null || this.#limit === null) return 0;
    const { count, perMs } = this.#limit;
    this.#unanswered = this.#unanswered.filter(({ sentMs }) => nowMs < sentMs + UNANSWERED_HOLD_MS);
    // The window has forgotten these; the exchange may still have to read them.
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
