import { BOOK_BUFFERING_US_MAX, BOOK_UNANCHORED_DELTAS_MAX, type Micros } from "../model/mod.ts";
import type { BookFaultCause, MutableVerdict } from "./verdict.ts";

/**
 * `empty`: no update yet. `buffering`: updates came before the book's first snapshot. `valid`: every update since the
 * snapshot followed the one before and every check passed. `broken`: a check failed; updates are suppressed until the
 * next snapshot.
 */
export type BookState = "empty" | "buffering" | "valid" | "broken";

/** An open gap of a book. */
export interface OpenBookGap {
  readonly cause: BookFaultCause;
  readonly fromTs: Micros | null;
  readonly fromSequence: string | null;
  readonly detail: string;
}

/** The update that showed that a book is no longer valid. */
export interface BookFault {
  readonly detail: string;
  /** Sequences of the last good update before, and of the update that showed the fault. */
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

/** Tracks whether a book is valid, since when, and its open gap until a snapshot ends it. */
export class BookValidity {
  #state: BookState = "empty";
  #since: Micros | null = null;
  #goodTs: Micros | null = null;
  #gap: OpenBookGap | null = null;
  /** Deltas without a snapshot since the last resync. */
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

  /** The gap that was emitted and that no snapshot has ended; null if there is none. */
  get gap(): OpenBookGap | null {
    return this.#gap;
  }

  /** Enters a state at a receive time; does nothing if it is the current one. */
  enter(state: BookState, at: Micros): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = at;
  }

  /** Counts a delta without a snapshot; returns whether there are too many. */
  countUnanchored(): boolean {
    return ++this.#unanchored >= BOOK_UNANCHORED_DELTAS_MAX;
  }

  /** Restarts the count, because a snapshot was requested. */
  clearUnanchored(): void {
    this.#unanchored = 0;
  }

  /** Returns the gap of deltas that wait for the first snapshot. */
  waiting(): OpenBookGap {
    return { cause: "stale", fromTs: this.#since, fromSequence: null, detail: "no snapshot" };
  }

  /** Emits a gap if deltas have waited too long for the first snapshot, because they are missing from the output. */
  emitWaitingGap(receivedTs: Micros, verdict: MutableVerdict): void {
    if (this.#state !== "buffering" || this.#gap !== null) return;
    const waited = receivedTs - (this.#since ?? receivedTs);
    if (this.#unanchored < BOOK_UNANCHORED_DELTAS_MAX && waited < BOOK_BUFFERING_US_MAX) return;
    this.#gap = this.waiting();
    verdict.gaps.push({ ...this.#gap, toSequence: null, recovered: false });
  }

  /** Notes that a frame's updates passed all checks. Ends the open gap, if there is one. */
  markRecovered(receivedTs: Micros, toSequence: string | null, verdict: MutableVerdict): void {
    this.#goodTs = receivedTs;
    this.#unanchored = 0;
    if (this.#gap === null) return;
    const { cause, fromSequence, fromTs, detail } = this.#gap;
    this.#gap = null;
    verdict.gaps.push({ cause, fromSequence, toSequence, fromTs, detail, recovered: true });
  }

  /**
   * Breaks the book and emits a gap, unless one is open already: a new snapshot that fails its checks emits no second
   * one.
   */
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

  /** Shifts the beginning of the state after a step of the wall clock. */
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
