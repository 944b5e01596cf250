import type { JsonDocument, NodeId } from "../json/mod.ts";
import { compareNumbers } from "./arithmetic.ts";
import type { Value } from "./scope.ts";

/**
 * Returns the value of a node: a scalar's text, JSON booleans as booleans, containers as their node, null for JSON null
 * and NOT_FOUND.
 */
export function valueOfNode(document: JsonDocument, node: NodeId): Value {
  if (node < 0) return null;
  switch (document.kind(node)) {
    case "string":
    case "number":
      return document.text(node);
    case "true":
      return true;
    case "false":
      return false;
    case "null":
      return null;
    case "array":
    case "object":
      return node;
  }
}

/** Returns the text of a value, `true` or `false` for booleans; null for null and containers. */
export function textOfValue(value: Value): string | null {
  if (typeof value === "string") return value;
  return typeof value === "boolean" ? String(value) : null;
}

/**
 * Whether two values are equal: by text, or numerically if both are decimals. Null equals only null, and a container
 * only itself.
 */
export function areEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  const left = textOfValue(a);
  const right = textOfValue(b);
  if (left === null || right === null) return false;
  return left === right || compareNumbers(left, right) === 0;
}

/** Returns the order of two decimals; null for other values. */
export function orderOf(a: Value, b: Value): -1 | 0 | 1 | null {
  return typeof a === "string" && typeof b === "string" ? compareNumbers(a, b) : null;
}
