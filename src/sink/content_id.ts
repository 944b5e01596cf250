import { createHash } from "node:crypto";
import { type Envelope, EVENT_SPECS, fieldsOf, type MarketEvent } from "../model/mod.ts";

/** Field of type `id` of each kind that is known by one. */
const ID_FIELDS = new Map<string, string>(
  Object.keys(EVENT_SPECS).flatMap((kind) => {
    const id = fieldsOf(kind as MarketEvent["kind"]).find(([, { type }]) => type === "id");
    return id === undefined ? [] : [[kind, id[0]]];
  }),
);

/**
 * Returns a text of 22 letters, digits, `-` and `_` that two collectors give to the same event of an exchange, so that a
 * destination can keep it once: 128 bits of SHA-256 over kind, instance name, native symbol, exchange time and all that
 * the event says. Null for what nothing tells from a repeat, which is never removed: gaps, tops, raw frames, books
 * without sequences, and everything else that has neither an id nor an exchange time.
 */
export function contentId({ exchange, native_symbol, exchange_ts, event }: Envelope): string | null {
  if (!isTold(event, exchange_ts)) return null;
  const said = JSON.stringify([exchange, native_symbol, exchange_ts, event]);
  return createHash("sha256").update(said).digest("base64url").slice(0, 22);
}

function isTold(event: MarketEvent, exchangeTs: number | null): boolean {
  switch (EVENT_SPECS[event.kind].identity) {
    case "id": {
      const fields: Readonly<Record<string, unknown>> = event;
      return exchangeTs !== null || fields[ID_FIELDS.get(event.kind) ?? ""] !== null;
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
