import type { JsonKind } from "../json/mod.ts";
import { unreachable, type ValueCheck, type ValueKind } from "../model/mod.ts";
import { compareNumbers, isNumber } from "./arithmetic.ts";
import { matchPrefixes, matchTexts } from "./scalar_match.ts";
import type { CompiledExpression, Scope } from "./scope.ts";
import { textOfValue } from "./value.ts";

/** A condition on a scope. */
export type Test = (scope: Scope) => boolean;

/** Compiles checks on the value of `source`, all of which must hold. */
export function compileChecks(source: CompiledExpression, checks: readonly ValueCheck[]): Test {
  const tests = checks.map((check) => compileCheck(source, check));
  if (tests.length === 1) return tests[0];
  return (scope) => {
    for (const test of tests) if (!test(scope)) return false;
    return true;
  };
}

function compileCheck(source: CompiledExpression, check: ValueCheck): Test {
  const read = textReader(source);
  switch (check.kind) {
    case "one_of":
      return oneOfTest(source, new Set(check.texts));
    case "not": {
      const isOne = oneOfTest(source, new Set(check.texts));
      return (scope) => !isOne(scope);
    }
    case "prefix":
      return prefixTest(source, check.texts);
    case "suffix":
      return onTexts(read, check.texts, (text, part) => text.endsWith(part));
    case "contains":
      return onTexts(read, check.texts, (text, part) => text.includes(part));
    case "exists": {
      const exists = existenceReader(source);
      return (scope) => exists(scope) === check.exists;
    }
    case "is":
      return kindTest(source, check.is);
    case "gt":
      return ordered(read, check.number, 1);
    case "lt":
      return ordered(read, check.number, -1);
    default:
      return unreachable(check);
  }
}

/** Returns a reader of a source's scalar text. */
function textReader(source: CompiledExpression): (scope: Scope) => string | null {
  const { path, evaluate } = source;
  if (path === null) return (scope) => textOfValue(evaluate(scope));
  return (scope) => scope.document.text(scope.document.find(path, scope.row));
}

/** Returns a test whether the value exists: a path that finds a node, or an expression that is not null. */
function existenceReader(source: CompiledExpression): Test {
  const { path, evaluate } = source;
  if (path === null) return (scope) => evaluate(scope) !== null;
  return (scope) => scope.document.find(path, scope.row) >= 0;
}

/**
 * Returns a test of the value's kind. A path has JSON's own kinds; an expression's text is a string, and a number too
 * if it is a decimal.
 */
function kindTest(source: CompiledExpression, kind: ValueKind): Test {
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

function isOfKind(found: JsonKind, kind: ValueKind): boolean {
  return kind === "bool" ? found === "true" || found === "false" : found === kind;
}

function oneOfTest(source: CompiledExpression, texts: ReadonlySet<string>): Test {
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

function prefixTest(source: CompiledExpression, prefixes: readonly string[]): Test {
  const { path } = source;
  const matches = path === null ? null : matchPrefixes(prefixes);
  if (path === null || matches === null) {
    return onTexts(textReader(source), prefixes, (text, part) => text.startsWith(part));
  }
  return (scope) => matches(scope.document, scope.document.find(path, scope.row));
}

function onTexts(
  read: (scope: Scope) => string | null,
  parts: readonly string[],
  holds: (text: string, part: string) => boolean,
): Test {
  return (scope) => {
    const text = read(scope);
    if (text === null) return false;
    for (const part of parts) if (holds(text, part)) return true;
    return false;
  };
}

function ordered(read: (scope: Scope) => string | null, bound: string, wanted: -1 | 1): Test {
  return (scope) => {
    const text = read(scope);
    return text !== null && compareNumbers(text, bound) === wanted;
  };
}
