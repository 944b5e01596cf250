import type { Channel } from "./channel.ts";

/** Coverage of some days, read from the certificates of the collector's archives. */
export interface Coverage {
  /** The requested days (UTC), in order. */
  readonly days: readonly string[];
  /** Sorted by sink, exchange, channel and symbol. */
  readonly rows: readonly CoverageRow[];
  /** Messages for certificates that could not be read. */
  readonly unreadable: readonly string[];
}

/** One stream of an archive. */
export interface CoverageRow {
  /** The sink whose archive it is. */
  readonly sink: string;
  readonly exchange: string;
  /** `raw` for frames of descriptors without event rules. */
  readonly channel: Channel | "raw";
  readonly symbol: string;
  /** One entry a day; null if no certificate of that day names the stream. */
  readonly days: readonly (CoverageDay | null)[];
}

/** Coverage of a stream on a day. */
export interface CoverageDay {
  /** Share of the day in which nothing is missing, 0 to 1. */
  readonly share: number;
  readonly gaps: number;
  /** Whether the certificate was written after the end of the next day, so that late data of this day is included. */
  readonly isSettled: boolean;
}
