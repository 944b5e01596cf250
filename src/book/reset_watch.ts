import {
  BOOK_RESET_BRIDGE_US,
  BOOK_RESET_LATE_US,
  BOOK_RESET_UPDATES,
  BOOK_RESET_UPDATES_NEWER,
  type Micros,
  type SequenceRule,
} from "../model/mod.ts";
import { continues, isBelow, type SequencePoint } from "./sequencer.ts";
import type { DeltaEvent } from "./verdict.ts";

/** Consecutive updates below the book's position, as plain JSON. */
export interface ResetRun {
  readonly point: SequencePoint;
  readonly updates: number;
  /** Receive time of the first of them. */
  readonly since: Micros;
}

/**
 * Distinguishes a restarted sequence from late updates. Both begin with an update below the book's position (`mark`),
 * but after a restart further updates follow it. Such a run counts as a restart after BOOK_RESET_UPDATES updates, or
 * BOOK_RESET_UPDATES_NEWER if their exchange times are later than that of the mark. If they are not later, the run must
 * also last BOOK_RESET_LATE_US, or BOOK_RESET_BRIDGE_US if late updates are to be expected, because a snapshot from
 * another source may be ahead of the feed.
 */
export class ResetWatch {
  #run: ResetRun | null = null;

  /** Whether an update that does not follow the mark shows that the sequence has restarted. */
  observe(
    rule: SequenceRule,
    delta: DeltaEvent & { readonly exchangeTs: Micros | null },
    at: { readonly mark: SequencePoint; readonly receivedTs: Micros; readonly expectsLate: boolean },
  ): boolean {
    const { mark, receivedTs, expectsLate } = at;
    if (!isBelow(rule, delta, mark)) return false;
    const point = { sequence: delta.last_sequence, exchangeTs: delta.exchangeTs };
    const run = this.#run;
    if (run === null || !continues(rule, delta, run.point)) {
      // A repeat of the run's last update neither extends nor ends it.
      if (run === null || run.point.sequence !== point.sequence || run.point.exchangeTs !== point.exchangeTs) {
        this.#run = { point, updates: 1, since: receivedTs };
      }
      return false;
    }
    this.#run = { point, updates: run.updates + 1, since: run.since };
    const { updates, since } = this.#run;
    const lasted = receivedTs - since;
    if (expectsLate) return updates >= BOOK_RESET_UPDATES && lasted >= BOOK_RESET_BRIDGE_US;
    const order = stampOrder(delta.exchangeTs, mark.exchangeTs);
    if (order === "newer") return updates >= BOOK_RESET_UPDATES_NEWER;
    return updates >= BOOK_RESET_UPDATES && (order === "unknown" || lasted >= BOOK_RESET_LATE_US);
  }

  /** Clears the run, because an update followed the mark. */
  clear(): void {
    this.#run = null;
  }

  /** Shifts the beginning of the run after a step of the wall clock. */
  clockStepped(by: Micros): void {
    if (this.#run !== null) this.#run = { ...this.#run, since: this.#run.since + by };
  }

  saveState(): ResetRun | null {
    return this.#run;
  }

  restoreState(run: ResetRun | null): void {
    this.#run = run;
  }
}

function stampOrder(stamp: Micros | null, mark: Micros | null): "newer" | "late" | "unknown" {
  if (stamp === null || mark === null) return "unknown";
  return stamp > mark ? "newer" : "late";
}
