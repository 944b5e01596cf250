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

/** Updates below the mark that follow one another, as plain JSON. */
export interface ResetRun {
  readonly point: SequencePoint;
  readonly updates: number;
  /** Receive time of the first of them. */
  readonly since: Micros;
}

/**
 * Tells numbers that began again from updates that come late. A late update lies below the mark and so does the first one
 * after numbers began again; but then the next ones follow it and go on. The run counts as a reset when it is long:
 * BOOK_RESET_UPDATES updates, or BOOK_RESET_UPDATES_NEWER where the exchange stamps them later than the mark. Where the
 * stamps are no newer it also has to last for BOOK_RESET_LATE_US, and for BOOK_RESET_BRIDGE_US where late updates are to
 * be expected because a snapshot from elsewhere is ahead of its feed.
 */
export class ResetWatch {
  #run: ResetRun | null = null;

  /** Whether the update, which is no successor of the mark, shows that numbers began again. */
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
      // A repeat of the run's last update neither lengthens nor ends it.
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

  /** Forgets the run: an update followed the mark. */
  clear(): void {
    this.#run = null;
  }

  /** Moves the beginning of the run to the clock's new scale. */
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
