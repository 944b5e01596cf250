import { BOOK_BUFFERING_US_MAX, BOOK_UNANCHORED_DELTAS_MAX, type Micros } from "../model/mod.ts";
import type { BookFaultCause, MutableVerdict } from "./verdict.ts";

/**
 * `empty`: nothing was seen. `buffering`: updates came, the book's first snapshot did not. `valid`: every update since
 * the snapshot followed the one before and every check passed. `broken`: a check failed; nothing is emitted until the
 * next snapshot.
 */
export type BookState = "empty" | "buffering" | "valid" | "broken";

/** A gap that no snapshot has ended. */
export interface OpenBookGap {
  readonly cause: BookFaultCause;
  readonly fromTs: Micros | null;
  readonly fromSequence: string | null;
  readonly detail: string;
}

/** What showed that a book is not valid any more. */
export interface BookFault {
  readonly detail: string;
  /** Last good update before, and the update that showed the fault. */
  readonly fromSequence: string | null;
  readonly toSequence: string | null;
  readonly receivedTs: Micros;
}

/** The memory of a book's validity as plain JSON. */
export interface ValidityState {
  readonly state: BookState;
  readonly since: Micros | null;
  readonly goodTs: Micros | null;
  readonly gap: OpenBookGap | null;
  readonly unanchored: number;
}

/** Follows whether a book is valid, since when, and the gap that it is in until a snapshot ends it. */
export class BookValidity {
  #state: BookState = "empty";
  #since: Micros | null = null;
  #goodTs: Micros | null = null;
  #gap: OpenBookGap | null = null;
  /** Deltas since the book was last asked for that had no snapshot to change. */
  #unanchored = 0;

  get state(): BookState {
    return this.#state;
  }

  get isValid(): boolean {
    return this.#state === "valid";
  }

  /** Receive time of the update that began the state; null before the first update. */
  get since(): Micros | null {
    return this.#since;
  }

  /** The gap that was told and that no snapshot has ended; null where there is none. */
  get gap(): OpenBookGap | null {
    return this.#gap;
  }

  /** Notes that the book is in a state from a receive time on; nothing where it is already. */
  enter(state: BookState, at: Micros): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = at;
  }

  /** Counts a delta that has no snapshot to change; returns whether there are too many. */
  countUnanchored(): boolean {
    return ++this.#unanchored >= BOOK_UNANCHORED_DELTAS_MAX;
  }

  /** Counts from zero: a snapshot was asked for. */
  clearUnanchored(): void {
    this.#unanchored = 0;
  }

  /** Returns the gap of deltas that wait for their first snapshot. */
  waiting(): OpenBookGap {
    return { cause: "stale", fromTs: this.#since, fromSequence: null, detail: "no snapshot" };
  }

  /** Deltas that wait long for their first snapshot are missing for whoever reads the events: a gap. */
  tellWaiting(receivedTs: Micros, verdict: MutableVerdict): void {
    if (this.#state !== "buffering" || this.#gap !== null) return;
    const waited = receivedTs - (this.#since ?? receivedTs);
    if (this.#unanchored < BOOK_UNANCHORED_DELTAS_MAX && waited < BOOK_BUFFERING_US_MAX) return;
    this.#gap = this.waiting();
    verdict.gaps.push({ ...this.#gap, toSequence: null, recovered: false });
  }

  /** Notes that a frame's updates passed: the book is valid, and has recovered where it was broken. */
  settle(receivedTs: Micros, toSequence: string | null, verdict: MutableVerdict): void {
    this.#goodTs = receivedTs;
    this.#unanchored = 0;
    if (this.#gap === null) return;
    const { cause, fromSequence, fromTs, detail } = this.#gap;
    this.#gap = null;
    verdict.gaps.push({ cause, fromSequence, toSequence, fromTs, detail, recovered: true });
  }

  /** Notes that the book is broken. A new snapshot that fails its checks leaves the gap as it was. */
  break(
    cause: BookFaultCause,
    { detail, fromSequence, toSequence, receivedTs }: BookFault,
    verdict: MutableVerdict,
  ): void {
    if (this.#gap === null) {
      this.#gap = { cause, fromTs: this.#goodTs, fromSequence, detail };
      verdict.gaps.push({ ...this.#gap, toSequence, recovered: false });
    }
    this.enter("broken", receivedTs);
    this.#unanchored = 0;
  }

  /** Moves the beginning of the state to the clock's new scale. */
  clockStepped(by: Micros): void {
    if (this.#since !== null) this.#since += by;
  }

  saveState(): ValidityState {
    return {
      state: this.#state,
      since: this.#since,
      goodTs: this.#goodTs,
      gap: this.#gap,
      unanchored: this.#unanchored,
    };
  }

  restoreState({ state, since, goodTs, gap, unanchored }: ValidityState): void {
    this.#state = state;
    this.#since = since;
    this.#goodTs = goodTs;
    this.#gap = gap;
    this.#unanchored = unanchored;
  }
}
