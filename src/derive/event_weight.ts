import type { MarketEvent } from "../model/mod.ts";

/** An event with its envelope, its numbers and its short texts, in bytes. */
const EVENT_BYTES = 640;
/** A price level: an array and two short texts. */
const LEVEL_BYTES = 144;

/** About how much memory an event holds with its envelope, in bytes: what bounds of memory are counted in. */
export function weighEvent(event: MarketEvent): number {
  switch (event.kind) {
    case "book_snapshot":
    case "book_delta":
    case "book_top":
      return EVENT_BYTES + LEVEL_BYTES * (event.bids.length + event.asks.length);
    case "raw":
      return EVENT_BYTES + event.payload.length;
    default:
      return EVENT_BYTES;
  }
}
