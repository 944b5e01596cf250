import type { Template } from "../template.ts";
import type { RateLimit } from "./connection.ts";

/** Kind of a book feed: what its frames are, and where the first snapshot comes from. */
export type BookKind = "snapshots" | "pushed" | "rest" | "requested" | "periodic";

/** Rule by which a delta follows the one before; see docs/descriptor_reference.md. */
export type SequenceRule = "next" | "previous" | "overlap" | "rising" | "time" | "none";

/** Action that recovers a broken book. */
export type ResyncAction = "resubscribe" | "rest" | "request" | "reconnect";

/** Joins a snapshot from elsewhere with the buffered deltas. S is the sequence of the snapshot. */
export interface BridgeRule {
  /** Drops deltas whose last sequence is below S (`<`), or not above it (`<=`). */
  readonly drop: "<" | "<=";
  /** The first delta that is kept has to span this sequence. */
  readonly first: "S" | "S+1";
  /** Whether the first delta that is kept must not reach back before that sequence. Absent: it may. */
  readonly exact?: true;
  /** Whether a first delta whose previous sequence is S fits too. */
  readonly orPrevious: boolean;
}

/** Checksum over the best levels of both sides. */
export interface ChecksumRule {
  /** Levels of each side that it covers. */
  readonly depth: number;
  /** `asks_bids`: all asks, then all bids. `interleaved`: bid, ask, bid, ask; the longer side goes on alone. */
  readonly order: "asks_bids" | "bids_asks" | "interleaved";
  /** Text between any two numbers; between price and size alone where `separators` says the others. */
  readonly separator: string;
  /** Text between levels of a side, and between the last level of one side and the first of the other. */
  readonly separators?: { readonly level: string; readonly side: string };
  /**
   * `as_received`: the texts of the frames. `padded`: as many decimals as the instrument has, without the point and
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
  /** Whether snapshots of a periodic book may be older than deltas that came before them, which then apply again. */
  readonly rejoins?: true;
  /** Whether a delta whose last sequence is below its previous one continues the chain. */
  readonly resetsLower: boolean;
  /** Levels of each side that are kept after an update; null keeps all. */
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
