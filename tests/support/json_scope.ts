import { JsonDocument } from "../../src/json/mod.ts";
import type { Scope } from "../../src/program/mod.ts";

/** A scope over a JSON text whose row and parent are the root. Throws where the text is not JSON. */
export function scopeOf(json: string): Scope & { readonly document: JsonDocument } {
  const document = new JsonDocument();
  if (!document.parse(new TextEncoder().encode(json))) {
    throw new Error(`Not JSON: ${document.error?.message} in ${json}`);
  }
  return { document, row: 0, parent: 0, route: null, outer: null, listed: null };
}
