import {
  BOOK_BUFFER_DELTAS_MAX,
  type BookDelta,
  type BookRule,
  copyLevels,
  levelTexts,
  type Micros,
} from "../model/mod.ts";
import { type ResetRun, ResetWatch } from "./reset_watch.ts";
import type { DeltaEvent } from "./verdict.ts";
import { isNumbered, junction, needsNumber, type SequencePoint, succession } from "./sequencer.ts";

/** A delta with the time that the exchange gave it; null where it gave none or one that is not to be trusted. */
export interface TimedDelta extends DeltaEvent {
  readonly exchangeTs: Micros | null;
}

/** A joiner's memory as plain JSON. */
export interface JoinerState {
  readonly buffer: readonly (BookDelta & Pick<TimedDelta, "exchangeTs" | "orders">)[];
  readonly bridge: SequencePoint | null;
  readonly run: ResetRun | null;
}

/** No update: no sequence and no time. */
export const NOWHERE: SequencePoint = { sequence: null, exchangeTs: null };

/** A delta without levels, to ask where a point lies. */
const EMPTY_DELTA: BookDelta = {
  kind: "book_delta",
  bids: [],
  asks: [],
  first_sequence: null,
  last_sequence: null,
  previous_sequence: null,
};

/** Returns a delta that ends at a point and changes nothing. */
export function deltaAt({ sequence, exchangeTs }: SequencePoint): TimedDelta {
  return { ...EMPTY_DELTA, last_sequence: sequence, exchangeTs };
}

/** Returns where a delta ends. */
export function pointOf(delta: TimedDelta): SequencePoint {
  return { sequence: delta.last_sequence, exchangeTs: delta.exchangeTs };
}

/**
 * Joins a snapshot from elsewhere with the deltas of its feed: holds deltas until the snapshot comes, says which of them
 * follow it, and watches that the first one after it reaches over its end.
 */
export class SnapshotJoiner {
  readonly #rule: BookRule;
  #buffer: TimedDelta[] = [];
  /** A snapshot that no delta has joined yet. */
  #bridge: SequencePoint | null = null;
  /** Numbers that begin again while deltas wait. */
  readonly #resets = new ResetWatch();

  constructor(rule: BookRule) {
    this.#rule = rule;
  }

  /** The snapshot that the next delta has to join; null where there is none. */
  get bridge(): SequencePoint | null {
    return this.#bridge;
  }

  /** Whether a snapshot at this point can be joined at all: a feed with numbers needs one of the snapshot. */
  isUsable(snapshot: SequencePoint): boolean {
    return !needsNumber(this.#rule.sequence) || isNumbered(snapshot);
  }

  /** Whether a valid book that stands at `last` is at or past the snapshot, which is then no news. */
  isOvertaken(snapshot: SequencePoint, last: SequencePoint): boolean {
    return junction(this.#rule, snapshot, deltaAt(last)) !== "old";
  }

  /**
   * Holds a delta for the snapshot to come. A hole makes what was held before it useless: only a snapshot after it can be
   * joined. Past BOOK_BUFFER_DELTAS_MAX the oldest delta is evicted.
   */
  hold(delta: TimedDelta, receivedTs: Micros): void {
    const last = this.#buffer.at(-1);
    if (last !== undefined) {
      const before = this.#buffer.at(-2);
      const points = {
        last: pointOf(last),
        before: before === undefined ? NOWHERE : pointOf(before),
        resetsLower: false,
      };
      const { sequence } = this.#rule;
      const outcome = succession(sequence, delta, points);
      const at = { mark: points.last, receivedTs, expectsLate: false };
      if (outcome === "repeat" && !this.#resets.observe(sequence, delta, at)) return;
      if (outcome === "next") this.#resets.clear();
      else this.#buffer = [];
    }
    if (this.#buffer.length === BOOK_BUFFER_DELTAS_MAX) this.#buffer.shift();
    this.#buffer.push(owned(delta));
  }

  /** Begins to hold deltas anew, from one on. */
  restart(delta: TimedDelta | null): void {
    this.#buffer = delta === null ? [] : [owned(delta)];
    this.#bridge = null;
    this.#resets.clear();
  }

  /** Returns the held deltas that follow a snapshot, and holds none any more; null where the first of them lies ahead. */
  join(snapshot: SequencePoint): readonly TimedDelta[] | null {
    const kept = this.#buffer.filter((delta) => junction(this.#rule, snapshot, delta) !== "old");
    if (kept.length > 0 && junction(this.#rule, snapshot, kept[0]) === "ahead") return null;
    this.#buffer = [];
    this.#bridge = kept.length === 0 ? snapshot : null;
    return kept;
  }

  /** Returns the held deltas that a snapshot does not have yet and goes on holding them: a later snapshot may be older too. */
  rejoin(snapshot: SequencePoint): readonly TimedDelta[] {
    const kept = this.#buffer.filter((delta) => junction(this.#rule, snapshot, delta) !== "old");
    this.#buffer = kept.length > 0 && junction(this.#rule, snapshot, kept[0]) === "ahead" ? [] : kept;
    return this.#buffer;
  }

  /** Notes that a delta joined the snapshot, or that none has to. */
  crossBridge(): void {
    this.#bridge = null;
  }

  /** Follows a step of the clock that receive times are read from. */
  clockStepped(by: Micros): void {
    this.#resets.clockStepped(by);
  }

  saveState(): JoinerState {
    const buffer = this.#buffer.map((delta) => ({
      ...delta,
      bids: levelTexts(delta.bids),
      asks: levelTexts(delta.asks),
    }));
    return { buffer, bridge: this.#bridge, run: this.#resets.saveState() };
  }

  restoreState(state: JoinerState): void {
    this.#buffer = state.buffer.map(owned);
    this.#bridge = state.bridge;
    this.#resets.restoreState(state.run);
  }
}

/** Returns a delta whose levels outlive its frame. */
function owned(delta: TimedDelta): TimedDelta {
  return { ...delta, bids: copyLevels(delta.bids), asks: copyLevels(delta.asks) };
}
