import { SESSION_STREAMS_MAX } from "../model/mod.ts";

/**
 * The streams of a session whose first frame was seen, for rules that skip the first frame. Bounded: past
 * SESSION_STREAMS_MAX streams, the first frame of a further one counts as a later one, so that no data is skipped by
 * mistake.
 */
export class FirstFrames {
  /** Stream key → number of the frame that was the first. */
  readonly #seen = new Map<string, number>();
  #frame = 0;

  /** Begins a frame, to distinguish its rows from those of the next. */
  begin(): void {
    this.#frame++;
  }

  /** Whether the current frame is the first of the stream in this session. */
  isFirst(stream: string): boolean {
    const first = this.#seen.get(stream);
    if (first !== undefined) return first === this.#frame;
    if (this.#seen.size >= SESSION_STREAMS_MAX) return false;
    this.#seen.set(stream, this.#frame);
    return true;
  }

  entries(): readonly string[] {
    return [...this.#seen.keys()];
  }

  restore(entries: readonly string[]): void {
    // Frame 0 is past: the next one is at least number 1.
    for (const stream of entries) this.#seen.set(stream, 0);
  }
}
