/** Places in JSON text, for splicing values without reading or writing them: digits and escapes stay as they are. */

/** A stretch of text: UTF-16 offsets of its first character and behind its last. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** Where the value at `segments` stands in a valid JSON text; null where the segments lead nowhere. */
export function findValue(text: string, segments: readonly string[]): TextSpan | null {
  let start = skipSpace(text, 0);
  for (const segment of segments) {
    const child = children(text, start).find(({ key }) => key === segment);
    if (child === undefined) return null;
    start = child.start;
  }
  return { start, end: skipValue(text, start) };
}

/**
 * Where the key of the member at `segments` stands, quotes included; null where they lead to no member of an object.
 */
export function findKey(text: string, segments: readonly string[]): TextSpan | null {
  const parent = findValue(text, segments.slice(0, -1));
  if (parent === null || segments.length === 0) return null;
  return children(text, parent.start).find(({ key }) => key === segments[segments.length - 1])?.keySpan ?? null;
}

/**
 * A JSON text cut at an array or a text of it: `head`, the parts with `joiner` between them, and `tail` are the
 * whole.
 */
export interface CutText {
  readonly head: string;
  readonly parts: readonly string[];
  readonly tail: string;
  readonly joiner: string;
}

/**
 * Cuts a valid JSON text at the array found at `at`, behind its first `keepFirst` elements; with a separator at the text
 * found there, which is one part. Null where neither is found.
 */
export function cutText(
  text: string,
  cut: { readonly at: readonly string[]; readonly separator: string | null; readonly keepFirst: number },
): CutText | null {
  const span = findValue(text, cut.at);
  if (span === null) return null;
  const inner = { start: span.start + 1, end: span.end - 1 };
  const tail = text.slice(inner.end);
  if (cut.separator !== null) {
    if (text[span.start] !== '"') return null;
    const joiner = JSON.stringify(cut.separator).slice(1, -1);
    return { head: text.slice(0, inner.start), parts: [text.slice(inner.start, inner.end)], tail, joiner };
  }
  const elements = findElements(text, span.start);
  if (elements === null || elements.length < cut.keepFirst) return null;
  const items = elements.slice(cut.keepFirst);
  const kept = cut.keepFirst === 0 ? inner.start : items.length === 0 ? inner.end : items[0].start;
  const parts = items.map(({ start, end }) => text.slice(start, end));
  return { head: text.slice(0, kept), parts, tail, joiner: "," };
}

/** The elements of the array that begins at `start`; null where no array does. */
export function findElements(text: string, start: number): readonly TextSpan[] | null {
  return text[start] === "[" ? children(text, start) : null;
}

/** Members of an object or elements of an array, with key or index; none for a scalar. */
function children(
  text: string,
  start: number,
): readonly (TextSpan & { readonly key: string; readonly keySpan: TextSpan | null })[] {
  const isObject = text[start] === "{";
  if (!isObject && text[start] !== "[") return [];
  const found: (TextSpan & { key: string; keySpan: TextSpan | null })[] = [];
  let at = skipSpace(text, start + 1);
  while (text[at] !== "}" && text[at] !== "]") {
    let key = String(found.length);
    let keySpan: TextSpan | null = null;
    if (isObject) {
      const keyEnd = skipValue(text, at);
      keySpan = { start: at, end: keyEnd };
      key = JSON.parse(text.slice(at, keyEnd));
      at = skipSpace(text, skipSpace(text, keyEnd) + 1);
    }
    const end = skipValue(text, at);
    found.push({ key, keySpan, start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && " \t\n\r".includes(text[at])) at++;
  return at;
}

function skipValue(text: string, start: number): number {
  if (text[start] === '"') return skipString(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = skipString(text, at) - 1;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (char === "," || " \t\n\r".includes(char))) return at;
  }
  return text.length;
}

function skipString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
