import { type BookRule, type Micros, STAMP_AHEAD_US_MAX } from "../model/mod.ts";
import { deltaAt, NOWHERE, pointOf, type TimedDelta } from "./joiner.ts";
import { type ResetRun, ResetWatch } from "./reset_watch.ts";
import { junction, type SequencePoint, type Succession, succession } from "./sequencer.ts";

/** The memory of a position as plain JSON. */
export interface PositionState {
  readonly last: SequencePoint;
  readonly before: SequencePoint;
  readonly run: ResetRun | null;
}

/** Where a book stands in the order of its updates, and what an update is to it: the next, an old one, or one after a hole. */
export class BookPosition {
  readonly #rule: BookRule;
  readonly #resets = new ResetWatch();
  #last: SequencePoint = NOWHERE;
  #before: SequencePoint = NOWHERE;

  constructor(rule: BookRule) {
    this.#rule = rule;
  }

  /** Sequence and time of the book's last update. */
  get last(): SequencePoint {
    return this.#last;
  }

  /** Says what a delta is to the book's last update, or to the snapshot that it has to join. */
  follow(delta: TimedDelta, bridge: SequencePoint | null): Succession {
    if (bridge !== null) {
      const joint = junction(this.#rule, bridge, delta);
      return joint === "old" ? "repeat" : joint === "joins" ? "next" : "gap";
    }
    const points = { last: this.#last, before: this.#before, resetsLower: this.#rule.resetsLower };
    return succession(this.#rule.sequence, delta, points);
  }

  /** Of whole books only the order counts, whatever rule says how it is numbered. */
  get #orderRule(): "none" | "time" | "rising" {
    const { sequence } = this.#rule;
    return sequence === "none" || sequence === "time" ? sequence : "rising";
  }

  /**
   * A whole book that was overtaken is not news. Two of the same millisecond may differ, so a time has to go back to be
   * late; a sequence that repeats is the same book sent again.
   */
  isLate(point: SequencePoint): boolean {
    const rule = this.#orderRule;
    if (rule === "none") return false;
    if (rule === "time") {
      const before = this.#last.exchangeTs;
      return point.exchangeTs !== null && before !== null && point.exchangeTs < before;
    }
    const points = { last: this.#last, before: this.#before, resetsLower: false };
    return succession(rule, deltaAt(point), points) === "repeat";
  }

  /** Whether an old update belongs to numbers that began again. `expectsLate`: late ones are to be expected. */
  isReset(delta: TimedDelta, receivedTs: Micros, expectsLate: boolean): boolean {
    return this.#observeReset(this.#rule.sequence, delta, receivedTs, expectsLate);
  }

  /** Whether a late whole book belongs to numbers that began again. */
  isSnapshotReset(delta: TimedDelta, receivedTs: Micros, expectsLate: boolean): boolean {
    return this.#observeReset(this.#orderRule, delta, receivedTs, expectsLate);
  }

  /** Goes to the next update. `keepsTime`: its time cannot be true, so the one before remains the mark. */
  advance(delta: TimedDelta, keepsTime: boolean): void {
    this.#before = this.#last;
    this.#last = this.#timed(pointOf(delta), keepsTime);
  }

  /** Begins anew at a snapshot. `keepsTime`: as for an update. */
  replace(point: SequencePoint, keepsTime: boolean): void {
    this.#before = NOWHERE;
    this.#last = this.#timed(point, keepsTime);
    this.#resets.clear();
  }

  /** Notes that an update followed: numbers have not begun again. */
  clearResets(): void {
    this.#resets.clear();
  }

  /** Forgets where the book stood. */
  clear(): void {
    this.#last = NOWHERE;
    this.#before = NOWHERE;
    this.#resets.clear();
  }

  /** Follows a step of the clock that receive times are read from. */
  clockStepped(by: Micros): void {
    this.#resets.clockStepped(by);
  }

  saveState(): PositionState {
    return { last: this.#last, before: this.#before, run: this.#resets.saveState() };
  }

  restoreState({ last, before, run }: PositionState): void {
    this.#last = last;
    this.#before = before;
    this.#resets.restoreState(run);
  }

  #observeReset(rule: BookRule["sequence"], delta: TimedDelta, receivedTs: Micros, expectsLate: boolean): boolean {
    return this.#resets.observe(rule, delta, { mark: this.#last, receivedTs, expectsLate });
  }

  #timed(point: SequencePoint, keepsTime: boolean): SequencePoint {
    return keepsTime ? { ...point, exchangeTs: this.#last.exchangeTs } : point;
  }
}

/** The exchange's time of an update; null where it lies so far ahead of its receipt that it cannot be true. */
export function trusted(exchangeTs: Micros | null, receivedTs: Micros): Micros | null {
  return exchangeTs !== null && exchangeTs - receivedTs > STAMP_AHEAD_US_MAX ? null : exchangeTs;
}

/** Whether an update has a time that is not trusted. */
export function isAhead(exchangeTs: Micros | null, point: { readonly exchangeTs: Micros | null }): boolean {
  return exchangeTs !== null && point.exchangeTs === null;
}

/** Says that numbers began again after a mark. */
export function resetDetail(mark: SequencePoint, delta: TimedDelta): string {
  return `numbers began again: after ${place(mark)} came ${deltaPlace(delta)}`;
}

/** Names a point by its sequence, else by its time. */
export function place({ sequence, exchangeTs }: SequencePoint): string {
  return sequence ?? (exchangeTs === null ? "nothing" : `time ${exchangeTs}`);
}

/** Names a delta by its sequences, else by its time. */
export function deltaPlace(delta: TimedDelta): string {
  const { first_sequence: first, last_sequence: last, previous_sequence: previous } = delta;
  if (last === null) return delta.exchangeTs === null ? "one without a number" : `time ${delta.exchangeTs}`;
  const from = first === null || first === last ? "" : `${first} to `;
  return `${from}${last}${previous === null ? "" : ` after ${previous}`}`;
}
