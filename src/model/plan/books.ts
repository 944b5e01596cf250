import type { Template } from "../template.ts";
import type { RateLimit } from "./connection.ts";

/** How a book is kept: what its frames are, and where its first image comes from. */
export type BookKind = "snapshots" | "pushed" | "rest" | "requested" | "periodic";

/** What makes a delta the successor of the one before; see docs/descriptor_reference.md. */
export type SequenceRule = "next" | "previous" | "overlap" | "rising" | "time" | "none";

/** What makes a broken book whole again. */
export type ResyncAction = "resubscribe" | "rest" | "request" | "reconnect";

/** How a snapshot from elsewhere is joined with the deltas that were buffered; S is the snapshot's sequence. */
export interface BridgeRule {
  /** Deltas whose last sequence is below S, or not above it, are older than the snapshot. */
  readonly drop: "<" | "<=";
  /** The first delta kept has to reach from its first sequence over this one to its last. */
  readonly first: "S" | "S+1";
  /** A first delta whose previous sequence is S fits too. */
  readonly orPrevious: boolean;
}

/** A checksum over the best levels, as data. */
export interface ChecksumRule {
  /** Levels a side. */
  readonly depth: number;
  /** `asks_bids`: all asks, then all bids. `interleaved`: bid, ask, bid, ask; the longer side goes on alone. */
  readonly order: "asks_bids" | "bids_asks" | "interleaved";
  /** Between any two texts. */
  readonly separator: string;
  /**
   * `as_received`: the texts of the frames. `padded`: as many decimals as the instrument has, without the point and
   * leading zeros. `shortest`: as JavaScript prints the number.
   */
  readonly numbers: "as_received" | "padded" | "shortest";
  readonly priceDigits: number | null;
  readonly sizeDigits: number | null;
  /** Sizes of asks are written with a minus sign. */
  readonly negativeAsks: boolean;
  /** The checksum is a signed 32-bit integer. */
  readonly signed: boolean;
  /** Texts that mean that there is none. */
  readonly absent: readonly string[];
}

/** One book feed of an exchange: `[[books]]`. */
export interface BookRule {
  readonly name: string;
  /** Names of the event rules that feed it. */
  readonly rules: readonly string[];
  readonly kind: BookKind;
  readonly sequence: SequenceRule;
  readonly bridge: BridgeRule;
  /** A delta whose last sequence is below its previous one continues the chain. */
  readonly resetsLower: boolean;
  /** Levels a side that are kept after each update; null: all. */
  readonly depth: number | null;
  readonly checksum: ChecksumRule | null;
  readonly crossed: "resync" | "keep";
  /** `wait`: the next snapshot comes by itself; what is overdue is resubscribed. */
  readonly resync: ResyncAction | "wait";
  /** Resyncs of one book within a time; more wait for their turn. */
  readonly budget: RateLimit;
  /** Name of the REST request that gives snapshots; null where none does. */
  readonly snapshotRequest: string | null;
  /** What asks for a snapshot on the socket, by native symbol; empty where nothing does. */
  readonly requests: Readonly<Record<string, Template>>;
}
