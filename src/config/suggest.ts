/**
 * The known name nearest to what was written, or null where none is near: by edit distance with transpositions, at most
 * a third of the longer length and at least one edit. Case and `-` for `_` count as no edit.
 */
export function suggest(written: string, known: readonly string[]): string | null {
  const normal = normalise(written);
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of known) {
    const candidate = normalise(name);
    const allowed = Math.max(1, Math.floor(Math.max(normal.length, candidate.length) / 3));
    if (Math.abs(normal.length - candidate.length) > allowed) continue;
    const distance = editDistance(normal, candidate);
    if (distance <= allowed && distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `: did you mean "x"?`, or a list of what is known, or nothing where nothing is. */
export function suggestion(written: string, known: readonly string[]): string {
  const nearest = suggest(written, known);
  if (nearest !== null) return `: did you mean "${nearest}"?`;
  return known.length === 0 ? "" : `: expected one of ${listNames(known)}`;
}

/** Names for a message, the longest lists cut short. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

/** Most names listed in one message. */
const NAMES_SHOWN_MAX = 30;

/** Longest text compared; what is longer is no misspelt key. */
const SUGGEST_CHARS_MAX = 80;

function normalise(text: string): string {
  return text.slice(0, SUGGEST_CHARS_MAX).toLowerCase().replaceAll("-", "_");
}

/** Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2] + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length];
}
