import type { Expression, JsonKind, Scope } from "../json/mod.ts";
import { compareNumbers, isNumber, matchPrefixes, matchTexts, textOfValue } from "../program/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { didYouMean } from "./nearest.ts";

/** A value that is compared with a scalar's text. */
export type LiteralSpec = string | number | bigint | boolean;

/** A test as a table: all that is given has to hold. Lists mean "any", under `not` "none". */
export interface TestTableSpec {
  readonly prefix?: string | readonly string[];
  readonly suffix?: string | readonly string[];
  readonly contains?: string | readonly string[];
  /** Whether the value is there; JSON null is there. */
  readonly exists?: boolean;
  readonly is?: "null" | "array" | "object" | "string" | "number" | "bool";
  readonly not?: LiteralSpec | readonly LiteralSpec[];
  readonly gt?: LiteralSpec;
  readonly lt?: LiteralSpec;
}

/** A test on one value: a literal it has to equal, a list of such, or a table. */
export type TestSpec = LiteralSpec | readonly LiteralSpec[] | TestTableSpec;

/** A compiled test. */
export type Test = (scope: Scope) => boolean;

/** An error in a test; `path` leads from the test to what is wrong. */
export interface TestError extends LangError {
  readonly path: readonly string[];
  readonly in: "key" | "value";
}

/** A test, and the only texts with which it can hold, where it says. */
export interface CompiledTest {
  readonly holds: Test;
  readonly texts: ReadonlySet<string> | null;
  /** Well-formed texts with one of which it has to begin, and then it holds; null where that is not what it asks. */
  readonly prefixes: readonly string[] | null;
}

const TEST_KEYS = ["prefix", "suffix", "contains", "exists", "is", "not", "gt", "lt"] as const;
const KINDS = ["null", "array", "object", "string", "number", "bool"] as const;

type TestKey = typeof TEST_KEYS[number];
type TestKind = typeof KINDS[number];

/** Compiles a test of what `source` yields; null where it is wrong, which is added to `errors`. */
export function compileTest(source: Expression, spec: unknown, errors: TestError[]): CompiledTest | null {
  if (isLiteral(spec)) {
    const texts = new Set([String(spec)]);
    return { holds: oneOfTest(source, texts), texts, prefixes: null };
  }
  if (Array.isArray(spec)) {
    const texts = literalTexts(spec, [], errors);
    return texts === null ? null : { holds: oneOfTest(source, texts), texts, prefixes: null };
  }
  if (typeof spec !== "object" || spec === null) {
    errors.push(refusal([], `A test is a text, a number, true or false, a list of these or a table: ${shown(spec)}`));
    return null;
  }
  return compileTestTable(source, spec, errors);
}

function compileTestTable(source: Expression, spec: object, errors: TestError[]): CompiledTest | null {
  const before = errors.length;
  const tests: Test[] = [];
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined) continue;
    if (!isTestKey(key)) {
      const message = `Unknown test ${key}${didYouMean(key, TEST_KEYS)}`;
      errors.push({ ...errorAt(0, key.length, message), path: [key], in: "key" });
      continue;
    }
    const test = compileTestKey(source, { key, value }, errors);
    if (test !== null) tests.push(test);
  }
  if (errors.length > before) return null;
  if (tests.length === 0) {
    errors.push(refusal([], `A test table needs at least one of ${TEST_KEYS.join(", ")}`));
    return null;
  }
  if (tests.length > 1) return { holds: (scope) => holdsAll(tests, scope), texts: null, prefixes: null };
  return { holds: tests[0], texts: null, prefixes: prefixesOf(spec) };
}

/** The prefixes that a table names, where they can be told by their bytes. */
function prefixesOf({ prefix }: TestTableSpec): readonly string[] | null {
  if (prefix === undefined) return null;
  const prefixes = typeof prefix === "string" ? [prefix] : prefix;
  return prefixes.every((text) => text.isWellFormed()) ? prefixes : null;
}

function compileTestKey(
  source: Expression,
  { key, value }: { readonly key: TestKey; readonly value: unknown },
  errors: TestError[],
): Test | null {
  const read = textReader(source);
  switch (key) {
    case "prefix":
      return prefixTest(source, affixes(value, key, errors));
    case "suffix":
      return onTexts(read, affixes(value, key, errors), (text, part) => text.endsWith(part));
    case "contains":
      return onTexts(read, affixes(value, key, errors), (text, part) => text.includes(part));
    case "exists": {
      if (typeof value !== "boolean") {
        errors.push(refusal([key], `exists is true or false: ${shown(value)}`));
        return null;
      }
      const exists = existenceReader(source);
      return (scope) => exists(scope) === value;
    }
    case "is": {
      if (!isKind(value)) {
        errors.push(refusal([key], `Unknown kind ${shown(value)}${didYouMean(String(value), KINDS)}`));
        return null;
      }
      return kindTest(source, value);
    }
    case "not": {
      const texts = literalTexts(Array.isArray(value) ? value : [value], [key], errors);
      if (texts === null) return null;
      const isOne = oneOfTest(source, texts);
      return (scope) => !isOne(scope);
    }
    case "gt":
      return ordered(read, numberOf(value, key, errors), 1);
    case "lt":
      return ordered(read, numberOf(value, key, errors), -1);
  }
}

/** The scalar text that a source yields. */
function textReader(source: Expression): (scope: Scope) => string | null {
  const { path, evaluate } = source;
  if (path === null) return (scope) => textOfValue(evaluate(scope));
  return (scope) => scope.document.text(scope.document.find(path, scope.row));
}

/** Whether the value is there: a path that leads somewhere, or an expression that is not null. */
function existenceReader(source: Expression): Test {
  const { path, evaluate } = source;
  if (path === null) return (scope) => evaluate(scope) !== null;
  return (scope) => scope.document.find(path, scope.row) >= 0;
}

/** A path knows JSON's own kinds; of an expression's texts those that are decimals count as numbers and as strings. */
function kindTest(source: Expression, kind: TestKind): Test {
  const { path, evaluate } = source;
  if (path !== null) {
    return (scope) => {
      const node = scope.document.find(path, scope.row);
      return node >= 0 && isOfKind(scope.document.kind(node), kind);
    };
  }
  return (scope) => {
    const value = evaluate(scope);
    if (value === null) return kind === "null";
    if (typeof value === "number") return scope.document.kind(value) === kind;
    if (typeof value === "boolean") return kind === "bool";
    return kind === "string" || (kind === "number" && isNumber(value));
  };
}

function isOfKind(found: JsonKind, kind: TestKind): boolean {
  return kind === "bool" ? found === "true" || found === "false" : found === kind;
}

function holdsAll(tests: readonly Test[], scope: Scope): boolean {
  for (const test of tests) if (!test(scope)) return false;
  return true;
}

function oneOfTest(source: Expression, texts: ReadonlySet<string>): Test {
  const { path, evaluate } = source;
  if (path !== null) {
    const matches = matchTexts(texts);
    return (scope) => matches(scope.document, scope.document.find(path, scope.row));
  }
  return (scope) => {
    const text = textOfValue(evaluate(scope));
    return text !== null && texts.has(text);
  };
}

function prefixTest(source: Expression, prefixes: readonly string[] | null): Test | null {
  if (prefixes === null) return null;
  const { path } = source;
  const matches = path === null ? null : matchPrefixes(prefixes);
  if (path === null || matches === null) {
    return onTexts(textReader(source), prefixes, (text, part) => text.startsWith(part));
  }
  return (scope) => matches(scope.document, scope.document.find(path, scope.row));
}

function onTexts(
  read: (scope: Scope) => string | null,
  parts: readonly string[] | null,
  holds: (text: string, part: string) => boolean,
): Test | null {
  if (parts === null) return null;
  return (scope) => {
    const text = read(scope);
    if (text === null) return false;
    for (const part of parts) if (holds(text, part)) return true;
    return false;
  };
}

function ordered(read: (scope: Scope) => string | null, bound: string | null, wanted: -1 | 1): Test | null {
  if (bound === null) return null;
  return (scope) => {
    const text = read(scope);
    return text !== null && compareNumbers(text, bound) === wanted;
  };
}

function affixes(value: unknown, key: TestKey, errors: TestError[]): readonly string[] | null {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = parts.filter((part) => typeof part === "string");
  if (texts.length === parts.length && texts.length > 0) return texts;
  errors.push(refusal([key], `${key} is a text or a list of texts: ${shown(value)}`));
  return null;
}

function literalTexts(
  values: readonly unknown[],
  path: readonly string[],
  errors: TestError[],
): ReadonlySet<string> | null {
  const literals = values.filter(isLiteral);
  if (literals.length === values.length && literals.length > 0) return new Set(literals.map(String));
  const message = values.length === 0
    ? "An empty list matches nothing: name at least one value"
    : "Values to compare with are texts, numbers, true and false";
  errors.push(refusal(path, message));
  return null;
}

function numberOf(value: unknown, key: TestKey, errors: TestError[]): string | null {
  if (isLiteral(value) && typeof value !== "boolean" && isNumber(String(value))) return String(value);
  errors.push(refusal([key], `${key} is a decimal number: ${shown(value)}`));
  return null;
}

function refusal(path: readonly string[], message: string): TestError {
  return { ...errorAt(0, 1, message), path, in: "value" };
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return typeof value === "object" && value !== null ? Array.isArray(value) ? "a list" : "a table" : String(value);
}

function isLiteral(value: unknown): value is LiteralSpec {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ||
    typeof value === "boolean";
}

function isTestKey(key: string): key is TestKey {
  return TEST_KEYS.some((known) => known === key);
}

function isKind(value: unknown): value is TestKind {
  return KINDS.some((known) => known === value);
}
