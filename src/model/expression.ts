/** A range of the source text: UTF-16 offset and length. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/**
 * Where a path begins: at a node of the document, or (`route`) at the alias that the session remembers for the frame's
 * key.
 */
export type PathRoot = "row" | "parent" | "root" | "route";

/** How two values are compared. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/**
 * A node of an expression's tree. A chain of `&&`, `||` or `??` is one node, so the depth of the tree is the nesting of
 * the text.
 */
export type ExpressionNode =
  & Span
  & (
    | { readonly kind: "literal"; readonly value: null | boolean | string; readonly isNumber: boolean }
    | { readonly kind: "path"; readonly root: PathRoot; readonly segments: readonly string[] }
    | { readonly kind: "access"; readonly base: ExpressionNode; readonly segments: readonly string[] }
    | { readonly kind: "and" | "or" | "coalesce"; readonly operands: readonly ExpressionNode[] }
    | { readonly kind: "not"; readonly operand: ExpressionNode }
    | {
      readonly kind: "compare";
      readonly operator: Comparison;
      readonly left: ExpressionNode;
      readonly right: ExpressionNode;
    }
    | {
      readonly kind: "choose";
      readonly condition: ExpressionNode;
      readonly then: ExpressionNode;
      readonly otherwise: ExpressionNode;
    }
    | {
      readonly kind: "call";
      readonly name: Span & { readonly text: string };
      readonly args: readonly ExpressionNode[];
    }
  );

/** A checked expression or pointer: plain data, ready to be compiled. */
export interface Expression {
  /** The text as written. Spans of the tree refer to it. */
  readonly source: string;
  readonly tree: ExpressionNode;
}

/**
 * A fan-out `/events/<all>/trades/<all>`: each step is followed, then the array found there is iterated over. `tail` is
 * followed from the last element; null where the pointer ends with the wildcard. Without wildcards `steps` is empty and
 * `tail` names the single row.
 */
export interface Rows {
  readonly source: string;
  /** Segments of each step. */
  readonly steps: readonly (readonly string[])[];
  readonly tail: readonly string[] | null;
}

/** Returns the nodes right below a node. */
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
