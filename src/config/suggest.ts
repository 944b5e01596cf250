import { nearestName } from "../lang/mod.ts";

/** Returns the known key nearest to a text; null if none is near. Case and `-` for `_` count as no edit. */
export function suggest(written: string, known: readonly string[]): string | null {
  const names = new Map(known.map((name) => [normalise(name), name]));
  const nearest = nearestName(normalise(written), names.keys());
  return nearest === null ? null : names.get(nearest) ?? null;
}

/** `: did you mean "x"?`, or a list of what is known, or nothing where nothing is. */
export function suggestion(written: string, known: readonly string[]): string {
  const nearest = suggest(written, known);
  if (nearest !== null) return `: did you mean "${nearest}"?`;
  return known.length === 0 ? "" : `: expected one of ${listNames(known)}`;
}

/** Lists names for a message; truncates long lists. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

/** Most names listed in one message. */
const NAMES_SHOWN_MAX = 30;

function normalise(text: string): string {
  return text.toLowerCase().replaceAll("-", "_");
}
