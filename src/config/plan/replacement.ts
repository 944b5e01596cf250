import { parsePointer } from "../../json/mod.ts";
import type { ReplacementValues } from "../schema_descriptor.ts";
import { findKey, findValue } from "./json_text.ts";

/** A valid JSON text with a value replaced or a member renamed; null where there is none at the place. */
export function replaced(text: string, replacement: ReplacementValues): string | null {
  const segments = parsePointer(replacement.at);
  if (segments === null) return null;
  const value = findValue(text, segments);
  if (value === null) return null;
  let changed = text;
  if (replacement.value !== undefined) {
    const old = text.slice(value.start, value.end);
    changed = text.slice(0, value.start) + newValue(old, replacement.value) + text.slice(value.end);
  }
  if (replacement.key === undefined) return changed;
  // The key stands before the value: its place is still the same.
  const key = findKey(text, segments);
  return key === null ? null : changed.slice(0, key.start) + JSON.stringify(replacement.key) + changed.slice(key.end);
}

function newValue(old: string, value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const text: unknown = JSON.parse(old);
  return JSON.stringify(value.replaceAll("{value}", () => typeof text === "string" ? text : old));
}
