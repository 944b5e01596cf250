import type { Micros, Plan, ShareRecord } from "../model/mod.ts";

/** A share of the group that this collector begins to have. */
export type TakenShare = Pick<ShareRecord, "share" | "shares" | "other" | "epoch" | "fromTs">;
/** A share of the group that this collector ends to have. */
export type ReleasedShare = Pick<ShareRecord, "share" | "shares" | "other" | "epoch">;

/** Shares that come and go with a plan. */
export interface ShareMoves {
  readonly taken: readonly TakenShare[];
  readonly released: readonly ReleasedShare[];
}

export const NO_MOVES: ShareMoves = { taken: [], released: [] };

/** Yields what the journal tells of shares that come or go: a record for each instance that has streams in one. */
export function* shareRecords(
  plan: Plan,
  { at, change, moves }: {
    readonly at: Micros;
    readonly change: ShareRecord["change"];
    readonly moves: readonly (TakenShare | ReleasedShare)[];
  },
): Iterable<ShareRecord> {
  for (const move of moves) {
    const fromTs = "fromTs" in move ? move.fromTs : null;
    for (const { name: exchange, shares } of plan.exchanges) {
      const streams = shares?.find(({ share }) => share === move.share)?.streams;
      if (streams !== undefined) yield { kind: "share", at, exchange, change, ...move, fromTs, streams };
    }
  }
}
