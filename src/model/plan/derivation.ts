import type { FramePlan } from "./frames.ts";

/** `[dedup]`. */
export interface DedupPlan {
  readonly enabled: boolean;
  readonly windowSeconds: number;
  readonly keysMax: number;
}

/** `[books]`: the best levels of every kept book, as an event of its own. */
export interface BookTopPlan {
  /** Levels of each side. */
  readonly levels: number;
  /** Of exchange time: the first update in each interval gives one. */
  readonly intervalMs: number;
}

/** What the events of one instance are derived by, and nothing else: the unit that is written down and named by its hash. */
export interface DerivationPlan {
  readonly frames: FramePlan;
  readonly dedup: DedupPlan;
  /** Null: no tops of books are derived. */
  readonly bookTops: BookTopPlan | null;
}
