import type { Files } from "../host/mod.ts";
import type { Journal } from "../journal/mod.ts";
import { EventBatch, Failure, type FetchedHistory, type Micros, type Stream } from "../model/mod.ts";
import type { Pipeline } from "../derive/mod.ts";
import type { ExchangeRunner } from "./exchange_runner.ts";
import { fetchHistory, type HistoryWish } from "./history.ts";
import { type KnownHistory, readKnownHistory } from "./known_history.ts";

/** Progress of a fetch of history on demand. */
export interface HistoryProgress {
  /** `known`: the journal is read for what is there; `fetch`: the exchange is asked. */
  readonly step: "known" | "fetch";
  readonly done: number;
  readonly total: number;
  /** Events fetched so far. */
  readonly fetched: number;
}

/** What a fetch needs of the collector. */
export interface HistoryRun {
  readonly wish: HistoryWish;
  readonly runner: ExchangeRunner;
  readonly journal: Journal;
  readonly files: Files;
  readonly journalDir: string;
  /** Fresh: this run's alone. */
  readonly pipeline: Pipeline;
  /** Time of the last event of a stream that brings its events by itself; null if it does not. */
  readonly liveFrom: (stream: Stream) => Micros | null;
  /** Follows the events of all instances; returns what ends it. */
  readonly follow: (call: (events: EventBatch) => void) => () => void;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: HistoryProgress) => void;
}

/**
 * Fetches history of an instance's streams, one stream after the other. Symbols whose history cannot be fetched are left
 * out. Rejects with a `Failure` if the journal cannot be read or takes nothing.
 */
export async function fetchHistories(run: HistoryRun): Promise<readonly FetchedHistory[]> {
  const { wish: { exchange, channel, symbols, from, to }, runner, journal, signal, onProgress } = run;
  const streams = runner.historyOf(channel).filter(({ target }) => symbols?.includes(target.symbol) ?? true);
  // Before the journal is read: what comes later is not in it, and is the stream's own.
  const liveFrom = new Map(streams.map(({ target: { symbol } }) => [symbol, run.liveFrom({ channel, symbol })]));
  const fetchedMeanwhile = new Followed();
  const end = run.follow((events) => fetchedMeanwhile.take(events));
  try {
    await journal.sync(signal);
    const known = await readKnownHistory(
      { exchange, channel, from, to, symbols: new Set(liveFrom.keys()) },
      {
        ...{ journal, files: run.files, dir: run.journalDir, pipeline: run.pipeline, signal },
        onProgress: (done) => onProgress({ step: "known", fetched: 0, ...done }),
      },
    );
    fetchedMeanwhile.handOnTo(known);
    const total = (to - from) * streams.length;
    const results: FetchedHistory[] = [];
    for (const stream of streams) {
      if (signal.aborted) break;
      const before = results.reduce((sum, { fetched }) => sum + fetched, 0);
      const done = (to - from) * results.length;
      results.push(
        await fetchHistory({
          ...{ stream, known, from, to, signal },
          liveFrom: liveFrom.get(stream.target.symbol) ?? null,
          fetch: (stretch) => {
            fetchedMeanwhile.check();
            return runner.fetchHistory(stretch);
          },
          onProgress: (doneUs, fetched) =>
            onProgress({ step: "fetch", done: done + doneUs, total, fetched: before + fetched }),
        }),
      );
    }
    return results;
  } finally {
    end();
  }
}

/** Backfilled events that come while history is read and fetched: they are known too. */
class Followed {
  #early = new EventBatch();
  #known: KnownHistory | null = null;
  /** Why no more can be followed; the pipeline's caller does not suffer from it. */
  #failure: Failure | null = null;

  take(events: EventBatch): void {
    for (let event = 0; event < events.length && this.#failure === null; event++) {
      if (!events.isBackfilled(event)) continue;
      if (this.#known === null) this.#early.copy(events, event);
      else this.#add(this.#known, events, event);
    }
  }

  handOnTo(known: KnownHistory): void {
    for (let event = 0; event < this.#early.length; event++) this.#add(known, this.#early, event);
    this.#early = new EventBatch();
    this.#known = known;
  }

  /** Throws the `Failure` if too much was to be followed. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #add(known: KnownHistory, events: EventBatch, event: number): void {
    try {
      known.add(events, event);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#failure = error;
    }
  }
}
