import type { Predicate } from "../model/mod.ts";
import { discriminatorOf } from "./discriminator.ts";
import { compileExpression } from "./expression.ts";
import { explainCondition, explainTests } from "./predicate_explanation.ts";
import type { CompiledPredicate, Scope } from "./scope.ts";
import { compileChecks, type Test } from "./value_check.ts";

/**
 * Compiles a predicate. Its sources start from the row. Its discriminator is a path from the root, so it is valid only
 * for whole frames, whose row is the root.
 */
export function compilePredicate(predicate: Predicate): CompiledPredicate {
  const { source } = predicate;
  const discriminator = discriminatorOf(predicate);
  if (predicate.kind === "condition") {
    const { tree } = predicate;
    const { evaluate } = compileExpression(predicate);
    return {
      source,
      test: (scope) => evaluate(scope) === true,
      discriminator,
      explain: (scope) => explainCondition(source, tree, scope),
    };
  }
  const tests = predicate.tests.map(({ name, source, checks }) => {
    const compiled = compileExpression(source);
    return { name, source: compiled, test: compileChecks(compiled, checks) };
  });
  return {
    source,
    test: allOf(tests.map(({ test }) => test)),
    discriminator,
    explain: (scope) => explainTests(tests, scope),
  };
}

function allOf(tests: readonly Test[]): Test {
  if (tests.length === 1) return tests[0];
  return (scope: Scope) => {
    for (const test of tests) if (!test(scope)) return false;
    return true;
  };
}
