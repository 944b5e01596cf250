import { type MarketEvent, type SessionId, STREAMS_MAX } from "../model/mod.ts";

/** What is known of each stream, by session and then by rule and symbol, as plain JSON. */
export type MergeState = readonly (readonly [SessionId, readonly (readonly [string, Known])[]])[];

/** Last known value of each field of an event. */
type Known = Readonly<Record<string, string | number | boolean>>;

/**
 * Fields last known of streams whose rows carry only what has changed. Bounded: past STREAMS_MAX streams the oldest are
 * forgotten, so that their next rows stand for themselves.
 */
export class Merges {
  readonly #sessions = new Map<SessionId, Map<string, Known>>();
  #size = 0;

  /** Whether anything is known of a stream. */
  knows(session: SessionId, stream: string): boolean {
    return this.#sessions.get(session)?.has(stream) === true;
  }

  /** Forgets what is known of a stream: an image of it comes. */
  reset(session: SessionId, stream: string): void {
    this.#put(session, stream, {});
  }

  /**
   * The event with the fields that it lacks filled with what is known, which it becomes part of. Null where it carries
   * nothing itself.
   */
  fill(session: SessionId, stream: string, event: MarketEvent): MarketEvent | null {
    const known: Record<string, string | number | boolean> = { ...this.#sessions.get(session)?.get(stream) };
    const whole: Record<string, unknown> = {};
    let isNews = false;
    for (const [name, value] of Object.entries(event)) {
      whole[name] = value ?? known[name] ?? null;
      if (name === "kind" || value === null) continue;
      isNews = true;
      known[name] = value;
    }
    if (!isNews) return null;
    this.#put(session, stream, known);
    return whole as unknown as MarketEvent;
  }

  forget(session: SessionId): void {
    this.#size -= this.#sessions.get(session)?.size ?? 0;
    this.#sessions.delete(session);
  }

  saveState(): MergeState {
    return [...this.#sessions].map(([session, streams]) => [session, [...streams]] as const);
  }

  restoreState(state: MergeState): void {
    this.#sessions.clear();
    this.#size = 0;
    for (const [session, streams] of state) for (const [stream, known] of streams) this.#put(session, stream, known);
  }

  #put(session: SessionId, stream: string, known: Known): void {
    const streams = this.#sessions.get(session) ?? new Map<string, Known>();
    if (!streams.has(stream)) {
      if (this.#size >= STREAMS_MAX) this.#dropOldest();
      this.#size++;
    }
    // Only now: the session of the oldest stream may be this one, and is then gone.
    this.#sessions.set(session, streams);
    streams.set(stream, known);
  }

  #dropOldest(): void {
    for (const [session, streams] of this.#sessions) {
      for (const stream of streams.keys()) {
        streams.delete(stream);
        this.#size--;
        if (streams.size === 0) this.#sessions.delete(session);
        return;
      }
    }
  }
}
