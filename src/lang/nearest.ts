/** Most names listed in one message. */
const NAMES_SHOWN_MAX = 20;
/** Longest name that is compared; a longer text is no misspelt name. */
const NAME_CHARS_MAX = 60;

/**
 * Returns the known name nearest to `written`, by edit distance with transpositions, ignoring case. Null if none is
 * within a third of the longer length (at least one edit, and fewer than the name has characters).
 */
export function nearestName(written: string, known: Iterable<string>): string | null {
  if (written.length > NAME_CHARS_MAX) return null;
  const normal = written.toLowerCase();
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const allowed = Math.max(1, Math.floor(Math.max(normal.length, candidate.length) / 3));
    if (Math.abs(candidate.length - normal.length) > allowed) continue;
    const distance = editDistance(normal, candidate);
    if (distance <= allowed && distance < bestDistance && distance < candidate.length) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Returns the end of a message about an unknown name: `: did you mean "x"?`, or the known names, or nothing if there
 * are none.
 */
export function didYouMean(written: string, known: Iterable<string>): string {
  const names = [...known];
  const nearest = nearestName(written, names);
  if (nearest !== null) return `: did you mean "${nearest}"?`;
  if (names.length === 0) return "";
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return `: expected one of ${shown}${names.length > NAMES_SHOWN_MAX ? ", …" : ""}`;
}

/** Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforePrevious: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
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
