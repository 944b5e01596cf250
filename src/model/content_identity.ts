import { byKind, EVENT_SPECS, fieldsOf } from "./event_specs.ts";
import type { MarketEvent } from "./event.ts";
import type { Micros } from "./micros.ts";

/** The field of type `id` of each kind that is known by one; empty where there is none. */
const ID_FIELDS = byKind((kind) => fieldsOf(kind).find(([, { type }]) => type === "id")?.[0] ?? "");

/**
 * Whether two who see the same event of an exchange can know it for the same: by its id, by its sequence where it is of a
 * book, or by the exchange's time of it. Never for gaps, tops and raw frames. Where this is false nothing tells an event
 * from one that happened to be equal, and both are kept.
 */
export function hasContentIdentity(event: MarketEvent, exchangeTs: Micros | null): boolean {
  switch (EVENT_SPECS[event.kind].identity) {
    case "id": {
      const fields: Readonly<Record<string, unknown>> = event;
      return exchangeTs !== null || fields[ID_FIELDS[event.kind]] !== null;
    }
    case "state":
      return exchangeTs !== null;
    case "book":
      return (event.kind === "book_snapshot" && event.sequence !== null) ||
        (event.kind === "book_delta" && event.last_sequence !== null);
    default:
      return false;
  }
}

/** Returns all that an event says, with its symbol and the exchange's time: the same text for the same event. */
export function contentText(native: string, exchangeTs: Micros | null, event: MarketEvent): string {
  return JSON.stringify([native, exchangeTs, event]);
}
