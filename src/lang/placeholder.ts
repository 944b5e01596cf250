/** A placeholder as written in a text: `{symbol}`, `{env:TOKEN}`, `{arg:depth}`, `{boot:token}`, `{sym:kind}`. */
export interface WrittenPlaceholder {
  /** Its name; null for the forms with a prefix. */
  readonly name: string | null;
  readonly prefix: "env" | "arg" | "boot" | "sym" | "capture" | null;
  /** Text after the prefix; empty for plain names. */
  readonly key: string;
  /** Offset of the opening brace, in UTF-16 units. */
  readonly offset: number;
  /** Length with both braces. */
  readonly length: number;
  /** Number of JSON strings around it: 1 inside a string, 2 inside a string of a JSON text that is itself a string. */
  readonly depth: number;
}

/**
 * A part of a text that was split at its placeholders. Braces of any other form are text, so JSON needs no escaping.
 */
export type TemplatePart = string | WrittenPlaceholder;

const PLACEHOLDER = /\{(?:([A-Za-z_]\w*)|(env|arg|boot|sym|capture):([A-Za-z0-9_.-]+))\}/g;

/** Deepest nesting of JSON texts in JSON strings that is tracked. */
const DEPTH_MAX = 8;

/** Splits a text at its placeholders. */
export function readPlaceholders(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  const strings = new StringTracker();
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const literal = text.slice(from, match.index);
    strings.read(literal);
    if (literal !== "") parts.push(literal);
    parts.push({
      name: match[1] ?? null,
      prefix: prefixOf(match[2]),
      key: match[3] ?? "",
      offset: match.index,
      length: match[0].length,
      depth: strings.depth,
    });
    strings.readOpaque();
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

const PREFIXES = ["env", "arg", "boot", "sym", "capture"] as const;

function prefixOf(text: string | undefined): WrittenPlaceholder["prefix"] {
  return PREFIXES.find((prefix) => prefix === text) ?? null;
}

/**
 * Tracks JSON strings in a text: a quote opens or closes one, a backslash escapes the next character. A string whose
 * content begins like an object or an array is a JSON text: its unescaped content is tracked in the same way, so that
 * strings inside it count too.
 */
class StringTracker {
  #isOpen = false;
  #escape: string | null = null;
  #inner: StringTracker | null = null;
  /** Whether it is still open if the string holds a JSON text: only white space was read. */
  #isBlank = false;
  readonly #levels: number;

  constructor(levels = DEPTH_MAX) {
    this.#levels = levels;
  }

  /** Number of strings open inside each other. */
  get depth(): number {
    return this.#isOpen ? 1 + (this.#inner?.depth ?? 0) : 0;
  }

  read(text: string): void {
    for (let i = 0; i < text.length; i++) this.#readOne(text[i]);
  }

  /** Reads a substituted value, which is escaped for its position, so that it opens and closes nothing. */
  readOpaque(): void {
    this.#escape = null;
    this.#isBlank = false;
    this.#inner?.readOpaque();
  }

  #readOne(character: string): void {
    if (!this.#isOpen) {
      if (character !== '"') return;
      this.#isOpen = true;
      this.#isBlank = true;
      this.#inner = null;
      return;
    }
    if (this.#escape !== null) {
      this.#readEscape(this.#escape + character);
    } else if (character === "\\") {
      this.#escape = "\\";
    } else if (character === '"') {
      this.#isOpen = false;
    } else {
      this.#readInside(character);
    }
  }

  #readInside(character: string): void {
    if (this.#isBlank && character.trim() !== "") {
      this.#isBlank = false;
      const isJson = this.#levels > 1 && (character === "{" || character === "[");
      this.#inner = isJson ? new StringTracker(this.#levels - 1) : null;
    }
    this.#inner?.read(character);
  }

  #readEscape(escape: string): void {
    if (escape[1] === "u" && escape.length < 6) {
      this.#escape = escape;
      return;
    }
    this.#escape = null;
    this.#readInside(escape[1] === "u" ? unicodeOf(escape) : escape[1]);
  }
}

function unicodeOf(escape: string): string {
  const code = Number.parseInt(escape.slice(2), 16);
  return Number.isNaN(code) ? "" : String.fromCharCode(code);
}
