import type { BackfillEnd, CursorEnd } from "../rest/mod.ts";
import {
  type BackfillPlan,
  type Channel,
  FILL_EVENTS_MAX,
  type FillWish,
  HISTORY_SPAN_MS_FIRST,
  HISTORY_SPAN_MS_MAX,
  HISTORY_SPAN_MS_MIN,
  type Micros,
  type RestPlan,
  WISH_KNOWN_MAX,
  type WishEnd,
} from "../model/mod.ts";
import type { KnownHistory } from "./known_history.ts";

/** History that somebody asks for, in the exchange's time; `to` is exclusive. */
export interface HistoryWish {
  readonly exchange: string;
  readonly channel: Channel;
  /** Canonical symbols; null: all of the instance. */
  readonly symbols: readonly string[] | null;
  readonly from: Micros;
  readonly to: Micros;
}

/** A part of the range that is not proved to be whole. */
export interface MissingHistory {
  readonly from: Micros;
  readonly to: Micros;
  readonly reason: string;
}

/** What asking for the history of a stream came to. */
export interface FetchedHistory {
  readonly symbol: string;
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  /** Events of the range that were there before, and those that were fetched. */
  readonly known: number;
  readonly fetched: number;
  readonly missing: readonly MissingHistory[];
}

/** A stream whose history can be fetched, and by what. */
export interface HistoryStream {
  readonly backfill: BackfillPlan;
  readonly target: BackfillPlan["targets"][number];
}

/** A stretch of history that is asked for on demand. */
export interface HistoryStretch extends FillWish {
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  readonly native: string;
}

/** The streams of a channel whose history a plan knows to fetch: of several ways the first. */
export function historyStreams({ backfills }: RestPlan, channel: Channel): readonly HistoryStream[] {
  const streams = new Map<string, HistoryStream>();
  for (const backfill of backfills) {
    if (backfill.channel !== channel) continue;
    for (const target of backfill.targets) {
      if (!streams.has(target.symbol)) streams.set(target.symbol, { backfill, target });
    }
  }
  return [...streams.values()];
}

/** What fetching needs. */
export interface HistoryFetch {
  readonly stream: HistoryStream;
  readonly known: KnownHistory;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
  /** Behind this time the stream brings its events by itself, and what it misses is fetched then; null: it does not. */
  readonly liveFrom: Micros | null;
  readonly fetch: (stretch: HistoryStretch) => Promise<BackfillEnd>;
  readonly signal: AbortSignal;
  /** How much of the range is done, in µs, and what was fetched. */
  readonly onProgress: (doneUs: number, fetched: number) => void;
}

/** What a stream brings by itself within this time is not worth a word. */
const LIVE_SOON_US = 60_000_000;
/** An id that lies further away is no place to begin at, where there is another. */
const SEED_FAR_US = 3_600_000_000;

/**
 * Fetches a range of a stream, stretch after stretch from the end at which the exchange's pages begin. Each is as long as
 * what one may hold allows: it grows while little is found and shrinks where too much is.
 */
export async function fetchHistory(options: HistoryFetch): Promise<FetchedHistory> {
  const { stream: { backfill, target }, known: all, from, liveFrom, fetch, signal, onProgress } = options;
  const to = liveFrom === null ? options.to : Math.max(from, Math.min(options.to, liveFrom + 1));
  const known = all.of(target.symbol);
  const isBackward = backfill.direction !== "forward";
  const knownBefore = known.countOf(from, to);
  const missing: MissingHistory[] = [];
  let [left, right] = [from, to];
  // The newest events come as one page: there is nothing to cut.
  let spanUs = backfill.direction === "latest" ? to - from : HISTORY_SPAN_MS_FIRST * 1000;
  let cursor: CursorEnd | null = null;
  let fetched = 0;
  // Up to where all is there without a break, from the end at which it began.
  let wholeFrom = isBackward ? right : left;
  while (left < right && !signal.aborted) {
    const span = Math.min(spanUs, right - left);
    const [a, b] = isBackward ? [right - span, right] : [left, left + span];
    const canCut = span > HISTORY_SPAN_MS_MIN * 1000;
    if (known.countOf(a, b) > WISH_KNOWN_MAX && canCut) {
      spanUs = Math.max(HISTORY_SPAN_MS_MIN * 1000, Math.floor(span / 2));
      continue;
    }
    const ends = endsOf(options, { a, b, cursor });
    const end = await fetch({
      request: backfill.name,
      native: target.native,
      connectionId: backfill.connectionId,
      channel: backfill.channel,
      symbol: target.symbol,
      ...ends,
      known: known.idsOf(a, b).slice(0, FILL_EVENTS_MAX),
      gaps: known.gaps.flatMap(({ fromTs, toTs, ...gap }) =>
        isEndedBy({ fromTs, toTs }, { a, b, wholeFrom, isBackward }) ? [gap] : []
      ),
    });
    fetched += end.filled;
    const seen = isBackward ? end.oldest : end.newest;
    if (end.isTooLong && seen !== null && seen.id !== (isBackward ? ends.to.id : ends.from.id)) {
      // What was fetched is there; the rest is the next stretch's.
      cursor = seen;
      if (isBackward) right = Math.max(a, Math.min(b, seen.ts + 1));
      else left = Math.min(b, Math.max(a, seen.ts));
      spanUs = Math.max(HISTORY_SPAN_MS_MIN * 1000, Math.floor(span / 4));
      onProgress(to - from - (right - left), fetched);
      continue;
    }
    if (signal.aborted) break;
    if (end.reason !== null) {
      missing.push({ from: a, to: b, reason: end.reason });
      wholeFrom = isBackward ? a : b;
    }
    // A page may have gone beyond its stretch: what it held of the next one is fetched for that.
    if (seen !== null && (isBackward ? seen.ts >= a : seen.ts < b)) cursor = seen;
    if (isBackward) right = a;
    else left = b;
    if (end.filled + known.countOf(a, b) < WISH_KNOWN_MAX / 4) {
      spanUs = Math.min(HISTORY_SPAN_MS_MAX * 1000, spanUs * 2);
    }
    onProgress(to - from - (right - left), fetched);
    // What the exchange does not keep, or cannot be asked for without an id, is not there further on either.
    if (end.reason !== null && isBackward && end.newest === null && left < right) {
      missing.push({ from: left, to: right, reason: end.reason });
      break;
    }
  }
  if (options.to - to > LIVE_SOON_US) {
    missing.push({ from: to, to: options.to, reason: "it is fetched when its stream goes on" });
  }
  if (signal.aborted && left < right) missing.push({ from: left, to: right, reason: "interrupted" });
  return { symbol: target.symbol, request: backfill.name, known: knownBefore, fetched, missing: joined(missing) };
}

/** The ends of a stretch, with ids of events that lie near them on the outside. */
function endsOf(
  { stream: { target, backfill }, known: all }: HistoryFetch,
  { a, b, cursor }: { readonly a: Micros; readonly b: Micros; readonly cursor: CursorEnd | null },
): { readonly from: WishEnd; readonly to: WishEnd } {
  const known = all.of(target.symbol);
  const isForward = backfill.direction === "forward";
  const isByTime = /\{(?:from|to)_/.test(target.firstPath?.source ?? "");
  const seed = (near: CursorEnd | null, end: Micros, isWalked: boolean) => {
    const farUs = (one: CursorEnd | null) => one === null ? Infinity : Math.abs(one.ts - end);
    const best = isWalked && farUs(cursor) <= farUs(near) ? cursor : near;
    const isTooFar = isWalked && isByTime && farUs(best) > SEED_FAR_US;
    return isTooFar ? null : best?.id ?? null;
  };
  return {
    from: { id: seed(known.before(a), a, isForward), ts: a },
    to: { id: seed(known.behind(b), b, !isForward), ts: b - 1 },
  };
}

/** Whether a gap is filled once a stretch is whole: it lies in that and in those before without a break. */
function isEndedBy(
  { fromTs, toTs }: { readonly fromTs: Micros; readonly toTs: Micros },
  { a, b, wholeFrom, isBackward }: {
    readonly a: Micros;
    readonly b: Micros;
    readonly wholeFrom: Micros;
    readonly isBackward: boolean;
  },
): boolean {
  if (isBackward) return fromTs >= a && fromTs < b && toTs < wholeFrom;
  return toTs >= a && toTs < b && fromTs >= wholeFrom;
}

/** Neighbours that are missing for the same reason are one. */
function joined(missing: readonly MissingHistory[]): readonly MissingHistory[] {
  const sorted = [...missing].sort((a, b) => a.from - b.from);
  const all: MissingHistory[] = [];
  for (const part of sorted) {
    const last = all[all.length - 1];
    if (last !== undefined && last.to >= part.from && last.reason === part.reason) {
      all[all.length - 1] = { ...last, to: Math.max(last.to, part.to) };
    } else all.push(part);
  }
  return all;
}
