import type { Channel, GapCause, Micros } from "../model/mod.ts";
import type { ArchiveFormat } from "./archive_days.ts";

/**
 * What stands behind the coverage of a stream beside the gaps that are told. `sequence`: numbers of the exchange, each
 * of which was checked; `checksum`: the exchange's own over the book; `heartbeat`: answers that show the socket alive;
 * `polled`: answers that were asked for at an interval.
 */
export type Proof = "sequence" | "checksum" | "heartbeat" | "polled";

/** What became of a gap: whether data came again, and whether what was missed was fetched. */
export type GapFate = "open" | "closed" | "filled" | "filled_in_part" | "not_filled";

/** A stretch in which nothing is known to be missing; both ends are events, bounds of gaps, or the ends of the day. */
export interface CoveredStretch {
  readonly from_ts: Micros;
  readonly to_ts: Micros;
}

/** A gap, as the events of the archive tell it. */
export interface CertifiedGap {
  readonly gap_id: string;
  /** Null: every stream of the exchange. */
  readonly channel: Channel | null;
  /** Empty: every symbol. */
  readonly symbol: string;
  readonly cause: GapCause;
  /** Receive time of the last good event before; null if there was none. */
  readonly from_ts: Micros | null;
  /** Receive time of the first good event behind; null while it is open. */
  readonly to_ts: Micros | null;
  readonly fate: GapFate;
  readonly detail: string;
  readonly action: string;
}

/** How many events of a kind there are. */
export interface EventCount {
  /** Null if rows of one event cannot be told apart: book tables of the CSV sink. */
  readonly events: number | null;
  /** Lines or rows; of a book one a level. */
  readonly rows: number;
  /** Events that were fetched later. */
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
  /** The last live event up to the end of the day, also where it is of an earlier day, and its journal. */
  readonly latest: { readonly ts: Micros; readonly journal: string } | null;
  /** By kind of event. */
  readonly counts: Readonly<Record<string, EventCount>>;
  readonly coverage: readonly CoveredStretch[];
  /** Sum of the coverage, in µs. */
  readonly covered_us: number;
  /** Empty: nothing beside the gaps that are told. */
  readonly proved_by: readonly Proof[];
  readonly gaps: readonly CertifiedGap[];
}

/** A file that holds events of the day. */
export interface CertifiedFile {
  /** Below the archive's folder. */
  readonly path: string;
  readonly bytes: number;
  /** Of these bytes, in hexadecimal digits. */
  readonly sha256: string;
}

/** A plan that events were derived by. */
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
  /** The chain's value before the first segment and behind the last one. */
  readonly before: string;
  readonly after: string;
}

/** Says who vouches: Ed25519 over the canonical JSON of the certificate without this key. Both texts are base64. */
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
  /** Whether the next day was over too: what it tells of this day's gaps and ends is in here. */
  readonly is_settled: boolean;
  /** Whether the archive holds gaps. Where it does not, nothing is covered. */
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

/** The first µs of a day and that of the next one. */
export function boundsOfDay(date: string): readonly [from: Micros, to: Micros] {
  const from = Date.parse(`${date}T00:00:00Z`) * 1000;
  return [from, from + DAY_MICROS];
}

/** The day so many days later. */
export function dayAfter(date: string, days = 1): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
