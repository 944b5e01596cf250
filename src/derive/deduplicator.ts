import type { DedupPlan, Envelope, Micros } from "../model/mod.ts";

/** A deduplicator's memory, oldest key first, as it stands in a checkpoint. */
export type DedupState = readonly (readonly [key: string, at: Micros])[];

/**
 * Drops events whose key was seen within the window. The key of an event is its stream with the exchange's id where it
 * has one (trade id, liquidation id, message id), else its sequence, else the content of its frame. Bounded by keys and by
 * receive time; a key that fell out of the window is new again.
 */
export class Deduplicator {
  readonly #windowMicros: number;
  readonly #keysMax: number;
  readonly #seen = new Map<string, Micros>();

  constructor(plan: DedupPlan) {
    this.#windowMicros = plan.windowSeconds * 1_000_000;
    this.#keysMax = plan.keysMax;
  }

  /** Whether the event repeats one within the window; remembers it otherwise. */
  isDuplicate(envelope: Envelope, payload: Uint8Array): boolean {
    const identity = eventIdentity(envelope, payload);
    if (identity === null) return false;
    const key = `${envelope.exchange} ${envelope.native_symbol} ${envelope.event.kind} ${identity}`;
    const now = envelope.received_ts;
    const before = this.#seen.get(key);
    if (before !== undefined && now - before <= this.#windowMicros) return true;
    if (before !== undefined) this.#seen.delete(key);
    this.#seen.set(key, now);
    this.#evict(now);
    return false;
  }

  /** What has to survive a restart. */
  saveState(): DedupState {
    return [...this.#seen];
  }

  /** Takes the place of what is known. */
  restoreState(state: DedupState): void {
    this.#seen.clear();
    for (const [key, at] of state) this.#seen.set(key, at);
  }

  #evict(now: Micros): void {
    for (const [key, at] of this.#seen) {
      if (this.#seen.size <= this.#keysMax && now - at <= this.#windowMicros) return;
      this.#seen.delete(key);
    }
  }
}

/**
 * What tells an event from the next one of its stream; null for events that are never dropped: gaps, and snapshots
 * without a sequence, which replace the book and repeat harmlessly.
 */
function eventIdentity(envelope: Envelope, payload: Uint8Array): string | null {
  const event = envelope.event;
  switch (event.kind) {
    case "trade":
      return event.trade_id ?? contentKey(envelope, payload);
    case "liquidation":
      return event.id ?? contentKey(envelope, payload);
    case "book_snapshot":
      return event.sequence;
    case "book_delta":
      return event.last_sequence === null
        ? contentKey(envelope, payload)
        : `${event.first_sequence ?? ""}-${event.last_sequence}`;
    case "raw":
      return event.message_id ?? event.sequence ?? contentKey(envelope, payload);
    case "quote":
    case "ticker":
    case "candle":
    case "derivative_ticker":
      return contentKey(envelope, payload);
    case "gap":
    case "book_top":
      return null;
  }
}

/** A 64-bit hash of the frame with the event's place in it: two different frames meet once in 10^19. */
function contentKey(envelope: Envelope, payload: Uint8Array): string {
  let low = 0x811c9dc5;
  let high = 0x01000193 ^ payload.length;
  for (let i = 0; i < payload.length; i++) {
    low = Math.imul(low ^ payload[i], 0x01000193);
    high = Math.imul(high ^ payload[i], 0x85ebca6b) ^ (high >>> 15);
  }
  return `#${(low >>> 0).toString(36)}.${(high >>> 0).toString(36)}.${envelope.index}`;
}
