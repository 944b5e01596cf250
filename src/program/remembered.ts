import { compilePath, type Path, TextTable } from "../json/mod.ts";
import { childrenOf, type ExpressionNode } from "../model/mod.ts";
import type { Evaluate } from "./expression_compiler.ts";
import type { Value } from "./scope.ts";

/**
 * Remembers what an expression came to for the texts at the one place that it reads from: channel names that hold a
 * symbol come again and again, and taking them apart costs more than to know them. Returns the evaluation itself where
 * it reads from no place or from several, or from one that is not of the row or the frame.
 */
export function remembering(tree: ExpressionNode, evaluate: Evaluate): Evaluate {
  const place = onlyPlace(tree);
  if (place === null) return evaluate;
  const { path, isRoot } = place;
  const known = new TextTable<Exclude<Value, number>>();
  return (scope) => {
    const document = isRoot ? scope.outer ?? scope.document : scope.document;
    const node = document.find(path, isRoot ? 0 : scope.row);
    // `true` and "true" are the same bytes and not the same value.
    if (node < 0 || document.kind(node) !== "string") return evaluate(scope);
    const last = known.find(document, node);
    if (last !== undefined) return last;
    const value = evaluate(scope);
    // A number is a node of the document, which the next one does not have.
    if (typeof value !== "number") known.remember(document, node, value);
    return value;
  };
}

/** The path of an expression all of whose paths are the same; null where it has none, or others. */
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

function pathsOf(node: ExpressionNode): readonly Extract<ExpressionNode, { readonly kind: "path" }>[] {
  return node.kind === "path" ? [node] : childrenOf(node).flatMap(pathsOf);
}
