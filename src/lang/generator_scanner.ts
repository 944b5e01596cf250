import type { Span } from "../model/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { readTextLiteral, type TextLiteral } from "./text_literal.ts";

/** A word of the generator language. The last token of a text is always `end`. */
export type GeneratorToken =
  & Span
  & { readonly text: string }
  & (
    | { readonly kind: "name" | "sign" | "end" }
    | { readonly kind: "text"; readonly literal: TextLiteral }
  );

const NAME = /[A-Za-z_]\w*/y;
const SIGN = /==|!=|&&|\|\||[(){};]/y;
const SKIPPED = /(?:\s+|\/\/[^\n]*)+/y;

/** What other languages write, and what to write here. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ["=", "write == to compare"],
  ["&", "write && for and"],
  ["|", "write || for or"],
  ["!", "write != to compare"],
  ["#", "a comment begins with //"],
  ["/", "a comment begins with //"],
  ["+", "placeholders such as {symbol} put values into the text"],
  ["`", "write a text in 'single' or \"double\" quotes"],
]);

/** Cuts a generator into tokens; what cannot be read is reported and skipped. */
export function scanGenerator(
  source: string,
): { readonly tokens: readonly GeneratorToken[]; readonly errors: readonly LangError[] } {
  const tokens: GeneratorToken[] = [];
  const errors: LangError[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0] ?? null;
  };
  while (at < source.length) {
    const skipped = take(SKIPPED);
    if (skipped !== null) {
      at += skipped.length;
      continue;
    }
    const character = source[at];
    if (character === '"' || character === "'") {
      const literal = readTextLiteral(source, at);
      errors.push(...literal.errors);
      tokens.push({ kind: "text", text: literal.value, literal, offset: at, length: literal.end - at });
      at = literal.end;
      continue;
    }
    const name = take(NAME);
    const word = name ?? take(SIGN);
    if (word !== null) {
      tokens.push({ kind: name === null ? "sign" : "name", text: word, offset: at, length: word.length });
      at += word.length;
      continue;
    }
    const unknown = String.fromCodePoint(source.codePointAt(at) ?? 0);
    const hint = HINTS.get(unknown);
    errors.push(
      errorAt(at, unknown.length, `Unexpected character ${quoted(unknown)}${hint === undefined ? "" : `: ${hint}`}`),
    );
    at += unknown.length;
  }
  tokens.push({ kind: "end", text: "", offset: at, length: 0 });
  return { tokens, errors };
}
