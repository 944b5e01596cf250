import type { Span } from "../model/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { readTextLiteral, type TextLiteral } from "./text_literal.ts";

/** A token of one of the languages. The last token of a text is always `end`. */
export type Token =
  & Span
  & {
    /** A name, the value of a text, the digits of a number, the characters of a sign. */
    readonly text: string;
  }
  & (
    | { readonly kind: "name" | "number" | "sign" | "end" }
    | { readonly kind: "text"; readonly literal: TextLiteral }
  );

/** Patterns of a language's tokens. All are sticky. */
export interface Vocabulary {
  readonly name: RegExp;
  /** Null if the language has no numbers. */
  readonly number: RegExp | null;
  readonly sign: RegExp;
  /** White space, and comments if the language has them. */
  readonly skipped: RegExp;
  /** Hints by character: what to write instead of the syntax of other languages. */
  readonly hints: ReadonlyMap<string, string>;
}

/** Splits a text into tokens. Reports and skips unreadable characters. */
export function scanTokens(
  source: string,
  { name, number, sign, skipped, hints }: Vocabulary,
): { readonly tokens: readonly Token[]; readonly errors: readonly LangError[] } {
  const tokens: Token[] = [];
  const errors: LangError[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0] ?? null;
  };
  const push = (kind: "name" | "number" | "sign" | "end", text: string): void => {
    tokens.push({ kind, text, offset: at, length: text.length });
    at += text.length;
  };
  while (at < source.length) {
    const space = take(skipped);
    if (space !== null) {
      at += space.length;
      continue;
    }
    if (source[at] === '"' || source[at] === "'") {
      const literal = readTextLiteral(source, at);
      errors.push(...literal.errors);
      tokens.push({ kind: "text", text: literal.value, literal, offset: at, length: literal.end - at });
      at = literal.end;
      continue;
    }
    const digits = number === null ? null : take(number);
    if (digits !== null) {
      push("number", digits);
      const tail = take(name);
      if (tail === null) continue;
      errors.push(errorAt(at, tail.length, `A name cannot begin with digits: write row["${digits}${tail}"]`));
      at += tail.length;
      continue;
    }
    const word = take(name);
    const found = word ?? take(sign);
    if (found !== null) {
      push(word === null ? "sign" : "name", found);
      continue;
    }
    const unknown = String.fromCodePoint(source.codePointAt(at) ?? 0);
    const hint = hints.get(unknown);
    const message = `Unexpected character ${quoted(unknown)}${hint === undefined ? "" : `: ${hint}`}`;
    errors.push(errorAt(at, unknown.length, message));
    at += unknown.length;
  }
  push("end", "");
  return { tokens, errors };
}
