import { type BridgeRule, type Micros, type SequenceRule, unreachable } from "../model/mod.ts";
import type { DeltaEvent } from "./verdict.ts";

/** A book's position: the sequence and exchange time of its last update. */
export interface SequencePoint {
  /** Last sequence of the update; null if it has none. */
  readonly sequence: string | null;
  readonly exchangeTs: Micros | null;
}

/**
 * Relation of a delta to a book: `next` follows it; `repeat` was applied before, or is older than the book, and changes
 * nothing; `gap` shows that updates are missing, or that the sequence contradicts itself.
 */
export type Succession = "next" | "repeat" | "gap";

/**
 * Returns the relation of a delta to the point `last`. `before` is the point before it: a repeated delta ends at
 * `last`, or at or below `before`; one between the two is possible only if a number was damaged or deltas were
 * reordered.
 *
 * If the book has no sequence yet, any delta follows. If the book has one and the delta has none, nothing proves that
 * it follows: a gap.
 */
export function succession(
  rule: SequenceRule,
  delta: DeltaEvent & { readonly exchangeTs: Micros | null },
  points: { readonly last: SequencePoint; readonly before: SequencePoint; readonly resetsLower: boolean },
): Succession {
  const { last, before } = points;
  if (rule === "none") return "next";
  if (rule === "time") {
    if (last.exchangeTs === null) return "next";
    if (delta.exchangeTs === null) return "gap";
    return delta.exchangeTs > last.exchangeTs ? "next" : repeated(delta.exchangeTs, last.exchangeTs, before.exchangeTs);
  }
  const stands = sequenceNumber(last.sequence);
  if (stands === null) return "next";
  const ends = sequenceNumber(delta.last_sequence);
  if (ends === null) return "gap";
  if (follows(rule, delta, { stands, ends, resetsLower: points.resetsLower })) return "next";
  return repeated(ends, stands, sequenceNumber(before.sequence));
}

/** Whether a delta is below a mark: its last sequence, or exchange time, is before it. */
export function isBelow(
  rule: SequenceRule,
  delta: DeltaEvent & { readonly exchangeTs: Micros | null },
  mark: SequencePoint,
): boolean {
  if (rule === "none") return false;
  if (rule === "time") {
    return delta.exchangeTs !== null && mark.exchangeTs !== null && delta.exchangeTs < mark.exchangeTs;
  }
  const ends = sequenceNumber(delta.last_sequence);
  const stands = sequenceNumber(mark.sequence);
  return ends !== null && stands !== null && ends < stands;
}

/** Whether a delta continues from a point and ends above it. */
export function continues(
  rule: SequenceRule,
  delta: DeltaEvent & { readonly exchangeTs: Micros | null },
  point: SequencePoint,
): boolean {
  if (rule === "none") return false;
  if (rule === "time") {
    return delta.exchangeTs !== null && point.exchangeTs !== null && delta.exchangeTs > point.exchangeTs;
  }
  const stands = sequenceNumber(point.sequence);
  const ends = sequenceNumber(delta.last_sequence);
  return stands !== null && ends !== null && ends > stands &&
    follows(rule, delta, { stands, ends, resetsLower: false });
}

/** Whether a point has a sequence that can be compared. */
export function isNumbered(point: SequencePoint): boolean {
  return sequenceNumber(point.sequence) !== null;
}

/** Whether a snapshot from another source needs a sequence to be joined with the feed. */
export function needsNumber(rule: SequenceRule): boolean {
  return rule !== "none" && rule !== "time";
}

/** Whether a feed's sequences show that an update is missing; other feeds cannot show a loss. */
export function showsLoss(rule: SequenceRule): boolean {
  return rule === "next" || rule === "previous" || rule === "overlap";
}

function follows(
  rule: Exclude<SequenceRule, "none" | "time">,
  delta: DeltaEvent,
  at: { readonly stands: Sequence; readonly ends: Sequence; readonly resetsLower: boolean },
): boolean {
  const { stands, ends } = at;
  switch (rule) {
    case "next": {
      // "Each new update begins right after the end of the one before. One that begins later shows a gap: start anew. One
      // that ended before is ignored." An update that reaches over the present end holds absolute sizes: it fits too.
      const first = sequenceNumber(delta.first_sequence) ?? ends;
      return first <= successor(stands) && ends > stands;
    }
    case "previous": {
      // "Each update names the end of the one before it, which has to be ours; otherwise start anew." An idle book's
      // update names itself. After maintenance an exchange may begin again lower: the link still holds.
      const previous = sequenceNumber(delta.previous_sequence);
      if (previous === null || !isSame(previous, stands)) return false;
      return ends >= stands || at.resetsLower;
    }
    case "overlap": {
      // "The first number of an update is the last number of the one before."
      const first = sequenceNumber(delta.first_sequence);
      return first !== null && isSame(first, stands) && ends >= stands;
    }
    case "rising":
      // "Numbers only grow", by how much is not said: what is lost cannot be seen, what comes late can.
      return ends > stands;
    default:
      return unreachable(rule);
  }
}

function repeated(ends: Sequence, stands: Sequence, before: Sequence | null): Succession {
  if (isSame(ends, stands)) return "repeat";
  if (ends > stands) return "gap";
  return before === null || ends <= before ? "repeat" : "gap";
}

/** Relation of a delta to a snapshot: `old` is included in it, `joins` spans its sequence, `ahead` begins after it. */
export type Junction = "old" | "joins" | "ahead";

/**
 * Returns the relation of a delta to a snapshot from another source.
 *
 * "Buffer the updates and ask for a snapshot; drop the updates that end before it (or at it: `drop`); the first one
 * kept has to begin at or before the snapshot's number (or the next one: `first`) and end at or after it, or to name it
 * as the one before; otherwise ask again." An exchange without numbers compares times, and then every later update
 * joins.
 */
export function junction(
  rule: { readonly sequence: SequenceRule; readonly bridge: BridgeRule },
  snapshot: SequencePoint,
  delta: DeltaEvent & { readonly exchangeTs: Micros | null },
): Junction {
  const { sequence, bridge } = rule;
  const isOld = (ends: Sequence, at: Sequence) => bridge.drop === "<" ? ends < at : ends <= at;
  if (sequence === "time") {
    const { exchangeTs } = snapshot;
    return exchangeTs !== null && delta.exchangeTs !== null && isOld(delta.exchangeTs, exchangeTs) ? "old" : "joins";
  }
  const at = sequenceNumber(snapshot.sequence);
  const ends = sequenceNumber(delta.last_sequence);
  if (sequence === "none" || at === null || ends === null) return "joins";
  if (isOld(ends, at)) return "old";
  // A market that was just listed has an empty snapshot with a negative sequence.
  if (sequence === "rising" || at < 0) return "joins";
  const previous = sequenceNumber(delta.previous_sequence);
  if (bridge.orPrevious && previous !== null && isSame(previous, at)) return "joins";
  const first = sequenceNumber(delta.first_sequence) ?? (sequence === "next" ? ends : null);
  const isExact = bridge.exact === true;
  if (first === null) {
    return previous !== null && (isExact ? isSame(previous, at) : previous <= at) ? "joins" : "ahead";
  }
  const target = bridge.first === "S" ? at : successor(at);
  if (isExact) return isSame(first, target) ? "joins" : "ahead";
  return first <= target && target <= ends ? "joins" : "ahead";
}

/** A sequence for comparison: a number if that is exact, otherwise a bigint. Both can be compared with each other. */
type Sequence = number | bigint;

const INTEGER = /^[+-]?\d{1,400}$/;

function sequenceNumber(text: string | null): Sequence | null {
  if (text === null || text === "") return null;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  return INTEGER.test(text) ? BigInt(text) : null;
}

function isSame(left: Sequence, right: Sequence): boolean {
  return typeof left === typeof right ? left === right : !(left < right) && !(left > right);
}

function successor(sequence: Sequence): Sequence {
  return typeof sequence === "number" ? sequence + 1 : sequence + 1n;
}
