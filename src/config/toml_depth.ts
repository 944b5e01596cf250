import { TOML_DEPTH_MAX } from "../model/mod.ts";

/** Strings, comments and the characters that open, close or separate what nests. Strings may be unclosed. */
const TOKEN =
  /"""(?:\\[^]|(?!""")[^])*(?:"""|$)|'''(?:(?!''')[^])*(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|#[^\n]*|[[\]{}.,=\n]/g;

/**
 * Returns where a text first nests deeper than TOML_DEPTH_MAX, in brackets or in the parts of a dotted key; null if nowhere.
 * Parsers recurse, so deeper texts would overflow their stack.
 */
export function findTooDeep(text: string): number | null {
  let depth = 0;
  let parts = 0;
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    switch (token[0]) {
      case "[":
      case "{":
        depth++;
        parts = 0;
        break;
      case "]":
      case "}":
        depth--;
        parts = 0;
        break;
      case ".":
        parts++;
        break;
      case ",":
      case "=":
      case "\n":
        parts = 0;
    }
    if (depth > TOML_DEPTH_MAX || parts >= TOML_DEPTH_MAX) return token.index;
  }
  return null;
}
