import type { Channel, GapCause, Micros } from "../model/mod.ts";
import type { ArchiveFormat } from "./archive_days.ts";

/**
 * What supports the coverage of a stream beside the recorded gaps. `sequence`: checked sequence numbers of the
 * exchange; `checksum`: the exchange's checksums of the book; `heartbeat`: answers that show the socket alive;
 * `comparison`: the exchange's snapshots of a book at the same number, `compared` says how often;
 * `polled`: answers to requests at an interval.
 */
export type Proof = "sequence" | "checksum" | "heartbeat" | "polled" | "comparison";

/** Fate of a gap: whether data came again, and whether the missing events were backfilled. */
export type GapFate = "open" | "closed" | "filled" | "filled_in_part" | "not_filled";

/** A stretch in which nothing is known to be missing. Each end is an event, a bound of a gap, or an end of the day. */
export interface CoveredStretch {
  readonly from_ts: Micros;
  readonly to_ts: Micros;
}

/** A gap, as recorded in the archive's events. */
export interface CertifiedGap {
  readonly gap_id: string;
  /** Null if the gap concerns every stream of the exchange. */
  readonly channel: Channel | null;
  /** Empty if the gap concerns every symbol. */
  readonly symbol: string;
  readonly cause: GapCause;
  /** Receive time of the last good event before; null if there was none. */
  readonly from_ts: Micros | null;
  /** Receive time of the first good event after; null while it is open. */
  readonly to_ts: Micros | null;
  readonly fate: GapFate;
  readonly detail: string;
  readonly action: string;
}

/** Numbers of events of a kind. */
export interface EventCount {
  /** Null if rows of one event cannot be told apart: book tables of the CSV sink. */
  readonly events: number | null;
  /** Lines or rows; for a book one for each level. */
  readonly rows: number;
  /** Backfilled events. */
  readonly backfilled: number;
}

/** One stream on one day. */
export interface StreamCertificate {
  /** `raw` for frames of descriptors without event rules. */
  readonly channel: Channel | "raw";
  readonly symbol: string;
  /** Receive time of the first and the last live event of the day; null if there was none. */
  readonly first_ts: Micros | null;
  readonly last_ts: Micros | null;
  /** The last live event up to the end of the day, possibly of an earlier day, and its journal. */
  readonly latest: { readonly ts: Micros; readonly journal: string } | null;
  /** By kind of event. */
  readonly counts: Readonly<Record<string, EventCount>>;
  readonly coverage: readonly CoveredStretch[];
  /** Sum of the coverage, in µs. */
  readonly covered_us: number;
  /** Empty if only the recorded gaps support the coverage. */
  readonly proved_by: readonly Proof[];
  /** How often the book was compared with the exchange's own snapshot, and what that came to; absent: never. */
  readonly compared?: { readonly same: number; readonly different: number };
  readonly gaps: readonly CertifiedGap[];
}

/** A file that holds events of the day. */
export interface CertifiedFile {
  /** Path below the archive's folder. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of these bytes, in hexadecimal digits. */
  readonly sha256: string;
}

/** A plan by which events were derived. */
export interface CertifiedPlan {
  readonly hash: string;
  readonly from_ts: Micros;
}

/** The part of a journal's hash chain that was received on the day: its sealed segments from `first_offset` on. */
export interface CertifiedChain {
  readonly journal: string;
  readonly first_offset: number;
  readonly next_offset: number;
  readonly segments: number;
  /** The chain's value before the first segment and after the last one. */
  readonly before: string;
  readonly after: string;
}

/** Signature: Ed25519 over the canonical JSON of the certificate without this key. Both texts are base64. */
export interface CertificateSignature {
  readonly algorithm: "Ed25519";
  readonly public_key: string;
  readonly value: string;
}

/** What an archive holds of an exchange on a day (UTC, by `received_ts`). All times are in µs since the epoch. */
export interface Certificate {
  readonly format: 1;
  readonly exchange: string;
  readonly date: string;
  readonly archive: ArchiveFormat;
  readonly written_ts: Micros;
  /** Whether the day was over when this was written. */
  readonly is_closed: boolean;
  /** Whether the next day was over, too, so that its effect on this day's gaps and ends is included. */
  readonly is_settled: boolean;
  /** Whether the archive receives gaps. Without them nothing is covered. */
  readonly tells_gaps: boolean;
  /** Ids of the journals that the events come from. */
  readonly journals: readonly string[];
  readonly plans: readonly CertifiedPlan[];
  readonly chain: readonly CertifiedChain[];
  readonly streams: readonly StreamCertificate[];
  readonly files: readonly CertifiedFile[];
  readonly signature?: CertificateSignature;
}

const DAY_MICROS = 86_400_000_000;

/** Returns the first µs of a day and of the next one. */
export function boundsOfDay(date: string): readonly [from: Micros, to: Micros] {
  const from = Date.parse(`${date}T00:00:00Z`) * 1000;
  return [from, from + DAY_MICROS];
}

/** Returns the day a number of days later. */
export function dayAfter(date: string, days = 1): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
