import { compilePath, type Path, TextTable } from "../json/mod.ts";
import { childrenOf, type ExpressionNode } from "../model/mod.ts";
import type { Evaluate } from "./expression_compiler.ts";
import { findFunction } from "./functions.ts";
import type { Value } from "./scope.ts";

/**
 * Caches the values of an expression by the text at the only path that it reads, because channel names repeat and
 * splitting them costs more than a look-up. Returns `evaluate` unchanged if the expression reads no path, several
 * paths, a path that is not of the row or the frame, or instrument lists.
 */
export function remembering(tree: ExpressionNode, evaluate: Evaluate): Evaluate {
  const place = readsLists(tree) ? null : onlyPlace(tree);
  if (place === null) return evaluate;
  const { path, isRoot } = place;
  const known = new TextTable<Exclude<Value, number>>();
  return (scope) => {
    const document = isRoot ? scope.outer ?? scope.document : scope.document;
    const node = document.find(path, isRoot ? 0 : scope.row);
    // `true` and "true" have the same bytes but are different values.
    if (node < 0 || document.kind(node) !== "string") return evaluate(scope);
    const last = known.find(document, node);
    if (last !== undefined) return last;
    const value = evaluate(scope);
    // A number is a node, which is not valid in the next document.
    if (typeof value !== "number") known.remember(document, node, value);
    return value;
  };
}

/** Returns the path of an expression that reads only one; null if it reads none or several. */
function onlyPlace(tree: ExpressionNode): { readonly path: Path; readonly isRoot: boolean } | null {
  const paths = pathsOf(tree);
  if (paths.length === 0) return null;
  const [{ root, segments }] = paths;
  if (root !== "row" && root !== "root") return null;
  const isSame = paths.every((other) =>
    other.root === root && other.segments.length === segments.length &&
    other.segments.every((segment, at) => segment === segments[at])
  );
  return isSame ? { path: compilePath(segments), isRoot: root === "root" } : null;
}

/** Whether an expression calls a function whose result does not depend on its arguments alone. */
function readsLists(node: ExpressionNode): boolean {
  return (node.kind === "call" && findFunction(node.name.text)?.readsLists === true) ||
    childrenOf(node).some(readsLists);
}

function pathsOf(node: ExpressionNode): readonly Extract<ExpressionNode, { readonly kind: "path" }>[] {
  return node.kind === "path" ? [node] : childrenOf(node).flatMap(pathsOf);
}
