import type { Expression } from "../json/mod.ts";
import type { ExpressionNode } from "../model/mod.ts";
import { isNumber } from "../program/mod.ts";
import { parseExpression } from "./expression_parser.ts";

/** A scalar that has to be one of some texts, or to begin with one of others, for a condition to hold. */
export interface NeededScalar {
  /** From the root; a path from the row counts as one, because conditions on frames have the root as their row. */
  readonly segments: readonly string[];
  readonly values: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}

/** The path from the root that a compiled source follows; null where it is not a plain one. */
export function rootSegments(text: string, source: Expression): readonly string[] | null {
  if (source.path !== null) return source.path.segments;
  const { tree } = parseExpression(text);
  return tree === null ? null : pathOf(tree);
}

/** What a condition implies of one scalar; null where it implies nothing that one look-up could tell. */
export function conditionDiscriminator(tree: ExpressionNode): NeededScalar | null {
  switch (tree.kind) {
    case "and":
      for (const operand of tree.operands) {
        const found = conditionDiscriminator(operand);
        if (found !== null) return found;
      }
      return null;
    case "or":
      return unionOf(tree.operands.map(conditionDiscriminator));
    case "compare":
      if (tree.operator !== "==") return null;
      return equality(tree.left, [tree.right]) ?? equality(tree.right, [tree.left]);
    case "call":
      return tree.name.text === "one_of" ? equality(tree.args[0], tree.args.slice(1)) : null;
    case "path":
      return rooted(tree, new Set(["true"]));
    case "literal":
    case "access":
    case "coalesce":
    case "not":
    case "choose":
      return null;
  }
}

function unionOf(parts: readonly (NeededScalar | null)[]): NeededScalar | null {
  const values = new Set<string>();
  let segments: readonly string[] | null = null;
  for (const part of parts) {
    if (part === null) return null;
    if (segments !== null && JSON.stringify(segments) !== JSON.stringify(part.segments)) return null;
    segments = part.segments;
    for (const value of part.values) values.add(value);
  }
  return segments === null ? null : { segments, values, prefixes: [] };
}

/** Equality with a decimal is numeric, so that no set of texts can stand for it; all other equality is of text. */
function equality(subject: ExpressionNode, candidates: readonly ExpressionNode[]): NeededScalar | null {
  const values = new Set<string>();
  for (const candidate of candidates) {
    if (candidate.kind !== "literal" || candidate.value === null) return null;
    const text = String(candidate.value);
    if (isNumber(text)) return null;
    values.add(text);
  }
  return rooted(subject, values);
}

function rooted(node: ExpressionNode, values: ReadonlySet<string>): NeededScalar | null {
  const segments = pathOf(node);
  return segments === null ? null : { segments, values, prefixes: [] };
}

function pathOf(node: ExpressionNode): readonly string[] | null {
  return node.kind === "path" && (node.root === "row" || node.root === "root") ? node.segments : null;
}
