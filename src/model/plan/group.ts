import type { Stream } from "../channel.ts";

/** `[group]`: collectors that share all streams by leases. */
export interface GroupPlan {
  readonly engine: GroupEngineName;
  /** Address of the engine, with user and password, which are never shown. */
  readonly url: string;
  /** PEM file of the authority that the engine's certificate is checked against; null: the platform's authorities. */
  readonly caPath: string | null;
  /** File with the credentials of a NATS user; null if there is none. */
  readonly credsPath: string | null;
  /** Groups of different names on one engine are independent. */
  readonly name: string;
  /** How long a member may be silent before others start its shares, in ms. */
  readonly ttlMs: number;
  /** How many members collect each share. */
  readonly replicas: 1 | 2;
  /** Number of shares into which the streams are divided. */
  readonly shares: number;
}

/** Engine that holds a group's entries. */
export type GroupEngineName = "nats" | "postgres";

/** The streams of an instance that belong to one share of a group; an empty symbol stands for all. */
export interface ShareStreams {
  readonly share: number;
  readonly streams: readonly Stream[];
}

/** The shares that a collector holds, each from 1 to `count`. */
export interface HeldShares {
  readonly count: number;
  readonly held: ReadonlySet<number>;
}
