import { byKind, EVENT_SPECS, type EventKind, fieldsOf } from "./event_specs.ts";
import type { MarketEvent } from "./event.ts";
import type { Micros } from "./micros.ts";

/** The field of type `id` by kind; empty if the kind has none. */
export const ID_FIELDS: Readonly<Record<EventKind, string>> = byKind((kind) =>
  fieldsOf(kind).find(([, { type }]) => type === "id")?.[0] ?? ""
);

/**
 * Whether two receivers of an event can tell that it is the same one: by its id, by its sequence (books), or by its
 * exchange time. Never for gaps, tops and raw frames. If false, two equal events may be two occurrences, and both are
 * kept.
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

/** Returns a text of the symbol, exchange time and all fields of an event: equal for copies of one event. */
export function contentText(native: string, exchangeTs: Micros | null, event: MarketEvent): string {
  return JSON.stringify([native, exchangeTs, event]);
}
