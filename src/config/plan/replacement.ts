import { parsePointer } from "../../json/mod.ts";
import type { ReplacementValues } from "../schema_descriptor.ts";
import type { Place } from "./place.ts";
import { findKey, findValue } from "./json_text.ts";

/**
 * A valid JSON text with a value replaced or a member renamed; null where there is none at its pointer. `place` is that
 * of the replacement.
 */
export function replaced(text: string, replacement: ReplacementValues, place: Place): string | null {
  const segments = parsePointer(replacement.at);
  if (segments === null) return null;
  const value = findValue(text, segments);
  if (value === null) return null;
  let changed = text;
  if (replacement.value !== undefined) {
    const old = text.slice(value.start, value.end);
    changed = text.slice(0, value.start) + newValue(old, replacement.value, place.at("value")) + text.slice(value.end);
  }
  if (replacement.key === undefined) return changed;
  // The key stands before the value: its place is still the same.
  const key = findKey(text, segments);
  return key === null ? null : changed.slice(0, key.start) + JSON.stringify(replacement.key) + changed.slice(key.end);
}

function newValue(old: string, value: string | number | boolean, place: Place): string {
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return place.number(value);
  const text: unknown = JSON.parse(old);
  return JSON.stringify(value.replaceAll("{value}", () => typeof text === "string" ? text : old));
}
