import { SESSION_STREAMS_MAX } from "../model/mod.ts";

/**
 * The streams of a session whose first frame has passed, for rules that leave the first frame out. Bounded: the first
 * frame of a stream past SESSION_STREAMS_MAX counts as a later one, so that nothing is left out by mistake.
 */
export class FirstFrames {
  /** Stream key → number of the frame that was the first. */
  readonly #seen = new Map<string, number>();
  #frame = 0;

  /** Counts a frame: rows of one frame are told from those of the next. */
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
    // Frame 0 is over: the next one is number 1 at least.
    for (const stream of entries) this.#seen.set(stream, 0);
  }
}
