import { type LastSeen, type Micros, type Plan, type ShareRecord, type Stream, streamKey } from "../model/mod.ts";

/** A share of the group that this collector takes. */
export interface TakenShare extends Pick<ShareRecord, "share" | "shares" | "other" | "epoch" | "fromTs"> {
  /** What the other collector had last, of these streams and maybe others; empty if nothing is known. */
  readonly last: readonly SeenStream[];
}
/** The last event of a stream of an instance. */
export interface SeenStream extends LastSeen {
  readonly exchange: string;
}
/** A share of the group that this collector releases. */
export type ReleasedShare = Pick<ShareRecord, "share" | "shares" | "other" | "epoch">;

/** Shares taken and released with a new plan. */
export interface ShareMoves {
  readonly taken: readonly TakenShare[];
  readonly released: readonly ReleasedShare[];
}

export const NO_MOVES: ShareMoves = { taken: [], released: [] };

/** Yields the journal's records of share moves: one for each instance that has streams in the share. */
export function* shareRecords(
  plan: Plan,
  { at, change, moves }: {
    readonly at: Micros;
    readonly change: ShareRecord["change"];
    readonly moves: readonly (TakenShare | ReleasedShare)[];
  },
): Iterable<ShareRecord> {
  for (const { share, shares: count, other, epoch, ...taken } of moves) {
    const fromTs = "fromTs" in taken ? taken.fromTs : null;
    for (const { name: exchange, shares } of plan.exchanges) {
      const streams = shares?.find((one) => one.share === share)?.streams;
      if (streams === undefined) continue;
      const last = "last" in taken ? lastOf(taken.last, exchange, streams) : [];
      yield {
        ...{ kind: "share", at, exchange, change, share, shares: count, other, epoch, fromTs, streams },
        ...(last.length > 0 ? { last } : {}),
      };
    }
  }
}

function lastOf(seen: readonly SeenStream[], exchange: string, streams: readonly Stream[]): readonly LastSeen[] {
  const keys = new Set(streams.map(streamKey));
  return seen.flatMap(({ exchange: of, ...last }) => of === exchange && keys.has(streamKey(last)) ? [last] : []);
}
