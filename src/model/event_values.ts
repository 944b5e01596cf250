import type { Decimal } from "./decimal.ts";

/** The taker's side of a trade, or the order side of a liquidation; `unknown` where the exchange does not say. */
export type Side = "buy" | "sell" | "unknown";

/** One price level: price and absolute size; size zero removes the level in a delta. */
export type Level = readonly [price: Decimal, size: Decimal];

/**
 * Why something is missing. `reset`: the exchange's numbers began again. `stalled`: the stream stood still while its
 * connection lived. `takeover`: another collector took the stream over. `unsubscribed`: it is asked for no
 * more. `clock`: the machine's clock was set.
 */
export type GapCause =
  | "disconnect"
  | "sequence"
  | "reset"
  | "checksum"
  | "stale"
  | "stalled"
  | "undecodable"
  | "dropped"
  | "rejected"
  | "takeover"
  | "unsubscribed"
  | "clock";

/** All causes, in the order in which reports list them. */
export const GAP_CAUSES: readonly GapCause[] = [
  "disconnect",
  "sequence",
  "reset",
  "checksum",
  "stale",
  "stalled",
  "undecodable",
  "dropped",
  "rejected",
  "takeover",
  "unsubscribed",
  "clock",
];

/**
 * `opened`: the gap has begun and not ended. `closed`: it has ended; the event repeats the opening's id and beginning, or
 * stands alone where the gap was known only once it was over. `filled`: what was missing was fetched later.
 */
export type GapState = "opened" | "closed" | "filled";

/** All states. */
export const GAP_STATES: readonly GapState[] = ["opened", "closed", "filled"];

/** Name of the exchange in events of a session whose opening is unknown: they may be of any. */
export const UNKNOWN_EXCHANGE = "unknown";
