import { compilePath, type Expression, parsePointer, type Path, type Rows } from "../json/mod.ts";
import { type Compiled, compiled, refused } from "./diagnostic.ts";
import { compileExpression, pathExpression } from "./expression.ts";

/**
 * Compiles a source: text that begins with `/` is a JSON pointer (RFC 6901) from the row, "" is the row itself, any other
 * text is an expression. A pointer or plain member path sets `path`.
 */
export function compileSource(text: string): Compiled<Expression> {
  if (text !== "" && !text.startsWith("/")) return compileExpression(text);
  const segments = parsePointer(text);
  return segments === null ? refusedPointer(text) : compiled(pathExpression(text, segments));
}

/**
 * Compiles a fan-out: a pointer from the row in which each `*` segment iterates over what was found so far. "" is the row
 * itself as the only row.
 */
export function compileRows(text: string): Compiled<Rows> {
  if (text !== "" && !text.startsWith("/")) {
    return refused(0, text.length, `Rows are a pointer that begins with /, such as "/${text.replaceAll(".", "/")}"`);
  }
  const segments = parsePointer(text);
  if (segments === null) return refusedPointer(text);
  const steps: Path[] = [];
  let pending: string[] = [];
  for (const segment of segments) {
    if (segment !== "*") {
      pending.push(segment);
      continue;
    }
    steps.push(compilePath(pending));
    pending = [];
  }
  const endsWithWildcard = steps.length > 0 && pending.length === 0;
  return compiled({ source: text, steps, tail: endsWithWildcard ? null : compilePath(pending) });
}

function refusedPointer<T>(text: string): Compiled<T> {
  const at = text.search(/~(?![01])/);
  return refused(at, 2, "Unknown escape in a JSON pointer: ~0 stands for ~ and ~1 for /");
}
