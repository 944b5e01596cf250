import type { BackfillEnd, CursorEnd } from "../rest/mod.ts";
import {
  type BackfillPlan,
  type Channel,
  type FetchedHistory,
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

/** A request for history, in exchange time; `to` is exclusive. */
export interface HistoryWish {
  readonly exchange: string;
  readonly channel: Channel;
  /** Canonical symbols; null for all of the instance. */
  readonly symbols: readonly string[] | null;
  readonly from: Micros;
  readonly to: Micros;
}

/** A stream whose history can be fetched, with its backfill. */
export interface HistoryStream {
  readonly backfill: BackfillPlan;
  readonly target: BackfillPlan["targets"][number];
}

/** A stretch of history to fetch on demand. */
export interface HistoryStretch extends FillWish {
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  readonly native: string;
}

/** Returns the streams of a channel with a backfill; the first of several. */
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

/** Dependencies of the fetch. */
export interface HistoryFetch {
  readonly stream: HistoryStream;
  readonly known: KnownHistory;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
  /** After this time the live stream has the events, and backfills its own gaps; null if there is no live stream. */
  readonly liveFrom: Micros | null;
  readonly fetch: (stretch: HistoryStretch) => Promise<BackfillEnd>;
  readonly signal: AbortSignal;
  /** Progress in µs of the range, and the events fetched. */
  readonly onProgress: (doneUs: number, fetched: number) => void;
}

/** A remainder of this length, which the live stream covers, is not reported. */
const LIVE_SOON_US = 60_000_000;
/** An id further away than this is used only if there is no other. */
const SEED_FAR_US = 3_600_000_000;

/**
 * Fetches a range of a stream in stretches, from the end at which the exchange's pages begin. The length of a stretch
 * grows while it holds few events, and shrinks if it holds too many.
 */
export async function fetchHistory(options: HistoryFetch): Promise<FetchedHistory> {
  const { stream: { backfill, target }, known: all, from, liveFrom, fetch, signal, onProgress } = options;
  const to = liveFrom === null ? options.to : Math.max(from, Math.min(options.to, liveFrom + 1));
  const known = all.of(target.symbol);
  const isBackward = backfill.direction !== "forward";
  const knownBefore = known.countOf(from, to);
  const missing: FetchedHistory["missing"][number][] = [];
  let [left, right] = [from, to];
  // The newest events come as one page, which cannot be divided.
  let spanUs = backfill.direction === "latest" ? to - from : HISTORY_SPAN_MS_FIRST * 1000;
  let cursor: CursorEnd | null = null;
  let fetched = 0;
  // How far the range is complete, from the end at which it began.
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
    const fetching = fetch({
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
    const end = await unlessAborted(fetching, signal);
    if (end === null) break;
    fetched += end.filled;
    const seen = isBackward ? end.oldest : end.newest;
    if (end.isTooLong && seen !== null && seen.id !== (isBackward ? ends.to.id : ends.from.id)) {
      // The fetched events are kept; the next stretch covers the rest.
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
    // A page may reach into the next stretch, which counts its events.
    if (seen !== null && (isBackward ? seen.ts >= a : seen.ts < b)) cursor = seen;
    if (isBackward) right = a;
    else left = b;
    if (end.filled + known.countOf(a, b) < WISH_KNOWN_MAX / 4) {
      spanUs = Math.min(HISTORY_SPAN_MS_MAX * 1000, spanUs * 2);
    }
    onProgress(to - from - (right - left), fetched);
    // If the exchange no longer keeps the events, or needs an id for them, going further is useless.
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

/** Resolves with null as soon as the signal aborts: whoever stops the exchange ends what is under way. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const abort = () => resolve(null);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Returns the ends of a stretch, with ids of events near them, outside the stretch. */
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

/** Whether a gap is filled once a stretch is complete: it lies in this stretch and the complete ones before it. */
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

/** Joins neighbours that are missing for the same reason. */
function joined(missing: FetchedHistory["missing"]): FetchedHistory["missing"] {
  const sorted = [...missing].sort((a, b) => a.from - b.from);
  const all: FetchedHistory["missing"][number][] = [];
  for (const part of sorted) {
    const last = all[all.length - 1];
    if (last !== undefined && last.to >= part.from && last.reason === part.reason) {
      all[all.length - 1] = { ...last, to: Math.max(last.to, part.to) };
    } else all.push(part);
  }
  return all;
}
