import { suggest } from "../config/mod.ts";
import {
  type Channel,
  type ExchangePlan,
  Failure,
  type FetchedHistory,
  type Micros,
  type Observer,
  type Plan,
} from "../model/mod.ts";
import { openHostLimits, RestClient } from "../rest/mod.ts";
import { Collector, type HistoryProgress, historyStreams, type HistoryWish } from "../runtime/mod.ts";
import type { ServiceContext } from "./context.ts";
import { UsageError } from "./usage_error.ts";

/** What of history is asked for, as somebody named it. */
export interface HistoryDemand {
  readonly exchange: string;
  readonly channel: Channel;
  /** Null: all that the instance collects. */
  readonly symbols: readonly string[] | null;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
}

/** What is asked for in the end, and what was left out of the demand and why. */
export interface HistoryTask {
  readonly wish: HistoryWish;
  readonly notes: readonly string[];
}

/** What fetching history came to. */
export interface HistoryOutcome {
  readonly streams: readonly FetchedHistory[];
  /** Sinks that did not take all of it, and why: they get it after the next start. */
  readonly behind: readonly string[];
}

/** Checks what is asked for against the plan and the clock. Throws a `UsageError` that says what would do. */
export function historyTask(plan: Plan, demand: HistoryDemand, now: Micros): HistoryTask {
  const { channel, symbols } = demand;
  const { name: exchange, runnable } = instanceOf(plan, demand.exchange);
  if (demand.from >= now) {
    throw new UsageError(`${shown(demand.from)} lies in the future: this machine's clock says ${shown(now)}`);
  }
  if (demand.from >= demand.to) {
    throw new UsageError(`Nothing lies between ${shown(demand.from)} and ${shown(demand.to)}`);
  }
  const backfills = runnable.rest.backfills.filter((backfill) => backfill.channel === channel);
  if (backfills.length === 0) {
    const others = [...new Set(runnable.rest.backfills.map((backfill) => backfill.channel))];
    throw new UsageError(
      `${exchange} has no way to fetch ${channel} of the past: its descriptor declares no [[rest.backfill]] for them` +
        (others.length === 0 ? "" : `, only for ${others.join(", ")}`),
    );
  }
  const streams = historyStreams(runnable.rest, channel);
  if (streams.length === 0) {
    throw new UsageError(`${exchange} does not collect ${channel}: add them to its channels in the configuration`);
  }
  const unknown = symbols?.find((symbol) => !streams.some(({ target }) => target.symbol === symbol));
  if (unknown !== undefined) {
    const near = suggest(unknown, streams.map(({ target }) => target.symbol));
    throw new UsageError(
      `${exchange} does not collect ${channel} of ${unknown}: ` +
        (near === null ? "add it to its symbols in the configuration" : `did you mean ${near}?`),
    );
  }
  const notes: string[] = [];
  let { from, to } = demand;
  if (to > now) {
    to = now;
    notes.push(`${shown(demand.to)} lies in the future: history up to now is fetched`);
  }
  const retentionMs = backfills.reduce<number | null>(
    (most, backfill) => most === null || backfill.retentionMs === null ? null : Math.max(most, backfill.retentionMs),
    0,
  );
  const oldest = retentionMs === null ? -Infinity : now - retentionMs * 1000;
  if (to <= oldest) {
    throw new UsageError(
      `${exchange} keeps ${channel} no longer than ${shownDays(retentionMs)}: since ${shown(oldest)}`,
    );
  }
  if (from < oldest) {
    from = oldest;
    notes.push(
      `${exchange} keeps ${channel} no longer than ${shownDays(retentionMs)}: what is older than ${shown(oldest)} ` +
        "cannot be fetched",
    );
  }
  return { wish: { exchange, channel, symbols, from, to }, notes };
}

/**
 * Fetches history through the journal while no collector runs on it, and hands it to the sinks. Rejects with a `Failure`
 * where the journal cannot be had: code `busy` where another process has it.
 */
export async function fetchHistoryAlone(
  { host }: ServiceContext,
  plan: Plan,
  { wish, observe, signal, onProgress }: {
    readonly wish: HistoryWish;
    readonly observe: Observer;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: HistoryProgress) => void;
  },
): Promise<HistoryOutcome> {
  const path = `${plan.run.dataDir}/limits.json`;
  const limits = await openHostLimits({ clock: host.clock, files: host.files, path, observe });
  try {
    const rest = new RestClient({ host, limits: limits.limits, observe });
    const collector = await Collector.start({ plan, host, observe, rest, collects: false });
    let streams: readonly FetchedHistory[] = [];
    let behind: readonly string[] = [];
    try {
      streams = await collector.fetchHistory(wish, { signal, onProgress });
      await collector.whenDelivered(signal);
    } finally {
      await collector.stop(plan.run.shutdownTimeoutMs);
      const { sinks, journal } = collector.status;
      behind = sinks.flatMap(({ name, committed, error }) =>
        committed < journal.synced ? [`${name}${error === null ? "" : `: ${error}`}`] : []
      );
    }
    return { streams, behind };
  } finally {
    await limits.close();
  }
}

function instanceOf(plan: Plan, name: string): ExchangePlan & { runnable: NonNullable<ExchangePlan["runnable"]> } {
  const named = plan.exchanges.find((exchange) => exchange.name === name);
  if (named === undefined) {
    const names = plan.exchanges.map((exchange) => exchange.name);
    const near = suggest(name, names);
    throw new UsageError(
      `No exchange instance ${name} in the configuration: ` +
        (near === null ? `there are ${names.join(", ")}` : `did you mean ${near}?`),
    );
  }
  const { runnable } = named;
  if (runnable === null || !named.enabled) throw new UsageError(`${name} is not enabled in the configuration`);
  return { ...named, runnable };
}

function shown(at: Micros): string {
  return new Date(at / 1000).toISOString();
}

function shownDays(ms: number | null): string {
  const days = (ms ?? 0) / 86_400_000;
  return days >= 2 ? `${Math.round(days)} days` : `${Math.round(days * 24)} hours`;
}

/** Whether a failure says that another process has the journal. */
export function isJournalHeld(error: unknown): error is Failure {
  return error instanceof Failure && error.code === "busy" && !error.retry;
}
