import type { Predicate, SourceTest } from "../model/mod.ts";
import { describeTest, parseTest, type TestError, type TestSpec } from "./condition_spec.ts";
import type { Definitions } from "./definitions.ts";
import { errorAt, type LangError } from "./diagnostic.ts";
import { parseChecked } from "./expression.ts";
import { parseSource } from "./source.ts";

/** A condition as written in TOML: an expression or pointer, or a table of source → test, all of which must hold. */
export type PredicateSpec = string | Readonly<Record<string, TestSpec>>;

/** An error inside a predicate. */
export interface PredicateError extends LangError {
  /** Keys inside the table; empty if the predicate is a text. The error's offset is in the last key or in the value. */
  readonly path: readonly string[];
  /** Whether the offset is in the last key of `path`, or in the value found there. */
  readonly in: "key" | "value";
}

/** Result of reading a predicate. */
export type ParsedPredicate =
  | { readonly ok: true; readonly value: Predicate }
  | { readonly ok: false; readonly errors: readonly PredicateError[] };

/** Parses a predicate, whose sources start from the row. Reports all errors. */
export function parsePredicate(spec: PredicateSpec, definitions?: Definitions): ParsedPredicate {
  return typeof spec === "string" ? parseCondition(spec, definitions) : parseTable(spec, definitions);
}

function parseCondition(text: string, definitions?: Definitions): ParsedPredicate {
  const isPointer = text === "" || text.startsWith("/");
  const read = isPointer ? parseSource(text) : parseChecked(text, { isCondition: true, definitions });
  if (read.ok) return { ok: true, value: { kind: "condition", ...read.value } };
  return { ok: false, errors: read.errors.map((error) => ({ ...error, path: [], in: "value" })) };
}

function parseTable(spec: Readonly<Record<string, TestSpec>>, definitions?: Definitions): ParsedPredicate {
  const errors: PredicateError[] = [];
  const tests: SourceTest[] = [];
  const keys = Object.keys(spec);
  if (keys.length === 0) {
    errors.push({ ...errorAt(0, 1, "A predicate needs at least one test"), path: [], in: "value" });
  }
  for (const key of keys) {
    const source = parseSource(key, definitions);
    if (!source.ok) {
      errors.push(...source.errors.map((error): PredicateError => ({ ...error, path: [key], in: "key" })));
      continue;
    }
    const testErrors: TestError[] = [];
    const checks = parseTest(spec[key], testErrors);
    errors.push(...testErrors.map((error): PredicateError => ({ ...error, path: [key, ...error.path] })));
    if (checks !== null) tests.push({ name: describeTest(key, spec[key]), source: source.value, checks });
  }
  if (errors.length > 0) return { ok: false, errors };
  const source = JSON.stringify(spec, (_, value) => typeof value === "bigint" ? String(value) : value);
  return { ok: true, value: { kind: "table", source, tests } };
}
