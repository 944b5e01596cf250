/** A parsed JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A text near the root of a frame, with its path. */
export interface ShallowText {
  readonly path: string;
  readonly text: string;
}

/** Deepest level below the root at which a frame names its topic. */
const DEPTH_MAX = 2;

/** Parses JSON; undefined if the text is none. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Returns the texts near the root of a frame, without those in lists of data. A list at the root is searched too. */
export function shallowTexts(value: Json): readonly ShallowText[] {
  const found: ShallowText[] = [];
  collect(value, "", 0, found);
  return found;
}

function collect(value: Json, path: string, depth: number, found: ShallowText[]): void {
  if (typeof value === "string") {
    found.push({ path, text: value });
    return;
  }
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return;
  if (isList(value)) {
    if (depth > 0) return;
    value.forEach((element, index) => typeof element === "string" && found.push({ path: `/${index}`, text: element }));
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (depth < DEPTH_MAX || typeof inner === "string") collect(inner, `${path}/${key}`, depth + 1, found);
  }
}

/** Whether a value is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a text is a word, or contains it between characters that are neither letters nor digits. Ignores case. */
export function hasWord(text: string, word: string): boolean {
  const [whole, part] = [text.toLowerCase(), word.toLowerCase()];
  if (part === "") return false;
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
    const [before, after] = [whole[at - 1] ?? " ", whole[at + part.length] ?? " "];
    if (!/[\p{L}\d]/u.test(before) && !/[\p{L}\d]/u.test(after)) return true;
  }
  return false;
}
