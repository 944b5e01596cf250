import { escapeJsonText, type Placeholder, Secret, type Template } from "../model/mod.ts";
import { errorAt, type LangError, type Parsed, parsed, refusedAll } from "./diagnostic.ts";
import { didYouMean } from "./nearest.ts";
import { readPlaceholders, type TemplatePart, type WrittenPlaceholder } from "./placeholder.ts";

/** Values for a template's placeholders, and the placeholders that may stay open. */
export interface TemplateScope {
  /**
   * Values filled in at once, by name: `symbol`, `ch`, `conn_id`, and arguments as `arg:depth`. They are escaped inside
   * a JSON string.
   */
  readonly values: Readonly<Record<string, string>>;
  /** Returns the value of an environment variable; undefined if it is not set. */
  readonly environment: (name: string) => string | undefined;
  /** Kinds of placeholders that stay open until the text is sent. `env` is always one of them. */
  readonly placeholders: readonly Placeholder["kind"][];
  /** Names of bootstrap values. Absent: they are unknown, and any name is accepted. */
  readonly boot?: readonly string[];
  /** Names of captured values. Absent: they are unknown, and any name is accepted. */
  readonly captures?: readonly string[];
}

/**
 * Compiles a text with placeholders. Reports all unknown placeholders, missing variables and missing arguments, with
 * their spans. Braces of any other form stay as they are.
 */
export function parseTemplate(text: string, scope: TemplateScope): Parsed<Template> {
  const errors: LangError[] = [];
  const template = fillPlaceholders(readPlaceholders(text), scope, (error) => errors.push(error));
  return errors.length === 0 ? parsed(template) : refusedAll(errors);
}

/** Fills the placeholders of a split text. A placeholder that cannot be filled is reported and left out. */
export function fillPlaceholders(
  cut: readonly TemplatePart[],
  scope: TemplateScope,
  report: (error: LangError) => void,
): Template {
  const parts: (string | Placeholder)[] = [];
  let source = "";
  let pending = "";
  for (const part of cut) {
    const filled = typeof part === "string" ? part : fillOne(part, scope, report);
    if (filled === null) continue;
    if (typeof filled === "string") {
      source += filled;
      pending += filled;
      continue;
    }
    if (pending !== "") parts.push(pending);
    pending = "";
    parts.push(filled);
    source += filled.key === null ? `{${filled.kind}}` : `{${filled.kind}:${filled.key}}`;
  }
  if (pending !== "") parts.push(pending);
  return { source, parts };
}

/** Returns the text of a placeholder, or the placeholder itself if it stays open; null if it was reported. */
function fillOne(
  placeholder: WrittenPlaceholder,
  scope: TemplateScope,
  report: (error: LangError) => void,
): string | Placeholder | null {
  const refuse = (message: string): null => {
    report(errorAt(placeholder.offset, placeholder.length, message));
    return null;
  };
  const { prefix, key, depth } = placeholder;
  if (prefix === "arg" || prefix === "sym" || prefix === null) {
    const name = placeholder.name ?? `${prefix}:${key}`;
    if (Object.hasOwn(scope.values, name)) return escaped(scope.values[name], depth);
  }
  switch (prefix) {
    case "arg":
      return refuse(`Unknown argument ${key}${didYouMean(key, argumentsOf(scope))}`);
    case "sym":
      return refuse(`{sym:${key}} has no value here: [symbol_values] gives none for the symbol`);
    case "env": {
      const value = scope.environment(key);
      if (value === undefined) return refuse(`Environment variable ${key} is not set`);
      return openPlaceholder({ kind: "env", key, value: new Secret(key, value) }, depth) ?? refuse(TOO_DEEP);
    }
    case "capture":
      if (!scope.placeholders.includes("capture")) {
        return refuse(`{capture:${key}} cannot be used here: only replies have captured values`);
      }
      if (scope.captures !== undefined && !scope.captures.includes(key)) {
        return refuse(`Nothing is captured as ${key}${didYouMean(key, scope.captures)}`);
      }
      return openPlaceholder({ kind: "capture", key, value: null }, depth) ?? refuse(TOO_DEEP);
    case "boot":
      if (!scope.placeholders.includes("boot")) {
        return refuse(`{boot:${key}} cannot be used here: there is no bootstrap call`);
      }
      if (scope.boot !== undefined && !scope.boot.includes(key)) {
        return refuse(`Unknown bootstrap value ${key}${didYouMean(key, scope.boot)}`);
      }
      return openPlaceholder({ kind: "boot", key, value: null }, depth) ?? refuse(TOO_DEEP);
    case null: {
      const kind = BARE_PLACEHOLDERS.find((known) => known === placeholder.name && scope.placeholders.includes(known));
      if (kind === undefined && isSymbolPart(placeholder.name)) {
        return refuse(`{${placeholder.name}} has no value here: the symbol is not canonical`);
      }
      if (kind === undefined) {
        const names = placeholderNames(scope);
        const known = didYouMean(placeholder.name ?? "", names);
        return refuse(`Unknown placeholder {${placeholder.name}}${known}`);
      }
      return openPlaceholder({ kind, key: null, value: null }, depth) ?? refuse(TOO_DEEP);
    }
  }
}

/** Whether a placeholder is a part of the canonical symbol. */
export function isSymbolPart(name: string | null): boolean {
  return SYMBOL_PARTS.some((part) => part === name);
}

/** Placeholders for the parts of the canonical symbol. */
export const SYMBOL_PARTS = ["base", "quote", "settle", "expiry", "strike", "option_type", "family"] as const;

/** Placeholders that are written as a bare name. */
export const BARE_PLACEHOLDERS: readonly Exclude<Placeholder["kind"], "boot" | "env">[] = [
  "id",
  "now_ms",
  "now_s",
  "uuid",
  "capture",
];

/** Kinds whose values never need escaping in JSON. */
const HARMLESS: ReadonlySet<Placeholder["kind"]> = new Set(["id", "now_ms", "now_s", "uuid"]);

const TOO_DEEP = "A value that is known only when the text is sent cannot be used in a JSON text inside a JSON string";

/** Returns a placeholder that stays open; null if its value would have to be escaped more than once. */
function openPlaceholder(content: Omit<Placeholder, "inString">, depth: number): Placeholder | null {
  if (depth > 1 && !HARMLESS.has(content.kind)) return null;
  return { ...content, inString: depth > 0 };
}

function escaped(value: string, depth: number): string {
  let text = value;
  for (let level = 0; level < depth; level++) text = escapeJsonText(text);
  return text;
}

function argumentsOf(scope: TemplateScope): readonly string[] {
  return Object.keys(scope.values).filter((name) => name.startsWith("arg:")).map((name) => name.slice(4));
}

function placeholderNames(scope: TemplateScope): readonly string[] {
  return [
    ...Object.keys(scope.values).filter((name) => !name.includes(":")),
    ...BARE_PLACEHOLDERS.filter((kind) => scope.placeholders.includes(kind)),
  ];
}
