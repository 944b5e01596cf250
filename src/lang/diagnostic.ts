/** An error in a text of one of the languages. Errors are collected and returned, never thrown. */
export interface LangError {
  /** Where it begins, in UTF-16 units from the start of the text given. */
  readonly offset: number;
  /** Length of the wrong text, in UTF-16 units; at least 1, also at the end of the text. */
  readonly length: number;
  /** Sentence case, no period: what is wrong and what would be right. */
  readonly message: string;
}

/** Result of parsing a text: its value, or all errors. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly LangError[] };

/** Returns a value as a result. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** Returns errors, at least one, as a result. */
export function refusedAll<T>(errors: readonly LangError[]): Parsed<T> {
  return { ok: false, errors: inOrder(errors) };
}

/** Returns a single error as a result. */
export function refused<T>(offset: number, length: number, message: string): Parsed<T> {
  return { ok: false, errors: [errorAt(offset, length, message)] };
}

/** Makes an error; a length below 1 becomes 1. */
export function errorAt(offset: number, length: number, message: string): LangError {
  return { offset, length: Math.max(1, length), message };
}

/** Returns errors in text order, without repetitions. */
export function inOrder(errors: readonly LangError[]): readonly LangError[] {
  const seen = new Set<string>();
  return errors.toSorted((a, b) => a.offset - b.offset).filter((error) => {
    const key = `${error.offset} ${error.message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Returns a text as quoted in messages: long text is truncated, control characters are escaped. */
export function quoted(text: string): string {
  const shown = text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text;
  return JSON.stringify(shown);
}

const QUOTED_CHARS_MAX = 60;
