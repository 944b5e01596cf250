import type {
  BookDelta,
  BookSnapshot,
  GapCause,
  Micros,
  OrderChange,
  ResyncAction,
  WithLevelSource,
} from "../model/mod.ts";

/** Why a book is broken. */
export type BookFaultCause = Extract<
  GapCause,
  "sequence" | "reset" | "checksum" | "stale" | "dropped" | "undecodable"
>;

/** A snapshot whose levels may be rows of columns. */
export type SnapshotEvent = WithLevelSource<BookSnapshot> & WithOrders;
/** A delta whose levels may be rows of columns. */
export type DeltaEvent = WithLevelSource<BookDelta> & WithOrders;

/** Changes of single orders, which add up to the event's levels when it is applied; absent where it has levels. */
interface WithOrders {
  readonly orders?: readonly OrderChange[];
}

/** One event of a book feed with what the frame says about it. */
export interface BookUpdate {
  readonly event: SnapshotEvent | DeltaEvent;
  readonly exchangeTs: Micros | null;
  /** The exchange's checksum of the book after this update; null where it sends none. */
  readonly checksum: string | null;
}

/** An event that may be emitted. */
export interface BookEmission {
  readonly event: SnapshotEvent | DeltaEvent;
  readonly exchangeTs: Micros | null;
}

/** The end of a valid stretch, or (`recovered`) the end of the stretch that was not. */
export interface BookGap {
  readonly cause: BookFaultCause;
  /** Last good update before, and the update that showed the fault or made the book valid again. */
  readonly fromSequence: string | null;
  readonly toSequence: string | null;
  /** Receive time of the last good update before; null where there was none. */
  readonly fromTs: Micros | null;
  readonly detail: string;
  readonly recovered: boolean;
}

/** What the updates of one frame became, in order: gaps stand before what is emitted. */
export interface BookVerdict {
  readonly emit: readonly BookEmission[];
  readonly gaps: readonly BookGap[];
  /** What to do so that the book becomes valid; null where nothing is to be done. */
  readonly resync: ResyncAction | null;
  /** Updates that are not emitted as events of their own. */
  readonly withheld: number;
  /** Why a snapshot was refused; null where none was. */
  readonly refused: string | null;
}

/** A verdict while it is made. */
export interface MutableVerdict {
  emit: BookEmission[];
  gaps: BookGap[];
  resync: ResyncAction | null;
  withheld: number;
  refused: string | null;
}

/** Returns a verdict on nothing. */
export function newVerdict(): MutableVerdict {
  return { emit: [], gaps: [], resync: null, withheld: 0, refused: null };
}
