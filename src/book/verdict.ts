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

/** Changes of single orders, which give the event's levels when applied. Absent if the event has levels. */
interface WithOrders {
  readonly orders?: readonly OrderChange[];
}

/** One event of a book feed, with its exchange time and checksum. */
export interface BookUpdate {
  readonly event: SnapshotEvent | DeltaEvent;
  readonly exchangeTs: Micros | null;
  /** The exchange's checksum of the book after this update; null if it sends none. */
  readonly checksum: string | null;
}

/** An event that may be emitted. */
export interface BookEmission {
  readonly event: SnapshotEvent | DeltaEvent;
  readonly exchangeTs: Micros | null;
}

/** The beginning of a gap of a book, or (`recovered`) its end. */
export interface BookGap {
  readonly cause: BookFaultCause;
  /** Sequences of the last good update before, and of the update that showed the fault or recovered the book. */
  readonly fromSequence: string | null;
  readonly toSequence: string | null;
  /** Receive time of the last good update before; null if there was none. */
  readonly fromTs: Micros | null;
  readonly detail: string;
  readonly recovered: boolean;
}

/** Result of applying the updates of one frame, in order: gaps precede emitted events. */
export interface BookVerdict {
  readonly emit: readonly BookEmission[];
  readonly gaps: readonly BookGap[];
  /** Action that makes the book valid; null if none is needed. */
  readonly resync: ResyncAction | null;
  /** Number of updates that are not emitted as events of their own. */
  readonly withheld: number;
  /** Why a snapshot was refused; null if none was. */
  readonly refused: string | null;
}

/** A verdict under construction. */
export interface MutableVerdict {
  emit: BookEmission[];
  gaps: BookGap[];
  resync: ResyncAction | null;
  withheld: number;
  refused: string | null;
}

/** Returns an empty verdict. */
export function newVerdict(): MutableVerdict {
  return { emit: [], gaps: [], resync: null, withheld: 0, refused: null };
}
