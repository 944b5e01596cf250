import type { Channel, Stream } from "./channel.ts";
import type { Level } from "./event_values.ts";
import type { SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";
import type { StreamState } from "./observation.ts";
import type { BookState } from "./status.ts";

/** The inside of a running collector, shown on request in addition to its status. Times are wall clock, in µs. */

/** One stream of a connection. */
export interface StreamStatus {
  /** Key of the connection in the plan. */
  readonly connection: string;
  readonly stream: Stream;
  readonly state: StreamState;
  /** When the state began. */
  readonly since: Micros;
  /** Whether its channel may show nothing for hours. */
  readonly quiet: boolean;
  /**
   * Whether the configuration asks for it. False: it still comes, because the exchange cannot unsubscribe it on this
   * socket.
   */
  readonly desired: boolean;
  /** Receive time of its last data, of any socket; null before the first. */
  readonly lastDataTs: Micros | null;
  /** Since when its data is missing; null while data comes, and before the first socket. */
  readonly missingSince: Micros | null;
  /** The exchange's reason for rejecting it; null if it was not rejected. */
  readonly reason: string | null;
}

/** One kept book with its best levels. */
export interface BookView {
  readonly session: SessionId;
  readonly symbol: string;
  readonly native: string;
  readonly state: BookState;
  /** When the state began; null before the first update. */
  readonly since: Micros | null;
  /** Why it is broken; null if it is not. */
  readonly cause: string | null;
  /** Sequence and exchange time of its last update; null if the exchange gives none. */
  readonly sequence: string | null;
  readonly exchangeTs: Micros | null;
  /** Best first, at most the requested depth. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  /** How many levels each side has. */
  readonly bidLevels: number;
  readonly askLevels: number;
}

/** History that is fetched on demand while the collector runs. Times are the exchange's, `to` is exclusive. */
export type HistoryJobStatus =
  & {
    readonly exchange: string;
    readonly channel: Channel;
    readonly from: Micros;
    readonly to: Micros;
    /** What was left out of the demand, and why. */
    readonly notes: readonly string[];
  }
  & (
    | {
      readonly state: "running";
      /** `known`: the journal is read for what is there; `fetch`: the exchange is asked. */
      readonly step: "known" | "fetch";
      readonly done: number;
      readonly total: number;
      readonly fetched: number;
    }
    | { readonly state: "done"; readonly streams: readonly FetchedHistory[] }
    | { readonly state: "failed"; readonly error: string }
  );

/** What asking for the history of a stream came to. */
export interface FetchedHistory {
  readonly symbol: string;
  /** Name of the backfill in the descriptor. */
  readonly request: string;
  /** Events of the range that were there before, and those that were fetched. */
  readonly known: number;
  readonly fetched: number;
  /** Parts of the range that are not proved to be whole. */
  readonly missing: readonly { readonly from: Micros; readonly to: Micros; readonly reason: string }[];
}

/** Selects books. `symbol` is canonical or native; absent selects all. */
export interface BookQuery {
  readonly symbol?: string;
  /** Levels of each side. */
  readonly depth: number;
}
