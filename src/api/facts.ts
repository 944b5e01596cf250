import type {
  BookQuery,
  BookView,
  Coverage,
  EventBatch,
  InstrumentFields,
  Micros,
  ServiceStatus,
  StreamStatus,
  WireRecord,
} from "../model/mod.ts";
import type { ExchangePlan } from "../model/mod.ts";
import type { GapBoard } from "./gap_board.ts";

/** What the API shows, taken anew for each request. */
export interface LiveFacts {
  readonly status: () => ServiceStatus;
  /** The plan that runs, as plain values without secrets; null where none does. */
  readonly plan: () => unknown;
  /** Every configured instance, also where there is no plan. */
  readonly exchanges: () => readonly ExchangePlan[];
  readonly streams: (exchange: string) => Iterable<StreamStatus>;
  readonly books: (exchange: string, query: BookQuery) => Iterable<BookView>;
  /** What the exchange's lists said last of an instrument; null where that is not known. */
  readonly instrument: (exchange: string, symbol: string) => InstrumentFields | null;
  readonly gaps: GapBoard;
  /** What the certificates of the archives say of days such as `2026-11-22`. */
  readonly coverage: (days: readonly string[]) => Promise<Coverage>;
  /** Reads the configuration again; resolves when it runs or was refused. */
  readonly reload: () => Promise<void>;
  /** Derives again what the journal has of a time, in order; a batch is good until the next one is asked for. */
  readonly replay: (query: ReplayQuery) => AsyncIterable<EventBatch>;
  /** Reads what went over the wire in a time, in order, in pieces. */
  readonly wire: (query: ReplayQuery) => AsyncIterable<readonly WireRecord[]>;
}

/** A stretch of receive time, `to` exclusive. */
export interface ReplayQuery {
  readonly from: Micros;
  readonly to: Micros;
  readonly signal: AbortSignal;
}
