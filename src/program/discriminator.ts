import { compilePath } from "../json/mod.ts";
import type { ExpressionNode, Predicate, SourceTest } from "../model/mod.ts";
import { isNumber } from "./arithmetic.ts";
import type { Discriminator } from "./scope.ts";

/** A scalar that must equal one of `values` or begin with one of `prefixes` for a condition to hold. */
interface NeededScalar {
  /** Path from the root. A path from the row is one too, because the row of conditions on frames is the root. */
  readonly segments: readonly string[];
  readonly values: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}

/** Returns the discriminator of a predicate; null if no single scalar decides whether it can hold. */
export function discriminatorOf(predicate: Predicate): Discriminator | null {
  switch (predicate.kind) {
    case "condition":
      return toDiscriminator(conditionDiscriminator(predicate.tree), false);
    case "table":
      return toDiscriminator(
        mostTelling(predicate.tests.flatMap((test) => neededBy(test) ?? [])),
        predicate.tests.length === 1,
      );
  }
}

/** Returns what a test on one source implies; null if the source is no plain path or the texts are not finite. */
function neededBy({ source, checks }: SourceTest): NeededScalar | null {
  const segments = pathOf(source.tree);
  if (segments === null || checks.length !== 1) return null;
  const [check] = checks;
  if (check.kind === "one_of") return { segments, values: new Set(check.texts), prefixes: [] };
  if (check.kind !== "prefix" || !check.texts.every(isWellFormed)) return null;
  return { segments, values: new Set(), prefixes: check.texts };
}

/**
 * Returns the most selective scalar: names are better than prefixes of names, and these better than numbers and flags.
 */
function mostTelling(needed: readonly NeededScalar[]): NeededScalar | null {
  const isName = (text: string): boolean => text !== "true" && text !== "false" && !isNumber(text);
  return needed.find(({ values }) => values.size > 0 && [...values].every(isName)) ??
    needed.find(({ values }) => values.size === 0) ?? needed[0] ?? null;
}

function toDiscriminator(found: NeededScalar | null, isAll: boolean): Discriminator | null {
  if (found === null) return null;
  const { segments, values, prefixes } = found;
  return { path: compilePath(segments), values, prefixes, decides: isAll && [...values].every(isWellFormed) };
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** Returns what a condition implies of one scalar; null if one look-up cannot tell whether it may hold. */
function conditionDiscriminator(tree: ExpressionNode): NeededScalar | null {
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

/** Equality with a decimal is numeric, so no finite set of texts expresses it; all other equality compares texts. */
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
