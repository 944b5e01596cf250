import type { Micros } from "../model/mod.ts";
import type { ArchiveFormat } from "./archive_days.ts";
import {
  boundsOfDay,
  type Certificate,
  type CertifiedChain,
  type CertifiedFile,
  type CertifiedGap,
  type StreamCertificate,
} from "./certificate.ts";
import { lengthOf, type MissingStretch, withoutGaps } from "./coverage.ts";
import type { ComparisonNote } from "./comparison_notes.ts";
import type { ExchangeFacts, StreamFacts } from "./day_facts.ts";
import type { PlanNote } from "./plan_notes.ts";

/** The first live event of a stream after a day. */
export interface NextEvent {
  readonly ts: Micros;
  readonly journal: string | null;
}

/** Inputs of a certificate. */
export interface CertificateParts {
  readonly exchange: string;
  readonly date: string;
  readonly archive: ArchiveFormat;
  readonly writtenTs: Micros;
  readonly isClosed: boolean;
  readonly isSettled: boolean;
  readonly tellsGaps: boolean;
  readonly facts: ExchangeFacts;
  /** Gaps of unknown sessions, which concern every exchange. */
  readonly anywhere: readonly CertifiedGap[];
  /** Certificate of the day before; null if there is none. */
  readonly before: Certificate | null;
  readonly next: (stream: StreamFacts) => NextEvent | null;
  readonly plans: readonly PlanNote[];
  readonly comparisons: readonly ComparisonNote[];
  readonly chain: readonly CertifiedChain[];
  readonly files: readonly CertifiedFile[];
}

/** How long later certificates still list a stream without events, in µs. */
const CARRIED_MICROS = 30 * 86_400_000_000;

/** Returns the certificate of an exchange and day. */
export function buildCertificate(parts: CertificateParts): Certificate {
  const { exchange, date, facts, before } = parts;
  const bounds = boundsOfDay(date);
  const [from] = bounds;
  for (const { channel, symbol, latest } of before?.streams ?? []) {
    if (latest !== null && latest.ts >= from - CARRIED_MICROS) facts.streamOf(channel, symbol);
  }
  // A gap open at the end of the day before is still open: its end would be an event of this day.
  const stillOpen = before?.streams.flatMap(({ gaps }) => gaps)
    .filter(({ gap_id, to_ts }) => to_ts === null && !facts.knowsGap(gap_id)) ?? [];
  const own = new Map([...stillOpen, ...facts.gaps].map((gap) => [gap.gap_id, gap]));
  const gaps = [...own.values(), ...parts.anywhere].filter(({ from_ts, to_ts }) =>
    (from_ts ?? -Infinity) < bounds[1] && (to_ts ?? Infinity) >= from
  );
  // A stream that was missing all day has no events: it is known from the day before.
  for (const { channel, symbol } of gaps) if (channel !== null && symbol !== "") facts.streamOf(channel, symbol);
  const streams = facts.streams.map((stream) => certify(stream, { ...parts, bounds, gaps }));
  return {
    format: 1,
    exchange,
    date,
    archive: parts.archive,
    written_ts: parts.writtenTs,
    is_closed: parts.isClosed,
    is_settled: parts.isSettled,
    tells_gaps: parts.tellsGaps,
    journals: [...facts.journals].sort(),
    plans: parts.plans.map(({ hash, at }) => ({ hash, from_ts: at })),
    chain: parts.chain,
    streams: streams.sort((a, b) => compare(a.channel, b.channel) || compare(a.symbol, b.symbol)),
    files: parts.files,
  };
}

interface Scope extends CertificateParts {
  readonly bounds: readonly [Micros, Micros];
  readonly gaps: readonly CertifiedGap[];
}

function certify(stream: StreamFacts, scope: Scope): StreamCertificate {
  const { channel, symbol, evidence } = stream;
  const own = scope.gaps.filter((gap) => concerns(gap, stream));
  const live = [...evidence.values()];
  const first = least(live.map((each) => each.first));
  const carried = scope.before?.streams.find((each) => each.channel === channel && each.symbol === symbol)?.latest ??
    null;
  const isKnown = scope.tellsGaps && !scope.facts.hasTooManyGaps;
  const coverage = isKnown ? coverageOf(stream, { ...scope, gaps: own, carried }) : [];
  const last = [...evidence].toSorted(([, a], [, b]) => a.last - b.last).at(-1);
  return {
    channel,
    symbol,
    first_ts: first,
    last_ts: last?.[1].last ?? null,
    latest: last === undefined ? carried : { ts: last[1].last, journal: last[0] ?? "" },
    counts: stream.counted,
    coverage,
    covered_us: lengthOf(coverage),
    ...comparedOf(stream, scope),
    gaps: own.toSorted((a, b) => (a.from_ts ?? -Infinity) - (b.from_ts ?? -Infinity)),
  };
}

/**
 * Returns the coverage of a stream: from event to event, without the gaps, from the last event of an earlier day of the
 * same journal to the first one of a later day. Events of different journals prove nothing about the time between them.
 */
function coverageOf(
  stream: StreamFacts,
  { bounds: [begin, end], gaps, carried, next }: Scope & { readonly carried: StreamCertificate["latest"] },
) {
  const following = next(stream);
  const journals = new Set([...stream.evidence.keys(), carried?.journal ?? null, following?.journal ?? null]);
  const stretches: MissingStretch[] = [];
  for (const journal of journals) {
    if (journal === null) continue;
    const own = stream.evidence.get(journal);
    const from = carried?.journal === journal ? carried.ts : own?.first ?? following?.ts;
    const to = following?.journal === journal ? following.ts : own?.last ?? carried?.ts;
    if (from === undefined || to === undefined || from > to || to < begin || from >= end) continue;
    stretches.push({ from: Math.max(begin, from), to: Math.min(end, to) });
  }
  return withoutGaps(
    stretches,
    gaps.map(({ from_ts, to_ts }) => ({ from: from_ts ?? -Infinity, to: to_ts ?? Infinity })),
  );
}

function concerns(gap: CertifiedGap, { channel, symbol }: StreamFacts): boolean {
  const isChannel = gap.channel === null || channel === "raw" || gap.channel === channel;
  return isChannel && (gap.symbol === "" || symbol === "" || gap.symbol === symbol);
}

/** Returns what proves a stream. Comparisons of books prove it if one agreed. */
function comparedOf(
  stream: StreamFacts,
  { exchange, date, plans, comparisons }: Scope,
): Pick<StreamCertificate, "proved_by" | "compared"> {
  const proved = proofsFor(stream, plans);
  const found = stream.channel !== "book"
    ? undefined
    : comparisons.find((note) => note.exchange === exchange && note.date === date && note.symbol === stream.symbol);
  if (found === undefined) return { proved_by: proved };
  const { same, different } = found;
  return {
    proved_by: same === 0 ? proved : [...proved, "comparison" as const].sort(),
    compared: { same, different },
  };
}

function proofsFor({ channel }: StreamFacts, plans: readonly PlanNote[]): StreamCertificate["proved_by"] {
  const [first, ...others] = plans.map(({ proofs }) => channel === "raw" ? [] : proofs[channel] ?? []);
  return (first ?? []).filter((proof) => others.every((each) => each.includes(proof)));
}

function least(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.min(...values);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
