import { type BookDelta, doubleFromDecimal, isZero, type Level } from "../model/mod.ts";

/** The levels of a book with the number that they are of. */
export interface NumberedBook {
  readonly sequence: bigint;
  /** Best first. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** A copy of a kept book, which may leave out levels that are far from the best. */
export interface BookCopy extends NumberedBook {
  readonly areBidsCut: boolean;
  readonly areAsksCut: boolean;
}

/** What comparing came to: the difference, in words; null: there is none. `wait`: the deltas have not come so far. */
export type BookComparison = { readonly difference: string | null } | "wait" | "impossible";

type Side = Map<string, Level>;

/**
 * Compares a copy of a kept book, moved on by the deltas that followed, with a snapshot at the snapshot's own number. Where
 * a delta jumps over that number, the levels that it touches are left out: all others were the same before and after it.
 * Only the best `levels` of each side count, and none that the copy may lack.
 */
export function compareBook(
  copy: BookCopy,
  deltas: readonly BookDelta[],
  { snapshot, levels }: { readonly snapshot: NumberedBook; readonly levels: number },
): BookComparison {
  if (snapshot.sequence < copy.sequence) return "impossible";
  const bids: Side = new Map(copy.bids.map((level) => [keyOf(level[0]), level]));
  const asks: Side = new Map(copy.asks.map((level) => [keyOf(level[0]), level]));
  const touched = new Set<string>();
  let at = copy.sequence;
  for (const delta of deltas) {
    if (at >= snapshot.sequence) break;
    const last = numberOf(delta.last_sequence);
    if (last === null) return "impossible";
    if (last <= at) continue;
    if (last > snapshot.sequence) {
      for (const [price] of [...delta.bids, ...delta.asks]) touched.add(keyOf(price));
    } else {
      change(bids, delta.bids);
      change(asks, delta.asks);
    }
    at = last;
  }
  if (at < snapshot.sequence) return "wait";
  const bid = sideDifference(bids, snapshot.bids, {
    levels,
    touched,
    order: -1,
    limit: copy.areBidsCut ? copy.bids[copy.bids.length - 1] : undefined,
  });
  const ask = bid ?? sideDifference(asks, snapshot.asks, {
    levels,
    touched,
    order: 1,
    limit: copy.areAsksCut ? copy.asks[copy.asks.length - 1] : undefined,
  });
  return { difference: ask };
}

function change(side: Side, levels: readonly Level[]): void {
  for (const level of levels) {
    if (isZero(level[1])) side.delete(keyOf(level[0]));
    else side.set(keyOf(level[0]), level);
  }
}

function sideDifference(
  kept: Side,
  given: readonly Level[],
  { levels, touched, order, limit }: {
    readonly levels: number;
    readonly touched: ReadonlySet<string>;
    /** 1: the lowest price is the best. */
    readonly order: 1 | -1;
    /** The last level that the copy has of a side that it cuts; from there on levels may be missing. */
    readonly limit: Level | undefined;
  },
): string | null {
  const best = (all: Iterable<Level>) =>
    [...all].filter(([price]) => !touched.has(keyOf(price)))
      .sort(([a], [b]) => order * (doubleFromDecimal(a) - doubleFromDecimal(b)));
  const end = limit === undefined ? null : doubleFromDecimal(limit[0]);
  const own = best(kept.values()).filter(([price]) => end === null || order * (doubleFromDecimal(price) - end) < 0);
  const theirs = best(given);
  const count = Math.min(levels, own.length, theirs.length);
  const name = order === 1 ? "ask" : "bid";
  for (let at = 0; at < count; at++) {
    const [[price, size], [wantedPrice, wantedSize]] = [own[at], theirs[at]];
    if (keyOf(price) === keyOf(wantedPrice) && keyOf(size) === keyOf(wantedSize)) continue;
    return `${name} ${at + 1} is ${size} at ${price}, and the exchange has ${wantedSize} at ${wantedPrice}`;
  }
  return null;
}

/** One text for all spellings of a number. */
function keyOf(text: string): string {
  if (!/^\d+(?:\.\d+)?$/.test(text)) return String(doubleFromDecimal(text));
  const [whole, part = ""] = text.split(".");
  const digits = part.replace(/0+$/, "");
  return `${whole.replace(/^0+(?=\d)/, "")}${digits === "" ? "" : `.${digits}`}`;
}

/** The number that a sequence is; null where it is none. */
export function numberOf(sequence: string | null): bigint | null {
  return sequence !== null && /^\d+$/.test(sequence) ? BigInt(sequence) : null;
}
