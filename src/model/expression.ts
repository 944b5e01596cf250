/** A place in the text: UTF-16 offset and length. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Where a path begins: at a node of the document, or, `route`, at what the session remembers for the frame's key. */
export type PathRoot = "row" | "parent" | "root" | "route";

/** How two values are compared. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** A node of an expression's tree. Chains of `&&`, `||` and `??` are one node, so that a tree is as deep as it is nested. */
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
