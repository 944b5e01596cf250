import type { Stream } from "../channel.ts";

/** `[group]`: collectors that share all streams by leases. */
export interface GroupPlan {
  readonly engine: GroupEngineName;
  /** Address of the engine, with user and password: never shown whole. */
  readonly url: string;
  /** PEM file of the authority that the engine's certificate is checked against; null: the platform's own. */
  readonly caPath: string | null;
  /** File with the credentials of a NATS user; null where there is none. */
  readonly credsPath: string | null;
  /** Groups of other names on the same engine know nothing of each other. */
  readonly name: string;
  /** How long a member may be silent before others start its shares, in ms. */
  readonly ttlMs: number;
  /** How many members collect each share. */
  readonly replicas: 1 | 2;
  /** Into how many shares the streams are divided. */
  readonly shares: number;
}

/** What a group is kept on. */
export type GroupEngineName = "nats" | "postgres";

/** The streams of an instance that belong to one share of a group; an empty symbol stands for all. */
export interface ShareStreams {
  readonly share: number;
  readonly streams: readonly Stream[];
}

/** Which of a number of shares a collector holds, each from 1 to `count`. */
export interface HeldShares {
  readonly count: number;
  readonly held: ReadonlySet<number>;
}
