/** A parsed JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A text that stands near the root of a frame, with the path to it. */
export interface ShallowText {
  readonly path: string;
  readonly text: string;
}

/** How deep below the root a frame names its topic. */
const DEPTH_MAX = 2;

/** Reads JSON; undefined where the text is none. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The texts near the root of a frame, those inside lists of data left out. A list at the root is looked into. */
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

/** Whether a text is a word, or holds it between signs that are neither letters nor digits. Case does not matter. */
export function hasWord(text: string, word: string): boolean {
  const [whole, part] = [text.toLowerCase(), word.toLowerCase()];
  if (part === "") return false;
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
    const [before, after] = [whole[at - 1] ?? " ", whole[at + part.length] ?? " "];
    if (!/[\p{L}\d]/u.test(before) && !/[\p{L}\d]/u.test(after)) return true;
  }
  return false;
}
