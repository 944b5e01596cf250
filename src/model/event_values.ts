import type { Decimal } from "./decimal.ts";

/** The taker's side of a trade, or the side of a liquidation's order; `unknown` if the exchange does not say. */
export type Side = "buy" | "sell" | "unknown";

/** One price level: price and absolute size. In a delta, size zero removes the level. */
export type Level = readonly [price: Decimal, size: Decimal];

/**
 * Why data is missing. `reset`: the exchange restarted its sequence. `stalled`: the stream was silent while its
 * connection lived. `takeover`: another collector took the stream over. `unsubscribed`: the collector no longer asks
 * for it. `clock`: the machine's clock was set.
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
 * `opened`: the gap has begun and not ended. `closed`: it has ended; the event repeats the id and beginning of the
 * opening, or is the only one if the gap was noticed only at its end. `filled`: the missing data was fetched later.
 */
export type GapState = "opened" | "closed" | "filled";

/** All states. */
export const GAP_STATES: readonly GapState[] = ["opened", "closed", "filled"];

/** Name of the exchange in events of a session whose `opened` record is unknown. */
export const UNKNOWN_EXCHANGE = "unknown";
