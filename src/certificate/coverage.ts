import type { Micros } from "../model/mod.ts";
import type { CoveredStretch } from "./certificate.ts";

/** A stretch of time in which something is missing; infinite ends are open ones. */
export interface MissingStretch {
  readonly from: Micros;
  readonly to: Micros;
}

/**
 * Returns what gaps leave of stretches, in order. Ends of gaps are good events, so they belong to what is left on both
 * sides, be it as a stretch without length; a gap without length cuts a stretch in two that meet.
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

/** Stretches that overlap or meet become one. */
function joined(stretches: readonly MissingStretch[]): readonly MissingStretch[] {
  const all: { from: Micros; to: Micros }[] = [];
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else all.push({ from, to });
  }
  return all;
}

/** Sum of stretches, in µs. */
export function lengthOf(stretches: readonly CoveredStretch[]): number {
  return stretches.reduce((sum, { from_ts, to_ts }) => sum + to_ts - from_ts, 0);
}
