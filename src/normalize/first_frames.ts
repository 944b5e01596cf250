import { type SessionId, STREAMS_MAX } from "../model/mod.ts";

/** The streams of each session whose first frame has passed, for rules that leave the first frame out. Bounded. */
export class FirstFrames {
  /** Session → stream key → number of the frame that was the first. */
  readonly #seen = new Map<SessionId, Map<string, number>>();
  #size = 0;
  #frame = 0;

  /** A frame begins: rows of one frame are told from those of the next. */
  begin(): void {
    this.#frame++;
  }

  /** Whether the current frame is the first of the stream in this session. */
  isFirst(session: SessionId, stream: string): boolean {
    const streams = this.#seen.get(session) ?? new Map<string, number>();
    const first = streams.get(stream);
    if (first !== undefined) return first === this.#frame;
    if (this.#size >= STREAMS_MAX) this.#forgetOldest();
    this.#seen.set(session, streams);
    streams.set(stream, this.#frame);
    this.#size++;
    return true;
  }

  forget(session: SessionId): void {
    this.#size -= this.#seen.get(session)?.size ?? 0;
    this.#seen.delete(session);
  }

  saveState(): readonly (readonly [SessionId, readonly string[]])[] {
    return [...this.#seen].map(([session, streams]) => [session, [...streams.keys()]] as const);
  }

  restoreState(state: readonly (readonly [SessionId, readonly string[]])[]): void {
    this.#seen.clear();
    this.#size = 0;
    // Frame 0 is over: the next one is number 1 at least.
    for (const [session, streams] of state) {
      this.#seen.set(session, new Map(streams.map((stream) => [stream, 0])));
      this.#size += streams.length;
    }
  }

  #forgetOldest(): void {
    for (const [session, streams] of this.#seen) {
      for (const stream of streams.keys()) {
        streams.delete(stream);
        this.#size--;
        if (streams.size === 0) this.#seen.delete(session);
        return;
      }
    }
  }
}
