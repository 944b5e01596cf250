import { parsePointer } from "../json/mod.ts";
import type { Expression, Rows } from "../model/mod.ts";
import type { Definitions } from "./definitions.ts";
import { type Parsed, parsed, refused } from "./diagnostic.ts";
import { parseExpression } from "./expression.ts";

/**
 * Parses a source: a text that begins with `/` is a JSON pointer (RFC 6901) from the row, "" is the row itself, any
 * other text is an expression.
 */
export function parseSource(text: string, definitions?: Definitions): Parsed<Expression> {
  if (text !== "" && !text.startsWith("/")) return parseExpression(text, { definitions });
  const segments = parsePointer(text);
  if (segments === null) return refusedPointer(text);
  return parsed({ source: text, tree: { kind: "path", root: "row", segments, offset: 0, length: text.length } });
}

/**
 * Parses a fan-out: a pointer from the row in which each `*` segment iterates over the array found so far. "" gives the
 * row itself as the only row.
 */
export function parseRows(text: string): Parsed<Rows> {
  if (text !== "" && !text.startsWith("/")) {
    return refused(0, text.length, `Rows are a pointer that begins with /, such as "/${text.replaceAll(".", "/")}"`);
  }
  const segments = parsePointer(text);
  if (segments === null) return refusedPointer(text);
  const steps: string[][] = [];
  let pending: string[] = [];
  for (const segment of segments) {
    if (segment !== "*") {
      pending.push(segment);
      continue;
    }
    steps.push(pending);
    pending = [];
  }
  const endsWithWildcard = steps.length > 0 && pending.length === 0;
  return parsed({ source: text, steps, tail: endsWithWildcard ? null : pending });
}

function refusedPointer<T>(text: string): Parsed<T> {
  const at = text.search(/~(?![01])/);
  return refused(at, 2, "Unknown escape in a JSON pointer: ~0 is ~ and ~1 is /");
}
