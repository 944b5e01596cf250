import type { Channel } from "./channel.ts";

/** What the certificates of the collector's archives say of some days. */
export interface Coverage {
  /** Days (UTC) that were asked for, in order. */
  readonly days: readonly string[];
  /** By sink, exchange, channel and symbol. */
  readonly rows: readonly CoverageRow[];
  /** Why certificates could not be read, in words. */
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
  /** One a day; null where no certificate knows the stream on that day. */
  readonly days: readonly (CoverageDay | null)[];
}

/** What is known of a stream on a day. */
export interface CoverageDay {
  /** Part of the day in which nothing is missing, 0 to 1. */
  readonly share: number;
  readonly gaps: number;
  /** Whether the next day was over too when it was written: what it tells of this day is in here. */
  readonly isSettled: boolean;
}
