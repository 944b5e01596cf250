import { compilePath, type Discriminator, type Predicate, type Scope } from "../json/mod.ts";
import { isNumber } from "../program/mod.ts";
import { errorAt, type LangError } from "./diagnostic.ts";
import { conditionDiscriminator, type NeededScalar, rootSegments } from "./discriminator.ts";
import { compileTree } from "./expression.ts";
import { explainCondition, explainTests, type NamedTest, showTest } from "./predicate_explanation.ts";
import { compileSource } from "./source.ts";
import { compileTest, type Test, type TestError, type TestSpec } from "./test_spec.ts";

/** A condition as TOML gives it: an expression or pointer, or a table of source → test, all of which have to hold. */
export type PredicateSpec = string | Readonly<Record<string, TestSpec>>;

/** An error inside a predicate. */
export interface PredicateError extends LangError {
  /** Keys inside the table; empty where the predicate is a text. The error's offset counts in the last key, or the value. */
  readonly path: readonly string[];
  /** Whether the offset counts in the key that ends `path`, or in the value found there. */
  readonly in: "key" | "value";
}

/** What compiling a predicate gives. */
export type CompiledPredicate =
  | { readonly ok: true; readonly value: Predicate }
  | { readonly ok: false; readonly errors: readonly PredicateError[] };

/**
 * Compiles a predicate. Its sources start from the row; a discriminator is given as a path from the root, so it is of use
 * where the row is the root: on whole frames.
 */
export function compilePredicate(spec: PredicateSpec): CompiledPredicate {
  return typeof spec === "string" ? compileCondition(spec) : compileTable(spec);
}

function compileCondition(text: string): CompiledPredicate {
  if (text === "" || text.startsWith("/")) {
    const source = compileSource(text);
    if (!source.ok) return { ok: false, errors: source.errors.map((error) => inText(error)) };
    const { evaluate } = source.value;
    const test = (scope: Scope): boolean => evaluate(scope) === true;
    const named = [{ name: text, source: source.value, test }];
    const explain = (scope: Scope) => explainTests(named, scope);
    return { ok: true, value: { source: text, test, discriminator: null, explain } };
  }
  const checked = compileTree(text, { isCondition: true });
  if (!checked.ok) return { ok: false, errors: checked.errors.map((error) => inText(error)) };
  const { tree, expression: { evaluate } } = checked.value;
  const test = (scope: Scope): boolean => evaluate(scope) === true;
  const discriminator = toDiscriminator(conditionDiscriminator(tree), false);
  const explain = (scope: Scope) => explainCondition(text, tree, scope);
  return { ok: true, value: { source: text, test, discriminator, explain } };
}

function inText(error: LangError): PredicateError {
  return { ...error, path: [], in: "value" };
}

function compileTable(spec: Readonly<Record<string, TestSpec>>): CompiledPredicate {
  const errors: PredicateError[] = [];
  const tests: NamedTest[] = [];
  const needed: NeededScalar[] = [];
  const keys = Object.keys(spec);
  if (keys.length === 0) {
    errors.push({ ...errorAt(0, 1, "A predicate needs at least one test"), path: [], in: "value" });
  }
  for (const key of keys) {
    const source = compileSource(key);
    if (!source.ok) {
      errors.push(...source.errors.map((error): PredicateError => ({ ...error, path: [key], in: "key" })));
      continue;
    }
    const testErrors: TestError[] = [];
    const test = compileTest(source.value, spec[key], testErrors);
    errors.push(...testErrors.map((error): PredicateError => ({ ...error, path: [key, ...error.path] })));
    if (test === null) continue;
    tests.push({ name: showTest(key, spec[key]), source: source.value, test: test.holds });
    const segments = rootSegments(key, source.value);
    if (segments === null || (test.texts === null && test.prefixes === null)) continue;
    needed.push({ segments, values: test.texts ?? new Set(), prefixes: test.prefixes ?? [] });
  }
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    value: {
      source: JSON.stringify(spec, (_, value) => typeof value === "bigint" ? String(value) : value),
      test: allOf(tests.map(({ test }) => test)),
      discriminator: toDiscriminator(mostTelling(needed), tests.length === 1),
      explain: (scope) => explainTests(tests, scope),
    },
  };
}

/** Names tell frames apart better than beginnings of names do, and these better than numbers and flags. */
function mostTelling(needed: readonly NeededScalar[]): NeededScalar | null {
  const isName = (text: string): boolean => text !== "true" && text !== "false" && !isNumber(text);
  return needed.find(({ values }) => values.size > 0 && [...values].every(isName)) ??
    needed.find(({ values }) => values.size === 0) ?? needed[0] ?? null;
}

function toDiscriminator(found: NeededScalar | null, isAll: boolean): Discriminator | null {
  if (found === null) return null;
  const { segments, values, prefixes } = found;
  return { path: compilePath(segments), values, prefixes, decides: isAll && [...values].every(isWellFormed) };
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

function allOf(tests: readonly Test[]): Test {
  if (tests.length === 1) return tests[0];
  return (scope) => {
    for (const test of tests) if (!test(scope)) return false;
    return true;
  };
}
