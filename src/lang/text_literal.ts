import { errorAt, type LangError } from "./diagnostic.ts";

/** A quoted text of both languages: 'text' or "text" with the escapes \" \' \\ \n, on one line. */
export interface TextLiteral {
  /** The text without quotes and escapes. */
  readonly value: string;
  /** Offset after the closing quote. */
  readonly end: number;
  /** Offset of each character of `value` in the source, then the offset of the closing quote. */
  readonly offsets: readonly number[];
  readonly errors: readonly LangError[];
}

/** Reads the quoted text whose opening quote is at `start`. */
export function readTextLiteral(source: string, start: number): TextLiteral {
  const quote = source[start];
  const offsets: number[] = [];
  const errors: LangError[] = [];
  let value = "";
  let at = start + 1;
  while (at < source.length && source[at] !== quote && source[at] !== "\n") {
    const character = source[at];
    offsets.push(at);
    if (character !== "\\") {
      value += character;
      at++;
      continue;
    }
    const escaped = source[at + 1] ?? "";
    const meant = escaped === "n" ? "\n" : escaped;
    if (escaped === "" || !`"'\\n`.includes(escaped)) {
      errors.push(
        errorAt(at, 2, `Unknown escape ${JSON.stringify(`\\${escaped}`)}: expected \\" \\' \\\\ or \\n`),
      );
    }
    value += meant;
    if (meant === "") offsets.pop();
    at += 2;
  }
  if (source[at] === quote) {
    offsets.push(at);
    return { value, end: at + 1, offsets, errors };
  }
  const end = Math.min(at, source.length);
  offsets.push(end);
  errors.push(errorAt(start, end - start, `Text is not closed: expected ${quote} before the end of the line`));
  return { value, end, offsets, errors };
}

/** Writes a text as a literal in the given quotes, which reads back as the same text. */
export function writeTextLiteral(text: string, quote: '"' | "'" = "'"): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`).replaceAll("\n", "\\n");
  return `${quote}${escaped}${quote}`;
}
