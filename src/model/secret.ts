import { SECRET_CHARS_MIN, SECRET_WORD_CHARS_MAX } from "./limits.ts";

const HIDDEN = "***";

/** A value that is sent and never shown, such as a token. Printing, logging or serializing it gives `***`. */
export class Secret {
  /** Name of the environment variable that it came from. */
  readonly name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.#value = value;
  }

  /** Returns the value itself, for sending. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}

/** Returns texts by name, such as headers, with their secrets revealed for sending. */
export function revealAll(texts: Readonly<Record<string, string | Secret>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, typeof text === "string" ? text : text.reveal()]),
  );
}

/**
 * Hides secret values in every output of the program: log lines, health, errors, reasons in the journal. Finds a value
 * plain, escaped for JSON or HTML, percent-encoded in whole or in part, and truncated at the end of the text. Also
 * finds the password and query values of an address, and the longer parts of a value with several parts.
 *
 * Values shorter than `SECRET_CHARS_MIN` are not hidden, because they would match within ordinary words; values up to
 * `SECRET_WORD_CHARS_MAX` are hidden only as whole words; `true`, `false` and numbers up to that length are not
 * secrets.
 */
export class Secrets {
  readonly #parent: Secrets | null;
  /** Values to hide, each with the label that replaces it. */
  readonly #labels = new Map<string, string>();
  /** Matches all of them, longest first; null if it must be compiled again. */
  #pattern: RegExp | null = null;
  #ordered: readonly string[] = [];

  /** Hides the parent's values too. */
  constructor(parent: Secrets | null = null) {
    this.#parent = parent;
  }

  /** Hides a value from now on, replaced by `label`. */
  add(label: string, value: string): void {
    this.#addParts(label, [value, decoded(value), ...addressParts(value, "alone"), ...longParts(value)]);
  }

  /**
   * Hides the password and the query values of an address, whose host and path may be shown. Hides its user too, with
   * `alone` only if there is no password (it is then a token): a user beside a password is a name such as `postgres`,
   * which occurs in many log lines.
   */
  addAddress(label: string, address: string, user: "always" | "alone" = "always"): void {
    this.#addParts(label, addressParts(address, user));
  }

  /** Hides every `Secret` anywhere in a value. */
  addFrom(value: unknown): void {
    if (value instanceof Secret) return this.add(`{env:${value.name}}`, value.reveal());
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
    const members = value instanceof Map || value instanceof Set ? value.values() : Object.values(value);
    for (const member of members) this.addFrom(member);
  }

  /** Returns the text with the label in place of every value. */
  hide(text: string): string {
    const shown = this.#parent?.hide(text) ?? text;
    if (this.#labels.size === 0) return shown;
    const pattern = this.#pattern ??= this.#compile();
    const whole = shown.replace(pattern, (...match) => {
      const groups: readonly (string | undefined)[] = match.slice(1, 1 + this.#ordered.length);
      return this.#labelAt(groups.findIndex((group) => group !== undefined));
    });
    return this.#hideCutEnd(whole);
  }

  /** Returns a copy of plain data with the values hidden in every text; the data itself if there is nothing to hide. */
  hideIn<T>(value: T): T;
  hideIn(value: unknown): unknown {
    if (!this.#hasAny) return value;
    if (typeof value === "string") return this.hide(value);
    if (value instanceof Secret) return HIDDEN;
    if (Array.isArray(value)) return value.map((member) => this.hideIn(member));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.hide(key), this.hideIn(member)]));
  }

  #addParts(label: string, parts: readonly string[]): void {
    for (const part of parts) {
      if (this.#labels.has(part) || !isSought(part)) continue;
      this.#labels.set(part, label);
      this.#pattern = null;
    }
  }

  get #hasAny(): boolean {
    return this.#labels.size > 0 || (this.#parent !== null && this.#parent.#hasAny);
  }

  #labelAt(index: number): string {
    return this.#labels.get(this.#ordered[index]) ?? HIDDEN;
  }

  #compile(): RegExp {
    this.#ordered = [...this.#labels.keys()].sort((a, b) => b.length - a.length);
    return new RegExp(this.#ordered.map((value) => `(${valuePattern(value)})`).join("|"), "g");
  }

  /** Hides the beginning of a value at the end of a text, because peers truncate their messages. */
  #hideCutEnd(text: string): string {
    for (const value of this.#ordered) {
      if (value.length <= SECRET_WORD_CHARS_MAX) continue;
      for (let length = Math.min(value.length - 1, text.length); length >= SECRET_WORD_CHARS_MAX; length--) {
        // Most lengths are told by their last character alone, which keeps long values cheap.
        if (value[length - 1] !== text[text.length - 1] || !text.endsWith(value.slice(0, length))) continue;
        return text.slice(0, -length) + (this.#labels.get(value) ?? HIDDEN);
      }
    }
    return text;
  }
}

/** Whether a value is long and unusual enough to be hidden. */
function isSought(value: string): boolean {
  if (value.length < SECRET_CHARS_MIN) return false;
  return value.length > SECRET_WORD_CHARS_MAX || !/^(?:true|false|null|[+-]?\d+(?:\.\d+)?)$/.test(value);
}

/** Returns the longer parts of a login, of a header's value or of a list; none for an address. */
function longParts(value: string): readonly string[] {
  if (value.includes("://")) return [];
  return value.split(/[\s:=&;,]+/).filter((part) => part.length > SECRET_WORD_CHARS_MAX);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // It holds a percent sign that encodes nothing: then it is plain text.
  }
}

/** Returns the password, query values and user of an address; nothing for any other text. */
function addressParts(value: string, hidden: "always" | "alone"): readonly string[] {
  const match = /^\w[\w+.-]*:\/\/(?:([^/?#@]*)@)?[^?#]*(?:\?([^#]*))?/.exec(value);
  if (match === null) return [];
  const [, user = "", query = ""] = match;
  const values = query.split("&").map((pair) => pair.slice(pair.indexOf("=") + 1));
  const logins = hidden === "always" ? user.split(":") : [user.slice(user.indexOf(":") + 1)];
  return [...logins, ...values].flatMap((part) => [part, decoded(part)]);
}

/**
 * Returns a pattern that matches a value with any spelling of its characters: plain, percent-encoded once or twice,
 * escaped.
 */
function valuePattern(value: string): string {
  const spelled = [...value].map(characterPattern).join("");
  if (value.length > SECRET_WORD_CHARS_MAX) return spelled;
  return `(?<![\\p{L}\\p{N}_])${spelled}(?![\\p{L}\\p{N}_])`.replaceAll("\\p{L}\\p{N}", "A-Za-z0-9");
}

function characterPattern(character: string): string {
  const encoded = [...new TextEncoder().encode(character)].map((byte) => `%(?:25)?${hexPattern(byte)}`).join("");
  const plain = character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  const json = JSON.stringify(character).slice(1, -1).replace(/\\/g, "\\\\");
  const spellings = new Set([plain, encoded]);
  if (json !== character) spellings.add(json);
  if (character.length === 1) {
    const unit = character.charCodeAt(0);
    spellings.add(`\\\\u${hexPattern(unit >> 8)}${hexPattern(unit & 255)}`);
  }
  if (character === " ") spellings.add("\\+");
  const entity = ENTITIES[character];
  if (entity !== undefined) spellings.add(entity);
  return `(?:${[...spellings].join("|")})`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "/": "\\\\/",
};

/** Returns a pattern for a byte as two hexadecimal digits of either case. */
function hexPattern(byte: number): string {
  return byte.toString(16).padStart(2, "0").replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
