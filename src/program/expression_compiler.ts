import { compilePath, type JsonDocument, type NodeId, NOT_FOUND, type Path } from "../json/mod.ts";
import { type Comparison, type ExpressionNode, type PathRoot, unreachable } from "../model/mod.ts";
import { isNumber } from "./arithmetic.ts";
import type { Evaluation } from "./function_spec.ts";
import { findFunction } from "./functions.ts";
import { matchTexts } from "./scalar_match.ts";
import type { Scope, Value } from "./scope.ts";
import { areEqual, orderOf, valueOfNode } from "./value.ts";

/** A compiled node. */
export type Evaluate = (scope: Scope) => Value;

/**
 * Turns a checked tree into closures. They share `evaluation`, which the caller of the outermost one must reset. A tree
 * has no loops, so one evaluation costs at most one step per node plus the steps of functions on lists.
 */
export function compileNode(node: ExpressionNode, evaluation: Evaluation): Evaluate {
  switch (node.kind) {
    case "literal": {
      const { value } = node;
      return () => value;
    }
    case "path":
      return compilePathNode(node.root, node.segments);
    case "access":
      return compileAccess(compileNode(node.base, evaluation), node.segments);
    case "and": {
      const operands = node.operands.map((operand) => compileNode(operand, evaluation));
      return (scope) => {
        for (const operand of operands) if (operand(scope) !== true) return false;
        return true;
      };
    }
    case "or": {
      const operands = node.operands.map((operand) => compileNode(operand, evaluation));
      return (scope) => {
        for (const operand of operands) if (operand(scope) === true) return true;
        return false;
      };
    }
    case "coalesce":
      return compileCoalesce(node.operands.map((operand) => compileNode(operand, evaluation)));
    case "not": {
      const operand = compileNode(node.operand, evaluation);
      return (scope) => operand(scope) !== true;
    }
    case "compare":
      return compileTextEquality(node) ?? compileOtherComparison(node, evaluation);
    case "choose": {
      const condition = compileNode(node.condition, evaluation);
      const then = compileNode(node.then, evaluation);
      const otherwise = compileNode(node.otherwise, evaluation);
      return (scope) => condition(scope) === true ? then(scope) : otherwise(scope);
    }
    case "call":
      return compileCall(node, evaluation);
    default:
      return unreachable(node);
  }
}

/** Compiles a path from one of the roots: one look-up, with no allocation but the text found. */
export function compilePathNode(root: PathRoot, segments: readonly string[]): Evaluate {
  if (root === "route") {
    const [name] = segments;
    return ({ route }) => route?.get(name) ?? null;
  }
  const find = compileFind(root, segments);
  if (root !== "root") return (scope) => valueOfNode(scope.document, find(scope));
  const path = compilePath(segments);
  return (scope) => scope.outer === null ? valueOfNode(scope.document, find(scope)) : outerScalar(scope.outer, path);
}

/**
 * Returns a scalar of the frame around the document; null for a container, whose node would be mistaken for one of the
 * document.
 */
function outerScalar(outer: JsonDocument, path: Path): Value {
  const value = valueOfNode(outer, outer.find(path, 0));
  return typeof value === "number" ? null : value;
}

function compileFind(root: Exclude<PathRoot, "route">, segments: readonly string[]): (scope: Scope) => NodeId {
  const path = compilePath(segments);
  switch (root) {
    case "row":
      return (scope) => scope.document.find(path, scope.row);
    case "parent":
      return (scope) => scope.document.find(path, scope.parent);
    case "root":
      return (scope) => scope.document.find(path, 0);
  }
}

function compileAccess(base: Evaluate, segments: readonly string[]): Evaluate {
  const path = compilePath(segments);
  return (scope) => {
    const value = base(scope);
    const node = typeof value === "number" ? scope.document.find(path, value) : NOT_FOUND;
    return valueOfNode(scope.document, node);
  };
}

function compileCoalesce(operands: readonly Evaluate[]): Evaluate {
  return (scope) => {
    for (const operand of operands) {
      const value = operand(scope);
      if (value !== null) return value;
    }
    return null;
  };
}

/**
 * Compiles `path == 'text'`, the most common condition, without creating the text; null if the node has another form.
 */
function compileTextEquality(node: ExpressionNode & { readonly kind: "compare" }): Evaluate | null {
  const { operator, left, right } = node;
  if (left.kind !== "path" || left.root === "route" || right.kind !== "literal" || right.value === null) return null;
  if (operator !== "==" && operator !== "!=") return null;
  const text = String(right.value);
  if (isNumber(text)) return null;
  const find = compileFind(left.root, left.segments);
  const matches = matchTexts(new Set([text]));
  const wanted = operator === "==";
  if (left.root === "root") {
    const path = compilePath(left.segments);
    return (scope) => {
      const document = scope.outer ?? scope.document;
      return matches(document, document.find(path, 0)) === wanted;
    };
  }
  return (scope) => matches(scope.document, find(scope)) === wanted;
}

/**
 * Compiles any comparison. A path compared with a whole number, such as `u == 1`, creates no text if its value is one
 * too.
 */
function compileOtherComparison(
  node: ExpressionNode & { readonly kind: "compare" },
  evaluation: Evaluation,
): Evaluate {
  const { operator, left, right } = node;
  const compare = compileComparison(operator, compileNode(left, evaluation), compileNode(right, evaluation));
  if (operator !== "==" && operator !== "!=") return compare;
  if (left.kind !== "path" || left.root === "route" || left.root === "root") return compare;
  if (right.kind !== "literal" || !/^\d{1,15}$/.test(String(right.value))) return compare;
  const find = compileFind(left.root, left.segments);
  const count = Number(right.value);
  const wanted = operator === "==";
  return (scope) => {
    const found = scope.document.digits(find(scope));
    return found < 0 ? compare(scope) : (found === count) === wanted;
  };
}

function compileComparison(operator: Comparison, left: Evaluate, right: Evaluate): Evaluate {
  switch (operator) {
    case "==":
      return (scope) => areEqual(left(scope), right(scope));
    case "!=":
      return (scope) => !areEqual(left(scope), right(scope));
    case "<":
      return ordered(left, right, (order) => order < 0);
    case "<=":
      return ordered(left, right, (order) => order <= 0);
    case ">":
      return ordered(left, right, (order) => order > 0);
    case ">=":
      return ordered(left, right, (order) => order >= 0);
  }
}

function ordered(left: Evaluate, right: Evaluate, holds: (order: number) => boolean): Evaluate {
  return (scope) => {
    const order = orderOf(left(scope), right(scope));
    return order === null ? null : holds(order);
  };
}

function compileCall(node: ExpressionNode & { readonly kind: "call" }, evaluation: Evaluation): Evaluate {
  const spec = findFunction(node.name.text);
  if (spec === undefined) throw new Error(`Unchecked call of ${node.name.text}`);
  const { apply } = spec;
  const args = node.args.map((arg) => compileNode(arg, evaluation));
  const values: Value[] = args.map(() => null);
  return (scope) => {
    for (let i = 0; i < args.length; i++) values[i] = args[i](scope);
    return apply(values, scope.document, evaluation, scope.listed);
  };
}
