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

/** A delta with its exchange time; null if the exchange gave none, or one that cannot be trusted. */
export interface TimedDelta extends DeltaEvent {
  readonly exchangeTs: Micros | null;
}

/** A joiner's memory as plain JSON. */
export interface JoinerState {
  readonly buffer: readonly (BookDelta & Pick<TimedDelta, "exchangeTs" | "orders">)[];
  readonly bridge: SequencePoint | null;
  readonly run: ResetRun | null;
}

/** The point before any update: no sequence and no time. */
export const NOWHERE: SequencePoint = { sequence: null, exchangeTs: null };

/** A delta without levels, to compare a point. */
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
 * Joins a snapshot from another source with the deltas of the feed: buffers deltas until the snapshot arrives, returns
 * those that follow it, and checks that the first delta after it spans its sequence.
 */
export class SnapshotJoiner {
  readonly #rule: BookRule;
  #buffer: TimedDelta[] = [];
  /** The snapshot that no delta has joined yet; null if there is none. */
  #bridge: SequencePoint | null = null;
  /** Detects a restarted sequence while deltas wait. */
  readonly #resets = new ResetWatch();

  constructor(rule: BookRule) {
    this.#rule = rule;
  }

  /** The snapshot that the next delta must join; null if there is none. */
  get bridge(): SequencePoint | null {
    return this.#bridge;
  }

  /** Whether a snapshot at this point can be joined: if the feed has sequences, the snapshot needs one too. */
  isUsable(snapshot: SequencePoint): boolean {
    return !needsNumber(this.#rule.sequence) || isNumbered(snapshot);
  }

  /** Whether a valid book at position `last` is at or past the snapshot, which then brings nothing new. */
  isOvertaken(snapshot: SequencePoint, last: SequencePoint): boolean {
    return junction(this.#rule, snapshot, deltaAt(last)) !== "old";
  }

  /**
   * Buffers a delta for the next snapshot. If deltas are missing before it, the buffer is cleared: only a later
   * snapshot can be joined. Past BOOK_BUFFER_DELTAS_MAX the oldest delta is evicted.
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

  /** Restarts the buffer with a delta; null leaves it empty. */
  restart(delta: TimedDelta | null): void {
    this.#buffer = delta === null ? [] : [owned(delta)];
    this.#bridge = null;
    this.#resets.clear();
  }

  /**
   * Returns the buffered deltas that follow a snapshot and clears the buffer; null if the first of them is ahead of the
   * snapshot.
   */
  join(snapshot: SequencePoint): readonly TimedDelta[] | null {
    const kept = this.#buffer.filter((delta) => junction(this.#rule, snapshot, delta) !== "old");
    if (kept.length > 0 && junction(this.#rule, snapshot, kept[0]) === "ahead") return null;
    this.#buffer = [];
    this.#bridge = kept.length === 0 ? snapshot : null;
    return kept;
  }

  /**
   * Returns the buffered deltas that a snapshot does not include, and keeps them, because a later snapshot may be older
   * too.
   */
  rejoin(snapshot: SequencePoint): readonly TimedDelta[] {
    const kept = this.#buffer.filter((delta) => junction(this.#rule, snapshot, delta) !== "old");
    this.#buffer = kept.length > 0 && junction(this.#rule, snapshot, kept[0]) === "ahead" ? [] : kept;
    return this.#buffer;
  }

  /** Ends the join: a delta has joined the snapshot. */
  crossBridge(): void {
    this.#bridge = null;
  }

  /** Shifts receive times after a step of the wall clock. */
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

/** Copies a delta, so that its levels outlive the frame. */
function owned(delta: TimedDelta): TimedDelta {
  return { ...delta, bids: copyLevels(delta.bids), asks: copyLevels(delta.asks) };
}
