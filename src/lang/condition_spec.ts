import type { ValueCheck, ValueKind } from "../model/mod.ts";
import { isNumber } from "../program/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { didYouMean } from "./nearest.ts";

/** A value that is compared with a scalar's text. */
export type LiteralSpec = string | number | bigint | boolean;

/** A test as a table, all of whose keys must hold. A list means "any of", under `not` "none of". */
export interface TestTableSpec {
  readonly prefix?: string | readonly string[];
  readonly suffix?: string | readonly string[];
  readonly contains?: string | readonly string[];
  /** Whether the value is there; JSON null is there. */
  readonly exists?: boolean;
  readonly is?: ValueKind;
  readonly not?: LiteralSpec | readonly LiteralSpec[];
  readonly gt?: LiteralSpec;
  readonly lt?: LiteralSpec;
}

/** A test on one value: a literal it must equal, a list of literals, or a table. */
export type TestSpec = LiteralSpec | readonly LiteralSpec[] | TestTableSpec;

/** An error in a test; `path` leads from the test to what is wrong. */
export interface TestError extends LangError {
  readonly path: readonly string[];
  readonly in: "key" | "value";
}

const TEST_KEYS = ["prefix", "suffix", "contains", "exists", "is", "not", "gt", "lt"] as const;
const KINDS = ["null", "array", "object", "string", "number", "bool"] as const satisfies readonly ValueKind[];

type TestKey = typeof TEST_KEYS[number];

/** Parses a test into checks. Null if it is wrong; its errors are added to `errors`. */
export function parseTest(spec: unknown, errors: TestError[]): readonly ValueCheck[] | null {
  if (isLiteral(spec)) return [{ kind: "one_of", texts: [String(spec)] }];
  if (Array.isArray(spec)) {
    const texts = literalTexts(spec, [], errors);
    return texts === null ? null : [{ kind: "one_of", texts }];
  }
  if (typeof spec !== "object" || spec === null) {
    errors.push(refusal([], `A test is a text, a number, true or false, a list of these or a table: ${shown(spec)}`));
    return null;
  }
  return parseTestTable(spec, errors);
}

function parseTestTable(spec: object, errors: TestError[]): readonly ValueCheck[] | null {
  const before = errors.length;
  const checks: ValueCheck[] = [];
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined) continue;
    if (!isTestKey(key)) {
      const message = `Unknown test ${key}${didYouMean(key, TEST_KEYS)}`;
      errors.push({ ...errorAt(0, key.length, message), path: [key], in: "key" });
      continue;
    }
    const check = parseCheck(key, value, errors);
    if (check !== null) checks.push(check);
  }
  if (errors.length > before) return null;
  if (checks.length > 0) return checks;
  errors.push(refusal([], `A test table needs at least one of ${TEST_KEYS.join(", ")}`));
  return null;
}

function parseCheck(key: TestKey, value: unknown, errors: TestError[]): ValueCheck | null {
  switch (key) {
    case "prefix":
    case "suffix":
    case "contains": {
      const texts = affixes(value, key, errors);
      return texts === null ? null : { kind: key, texts };
    }
    case "exists":
      if (typeof value === "boolean") return { kind: key, exists: value };
      errors.push(refusal([key], `exists is true or false: ${shown(value)}`));
      return null;
    case "is":
      if (isKind(value)) return { kind: key, is: value };
      errors.push(refusal([key], `Unknown kind ${shown(value)}${didYouMean(String(value), KINDS)}`));
      return null;
    case "not": {
      const texts = literalTexts(Array.isArray(value) ? value : [value], [key], errors);
      return texts === null ? null : { kind: key, texts };
    }
    case "gt":
    case "lt": {
      const number = numberOf(value, key, errors);
      return number === null ? null : { kind: key, number };
    }
  }
}

/** Returns a test as people read it: `/e = "trade" or "aggTrade"`, `/topic prefix "kline."`. */
export function describeTest(key: string, spec: unknown): string {
  const name = key === "" ? "row" : key;
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) return `${name} = ${describeValues(spec)}`;
  return Object.entries(spec).map(([test, value]) => `${name} ${test} ${describeValues(value)}`).join(" and ");
}

function describeValues(value: unknown): string {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((one) => typeof one === "string" ? JSON.stringify(one) : String(one)).join(" or ");
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
): readonly string[] | null {
  const literals = values.filter(isLiteral);
  if (literals.length === values.length && literals.length > 0) return [...new Set(literals.map(String))];
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

function isKind(value: unknown): value is ValueKind {
  return KINDS.some((known) => known === value);
}
