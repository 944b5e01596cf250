import type { Template } from "../template.ts";
import type { RateLimit } from "./connection.ts";

/** Kind of a book feed: what its frames are, and where the first snapshot comes from. */
export type BookKind = "snapshots" | "pushed" | "rest" | "requested" | "periodic";

/** Rule by which a delta continues the one before; see docs/descriptor_reference.md. */
export type SequenceRule = "next" | "previous" | "overlap" | "rising" | "time" | "none";

/** Action that recovers a broken book. */
export type ResyncAction = "resubscribe" | "rest" | "request" | "reconnect";

/** Joins a snapshot from another source with the buffered deltas. S is the snapshot's sequence. */
export interface BridgeRule {
  /** Drops deltas whose last sequence is below S (`<`), or not above it (`<=`). */
  readonly drop: "<" | "<=";
  /** The first kept delta must span this sequence. */
  readonly first: "S" | "S+1";
  /** Whether the first kept delta must begin exactly at that sequence. Absent: it may begin earlier. */
  readonly exact?: true;
  /** Whether a first delta whose previous sequence is S fits too. */
  readonly orPrevious: boolean;
}

/** Checksum over the best levels of both sides. */
export interface ChecksumRule {
  /** Levels of each side that it covers. */
  readonly depth: number;
  /** `asks_bids`: all asks, then all bids. `interleaved`: bid, ask, bid, ask; then the rest of the longer side. */
  readonly order: "asks_bids" | "bids_asks" | "interleaved";
  /** Text between any two numbers; with `separators` only between price and size. */
  readonly separator: string;
  /** Text between levels of a side, and between the last level of one side and the first of the other. */
  readonly separators?: { readonly level: string; readonly side: string };
  /**
   * `as_received`: the texts of the frames. `padded`: padded to the instrument's decimals, without the point and
   * leading zeros. `shortest`: as JavaScript prints the number.
   */
  readonly numbers: "as_received" | "padded" | "shortest";
  readonly priceDigits: number | null;
  readonly sizeDigits: number | null;
  /** Whether sizes of asks are written with a minus sign. */
  readonly negativeAsks: boolean;
  /** Whether the checksum is a signed 32-bit integer. */
  readonly signed: boolean;
  /** Texts that mean "no checksum". */
  readonly absent: readonly string[];
}

/** One book feed of an exchange: `[[books]]`. */
export interface BookRule {
  readonly name: string;
  /** Names of the event rules that feed the book. */
  readonly rules: readonly string[];
  readonly kind: BookKind;
  readonly sequence: SequenceRule;
  readonly bridge: BridgeRule;
  /**
   * Whether a snapshot of a periodic book may be older than deltas received before it, which are then applied again.
   */
  readonly rejoins?: true;
  /** Whether a delta whose last sequence is below its previous one continues the chain. */
  readonly resetsLower: boolean;
  /** Levels kept per side after an update; null keeps all. */
  readonly depth: number | null;
  readonly checksum: ChecksumRule | null;
  readonly crossed: "resync" | "keep";
  /** `wait` waits for the next snapshot and resubscribes when it is overdue. */
  readonly resync: ResyncAction | "wait";
  /** Most resyncs of one book within a time. Further ones wait. */
  readonly budget: RateLimit;
  /** Name of the REST request for snapshots; null if there is none. */
  readonly snapshotRequest: string | null;
  /** Messages that request a snapshot on the socket, by native symbol; empty if there are none. */
  readonly requests: Readonly<Record<string, Template>>;
}
