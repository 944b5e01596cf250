import { compilePath } from "../json/mod.ts";
import { childrenOf, type Expression, EXPRESSION_STEPS_MAX, type ExpressionNode, type Rows } from "../model/mod.ts";
import { compileNode, compilePathNode, type Evaluate } from "./expression_compiler.ts";
import type { Evaluation } from "./function_spec.ts";
import { remembering } from "./remembered.ts";
import type { CompiledExpression, CompiledRows, Scope } from "./scope.ts";

/** Compiles an expression. Throws if a function is unknown, which is a bug: a checked tree always compiles. */
export function compileExpression({ source, tree }: Expression): CompiledExpression {
  if (tree.kind !== "path") {
    const evaluation: Evaluation = { steps: 0 };
    const inner = compileNode(tree, evaluation);
    return { source, path: null, evaluate: remembering(tree, boundedEvaluate(inner, evaluation, countNodes(tree))) };
  }
  const { root, segments } = tree;
  const evaluate = compilePathNode(root, segments);
  if (root === "row") return { source, path: compilePath(segments), evaluate };
  return root === "root"
    ? { source, path: null, rootPath: compilePath(segments), evaluate }
    : { source, path: null, evaluate };
}

/** Compiles a fan-out. */
export function compileRows({ source, steps, tail }: Rows): CompiledRows {
  return { source, steps: steps.map(compilePath), tail: tail === null ? null : compilePath(tail) };
}

function boundedEvaluate(inner: Evaluate, evaluation: Evaluation, nodes: number): Evaluate {
  return (scope: Scope) => {
    evaluation.steps = nodes;
    const value = inner(scope);
    return evaluation.steps > EXPRESSION_STEPS_MAX ? null : value;
  };
}

function countNodes(node: ExpressionNode): number {
  return childrenOf(node).reduce((count, child) => count + countNodes(child), 1);
}
