import type {
  BookQuery,
  BookView,
  Channel,
  Coverage,
  EventBatch,
  HistoryJobStatus,
  InstrumentFields,
  Micros,
  ServiceStatus,
  StreamStatus,
  WireRecord,
} from "../model/mod.ts";
import type { ExchangePlan } from "../model/mod.ts";
import type { GapBoard } from "./gap_board.ts";

/** Sources of the API, called anew for each request. */
export interface LiveFacts {
  readonly status: () => ServiceStatus;
  /** The running plan as plain values without secrets; null if none runs. */
  readonly plan: () => unknown;
  /** Every configured instance, even without a plan. */
  readonly exchanges: () => readonly ExchangePlan[];
  readonly streams: (exchange: string) => Iterable<StreamStatus>;
  readonly books: (exchange: string, query: BookQuery) => Iterable<BookView>;
  /** What the exchange's lists said last of an instrument; null if they said nothing. */
  readonly instrument: (exchange: string, symbol: string) => InstrumentFields | null;
  readonly gaps: GapBoard;
  /** Coverage of days such as `2026-11-22`, from the certificates of the archives. */
  readonly coverage: (days: readonly string[]) => Promise<Coverage>;
  /** Reads the configuration again; resolves when it is applied or refused. */
  readonly reload: () => Promise<void>;
  /** History on demand. `begin`: null where it has begun, or why not; `to` null: up to now. */
  readonly backfill: {
    readonly begin: (demand: BackfillDemand) => { readonly error: string; readonly isBusy: boolean } | null;
    readonly status: () => HistoryJobStatus | null;
  };
  /** Derives the events of a stretch again, in order. A batch is valid until the next one is asked for. */
  readonly replay: (query: ReplayQuery) => AsyncIterable<EventBatch>;
  /** Reads what went over the wire in a stretch, in order, in pieces. */
  readonly wire: (query: ReplayQuery) => AsyncIterable<readonly WireRecord[]>;
}

/** A range of history that is asked for. */
export interface BackfillDemand {
  readonly exchange: string;
  readonly channel: Channel;
  readonly symbols: readonly string[] | null;
  readonly from: Micros;
  readonly to: Micros | null;
}

/** A stretch of receive time, `to` exclusive. */
export interface ReplayQuery {
  readonly from: Micros;
  readonly to: Micros;
  readonly signal: AbortSignal;
}
