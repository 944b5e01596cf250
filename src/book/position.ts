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

/**
 * A book's position in the sequence of its updates. Classifies an update as the next one, an old one, or one after
 * missing updates.
 */
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

  /** Classifies a delta by the book's last update, or by the snapshot that it must join. */
  follow(delta: TimedDelta, bridge: SequencePoint | null): Succession {
    if (bridge !== null) {
      const joint = junction(this.#rule, bridge, delta);
      return joint === "old" ? "repeat" : joint === "joins" ? "next" : "gap";
    }
    const points = { last: this.#last, before: this.#before, resetsLower: this.#rule.resetsLower };
    return succession(this.#rule.sequence, delta, points);
  }

  /** The rule for snapshots, which need only be in order, whatever rule the deltas follow. */
  get #orderRule(): "none" | "time" | "rising" {
    const { sequence } = this.#rule;
    return sequence === "none" || sequence === "time" ? sequence : "rising";
  }

  /**
   * Whether a snapshot is older than the book. Two snapshots of the same millisecond may differ, so only an earlier
   * time is late; a repeated sequence is the same book sent again.
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

  /** Whether an old update belongs to a restarted sequence. `expectsLate`: late updates are to be expected. */
  isReset(delta: TimedDelta, receivedTs: Micros, expectsLate: boolean): boolean {
    return this.#observeReset(this.#rule.sequence, delta, receivedTs, expectsLate);
  }

  /** Whether a late snapshot belongs to a restarted sequence. */
  isSnapshotReset(delta: TimedDelta, receivedTs: Micros, expectsLate: boolean): boolean {
    return this.#observeReset(this.#orderRule, delta, receivedTs, expectsLate);
  }

  /** Advances to the next update. `keepsTime`: its time is impossible, so the one before is kept. */
  advance(delta: TimedDelta, keepsTime: boolean): void {
    this.#before = this.#last;
    this.#last = this.#timed(pointOf(delta), keepsTime);
  }

  /** Restarts at a snapshot. `keepsTime`: as for an update. */
  replace(point: SequencePoint, keepsTime: boolean): void {
    this.#before = NOWHERE;
    this.#last = this.#timed(point, keepsTime);
    this.#resets.clear();
  }

  /** Notes that an update followed: the sequence has not restarted. */
  clearResets(): void {
    this.#resets.clear();
  }

  /** Clears the position. */
  clear(): void {
    this.#last = NOWHERE;
    this.#before = NOWHERE;
    this.#resets.clear();
  }

  /** Shifts receive times after a step of the wall clock. */
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

/** Returns the exchange time of an update; null if it is so far ahead of the receive time that it is impossible. */
export function trusted(exchangeTs: Micros | null, receivedTs: Micros): Micros | null {
  return exchangeTs !== null && exchangeTs - receivedTs > STAMP_AHEAD_US_MAX ? null : exchangeTs;
}

/** Whether an update has an exchange time that is not trusted. */
export function isAhead(exchangeTs: Micros | null, point: { readonly exchangeTs: Micros | null }): boolean {
  return exchangeTs !== null && point.exchangeTs === null;
}

/** Returns the gap detail of a restarted sequence. */
export function resetDetail(mark: SequencePoint, delta: TimedDelta): string {
  return `numbers began again: after ${place(mark)} came ${deltaPlace(delta)}`;
}

/** Describes a point by its sequence, or else by its time. */
export function place({ sequence, exchangeTs }: SequencePoint): string {
  return sequence ?? (exchangeTs === null ? "nothing" : `time ${exchangeTs}`);
}

/** Describes a delta by its sequences, or else by its time. */
export function deltaPlace(delta: TimedDelta): string {
  const { first_sequence: first, last_sequence: last, previous_sequence: previous } = delta;
  if (last === null) return delta.exchangeTs === null ? "one without a number" : `time ${delta.exchangeTs}`;
  const from = first === null || first === last ? "" : `${first} to `;
  return `${from}${last}${previous === null ? "" : ` after ${previous}`}`;
}
