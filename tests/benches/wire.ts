/** What the processes of the socket bench tell each other, one JSON line each. */

/** How an instance of each exchange that can be sent is configured; the simulated one stands in for recordings. */
export const SOCKET_EXCHANGES: Readonly<
  Record<string, { readonly connection: string; readonly symbols: readonly string[] }>
> = {
  "binance-usdm": { connection: "public", symbols: ["BTC/USDT:USDT"] },
  binance: { connection: "public", symbols: ["BTC/USDT", "ETH/USDT"] },
};

/** The sender has begun to listen. */
export interface SenderReady {
  readonly port: number;
  /** The exchange whose frames it sends. */
  readonly exchange: string;
}

/** What the collector's process measured, from the first frame until everything is committed. */
export interface CollectorReport {
  readonly frames: number;
  readonly bytes: number;
  /** Events in the files. */
  readonly events: number;
  /** Frames that could not be read; none is expected. */
  readonly gaps: number;
  /** Bytes of Parquet files, of the journal as it was left, and of that when it is sealed. */
  readonly parquetBytes: number;
  readonly journalBytes: number;
  readonly packedBytes: number;
  /** Until the last frame was received. */
  readonly receivedMs: number;
  /** Until all events stood in synced files. */
  readonly committedMs: number;
  /** CPU time of all threads of the process in that time, in ms. */
  readonly cpuMs: number;
  /** The most memory the process held in its life, and what it held before the first frame, in bytes. */
  readonly peakBytes: number;
  readonly idleBytes: number;
}

/** What the mappers of a peer cost in their own process, CPU time in ns a frame. */
export interface PeerReport {
  readonly parseNs: number;
  /** Parsing included. */
  readonly mapNs: number;
  /** Events that they gave in all rounds. */
  readonly events: number;
}
