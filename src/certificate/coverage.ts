import type { Micros } from "../model/mod.ts";
import type { CoveredStretch } from "./certificate.ts";

/** A stretch of time in which something is missing; an infinite end is open. */
export interface MissingStretch {
  readonly from: Micros;
  readonly to: Micros;
}

/**
 * Subtracts gaps from stretches; returns the rest, in order. The bounds of a gap are good events and belong to the rest
 * on both sides, even as a stretch of no length; a gap of no length cuts a stretch in two.
 */
export function withoutGaps(
  stretches: readonly MissingStretch[],
  gaps: readonly MissingStretch[],
): readonly CoveredStretch[] {
  const sorted = gaps.toSorted((a, b) => a.from - b.from);
  const left: CoveredStretch[] = [];
  const add = (from_ts: Micros, to_ts: Micros) => {
    if (from_ts < to_ts || left.at(-1)?.to_ts !== to_ts) left.push({ from_ts, to_ts });
  };
  for (const { from, to } of joined(stretches)) {
    let at = from;
    for (const gap of sorted) {
      if (gap.to < at || gap.from > to) continue;
      if (gap.from >= at) add(at, gap.from);
      at = Math.max(at, gap.to);
    }
    if (at <= to) add(at, to);
  }
  return left;
}

/** Joins stretches that overlap or meet. */
function joined(stretches: readonly MissingStretch[]): readonly MissingStretch[] {
  const all: { from: Micros; to: Micros }[] = [];
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else all.push({ from, to });
  }
  return all;
}

/** Returns the sum of the stretches, in µs. */
export function lengthOf(stretches: readonly CoveredStretch[]): number {
  return stretches.reduce((sum, { from_ts, to_ts }) => sum + to_ts - from_ts, 0);
}
