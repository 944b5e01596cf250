import { createHash } from "node:crypto";
import { type Envelope, hasContentIdentity } from "../model/mod.ts";

/**
 * Returns a text of 22 letters, digits, `-` and `_` that two collectors give to the same event of an exchange, so that
 * a destination can keep it once: 128 bits of SHA-256 over kind, instance name, native symbol, exchange time and all
 * fields of the event. Null if nothing distinguishes the event from a repeat, so that it is never removed: gaps, tops,
 * raw frames, books without sequences, and everything else without an id and an exchange time.
 */
export function contentId({ exchange, native_symbol, exchange_ts, event }: Envelope): string | null {
  if (!hasContentIdentity(event, exchange_ts)) return null;
  const said = JSON.stringify([exchange, native_symbol, exchange_ts, event]);
  return createHash("sha256").update(said).digest("base64url").slice(0, 22);
}
