/**
 * Order books with checks: levels, the sequence of updates, joining snapshots with deltas, checksums, and the keeper
 * that decides which updates are emitted. In: book events and a BookRule. Out: verdicts. Pure. Must not know frames,
 * sockets, sessions, clocks or any exchange by name.
 */
export { BookKeeper, type BookKeeperState, type CopiedKeeper } from "./keeper.ts";
export { checksumOf, learnDigits, type NumberDigits } from "./checksum.ts";
export { compareDecimals } from "./decimal_order.ts";
export { type BookLevels, type BookSide, OrderBook } from "./order_book.ts";
export {
  type BookEmission,
  type BookFaultCause,
  type BookGap,
  type BookUpdate,
  type BookVerdict,
  type DeltaEvent,
  type SnapshotEvent,
} from "./verdict.ts";
export { type BookState, type OpenBookGap } from "./validity.ts";
export { type Junction, junction, type SequencePoint, type Succession, succession } from "./sequencer.ts";
export { type LedgerEntry, OrderLedger } from "./order_ledger.ts";
