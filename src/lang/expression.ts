import { compilePath, type Expression, type Scope } from "../json/mod.ts";
import { EXPRESSION_BYTES_MAX, EXPRESSION_STEPS_MAX, type ExpressionNode } from "../model/mod.ts";
import { compileNode, compilePathNode, type Evaluate, type Evaluation } from "../program/mod.ts";
import { checkExpression } from "./expression_checker.ts";
import { parseExpression } from "./expression_parser.ts";
import { type Compiled, compiled, refused, refusedAll } from "./diagnostic.ts";

/** A checked tree with its expression. */
export interface CheckedExpression {
  readonly tree: ExpressionNode;
  readonly expression: Expression;
}

/**
 * Compiles an expression. `maxLength` is a bound in bytes of UTF-8 that may lower EXPRESSION_BYTES_MAX. Characters that
 * cannot be read are all reported, else the first misplaced word, else every unknown function and unfit argument.
 */
export function compileExpression(text: string, options: { readonly maxLength?: number } = {}): Compiled<Expression> {
  const checked = compileTree(text, { ...options, isCondition: false });
  return checked.ok ? compiled(checked.value.expression) : checked;
}

/** Compiles an expression and keeps its tree; a condition must not be a plain text or number. */
export function compileTree(
  text: string,
  options: { readonly maxLength?: number; readonly isCondition: boolean },
): Compiled<CheckedExpression> {
  const limit = Math.min(options.maxLength ?? EXPRESSION_BYTES_MAX, EXPRESSION_BYTES_MAX);
  if (text.length > limit || new TextEncoder().encode(text).length > limit) {
    return refused(0, text.length, `Expression is too long: at most ${limit} bytes`);
  }
  const { tree, errors } = parseExpression(text);
  if (tree === null) return refusedAll(errors);
  const found = checkExpression(tree, options);
  if (found.length > 0) return refusedAll(found);
  return compiled({ tree, expression: buildExpression(text, tree) });
}

/** The expression that follows a path from the row. */
export function pathExpression(source: string, segments: readonly string[]): Expression {
  return { source, path: compilePath(segments), evaluate: compilePathNode("row", segments) };
}

/** The expression of a checked tree, or of a part of one. */
export function buildExpression(source: string, tree: ExpressionNode): Expression {
  if (tree.kind === "path" && tree.root === "row") return pathExpression(source, tree.segments);
  if (tree.kind === "path" && tree.root === "root") {
    const { segments } = tree;
    return { source, path: null, rootPath: compilePath(segments), evaluate: compilePathNode("root", segments) };
  }
  const evaluation: Evaluation = { steps: 0 };
  const inner = compileNode(tree, evaluation);
  const evaluate = tree.kind === "path" ? inner : boundedEvaluate(inner, evaluation, countNodes(tree));
  return { source, path: null, evaluate };
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

/** The nodes right below a node. */
export function childrenOf(node: ExpressionNode): readonly ExpressionNode[] {
  switch (node.kind) {
    case "literal":
    case "path":
      return [];
    case "access":
      return [node.base];
    case "and":
    case "or":
    case "coalesce":
      return node.operands;
    case "not":
      return [node.operand];
    case "compare":
      return [node.left, node.right];
    case "choose":
      return [node.condition, node.then, node.otherwise];
    case "call":
      return node.args;
  }
}
