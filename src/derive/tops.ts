import { type BookTop, type BookTopPlan, type Micros, STAMP_AHEAD_US_MAX } from "../model/mod.ts";
import type { KeptBook } from "./books.ts";

/**
 * Returns the best levels of a valid book at the first update in each interval of exchange time, or of receive time if
 * there is none; null for other updates. A time that goes back by more than STAMP_AHEAD_US_MAX restarts the intervals.
 */
export function nextTop(
  kept: KeptBook,
  { levels, intervalMs }: BookTopPlan,
  receivedTs: Micros,
): { readonly event: BookTop; readonly exchangeTs: Micros | null } | null {
  const { keeper } = kept;
  if (keeper.state !== "valid") return null;
  const { sequence, exchangeTs } = keeper.last;
  const intervalUs = intervalMs * 1000;
  const slot = Math.floor((exchangeTs ?? receivedTs) / intervalUs);
  const { topSlot } = kept;
  if (topSlot !== null && slot <= topSlot && (topSlot - slot) * intervalUs <= STAMP_AHEAD_US_MAX) return null;
  kept.topSlot = slot;
  const [bids, asks] = [keeper.book.top("bid", levels), keeper.book.top("ask", levels)];
  return { event: { kind: "book_top", bids, asks, sequence }, exchangeTs };
}
