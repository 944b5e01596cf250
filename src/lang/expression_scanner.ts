import type { Span } from "../model/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { readTextLiteral } from "./text_literal.ts";

/** A word of the expression language. The last token of a text is always `end`. */
export interface ExpressionToken extends Span {
  readonly kind: "name" | "text" | "number" | "sign" | "end";
  /** A name, the value of a text, the digits of a number, the characters of a sign. */
  readonly text: string;
}

const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SIGN = /\?\?|==|!=|<=|>=|&&|\|\||[<>!?:()[\],.]/y;
const SPACE = /\s+/y;

/** What other languages write, and what to write here. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ["=", "write == to compare"],
  ["&", "write && for and"],
  ["|", "write || for or"],
  ["+", "write add(a, b) for numbers or concat(a, b) for texts"],
  ["-", 'write sub(a, b) or neg(a); a name with a hyphen is written row["a-b"]'],
  ["*", "write mul(a, b)"],
  ["/", "write div(a, b, digits); a pointer stands alone and begins with /"],
  ["`", "write a text in 'single' or \"double\" quotes"],
]);

/** Cuts an expression into tokens; what cannot be read is reported and skipped. */
export function scanExpression(
  source: string,
): { readonly tokens: readonly ExpressionToken[]; readonly errors: readonly LangError[] } {
  const tokens: ExpressionToken[] = [];
  const errors: LangError[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0] ?? null;
  };
  const push = (kind: ExpressionToken["kind"], text: string, length: number): void => {
    tokens.push({ kind, text, offset: at, length });
    at += length;
  };
  while (at < source.length) {
    const space = take(SPACE);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const character = source[at];
    if (character === '"' || character === "'") {
      const literal = readTextLiteral(source, at);
      errors.push(...literal.errors);
      push("text", literal.value, literal.end - at);
      continue;
    }
    const number = take(NUMBER);
    if (number !== null) {
      push("number", number, number.length);
      const tail = take(NAME);
      if (tail !== null) {
        errors.push(errorAt(at, tail.length, `A name cannot begin with digits: write row["${number}${tail}"]`));
        at += tail.length;
      }
      continue;
    }
    const name = take(NAME);
    if (name !== null) {
      push("name", name, name.length);
      continue;
    }
    const sign = take(SIGN);
    if (sign !== null) {
      push("sign", sign, sign.length);
      continue;
    }
    const unknown = String.fromCodePoint(source.codePointAt(at) ?? 0);
    const hint = HINTS.get(unknown);
    errors.push(
      errorAt(at, unknown.length, `Unexpected character ${quoted(unknown)}${hint === undefined ? "" : `: ${hint}`}`),
    );
    at += unknown.length;
  }
  push("end", "", 0);
  return { tokens, errors };
}
