import { NOT_FOUND } from "../json/mod.ts";
import { childrenOf, type ExpressionNode } from "../model/mod.ts";
import { compileExpression } from "./expression.ts";
import type { CompiledExpression, ExplainedTest, Scope } from "./scope.ts";
import { textOfValue } from "./value.ts";

/** A part of a condition that tests the value of one source. */
export interface NamedTest {
  /** As it was written, for people. */
  readonly name: string;
  readonly source: CompiledExpression;
  readonly test: (scope: Scope) => boolean;
}

/** Most characters of a value that are shown. */
const FOUND_CHARS_MAX = 120;

/** Returns the results of tests on single sources. */
export function explainTests(tests: readonly NamedTest[], scope: Scope): readonly ExplainedTest[] {
  return tests.map(({ name, source, test }) => ({ test: name, found: foundBy(source, scope), holds: test(scope) }));
}

/** Returns the results of an expression: each operand of an outermost `&&`, with the values of its paths. */
export function explainCondition(text: string, tree: ExpressionNode, scope: Scope): readonly ExplainedTest[] {
  const parts = tree.kind === "and" ? tree.operands : [tree];
  return parts.map((part) => ({
    test: parts.length === 1 ? text : textOf(text, part),
    found: foundIn(text, part, scope),
    holds: compileExpression({ source: text, tree: part }).evaluate(scope) === true,
  }));
}

/** Returns a source's value as text of the frame; `missing` if there is none. */
export function foundBy(source: CompiledExpression, scope: Scope): string {
  const { document, row } = scope;
  if (source.path !== null) {
    const node = document.find(source.path, row);
    return node === NOT_FOUND ? "missing" : cut(document.source(node));
  }
  const value = source.evaluate(scope);
  if (typeof value === "number") return cut(document.source(value));
  return typeof value === "string" ? cut(JSON.stringify(value)) : textOfValue(value) ?? "null";
}

/** Returns the paths of a part with their values; a single one without its name. */
function foundIn(text: string, part: ExpressionNode, scope: Scope): string {
  const paths = new Map<string, string>();
  for (const node of pathsOf(part)) {
    paths.set(textOf(text, node), foundBy(compileExpression({ source: text, tree: node }), scope));
  }
  if (paths.size === 1) return [...paths.values()][0];
  return [...paths].map(([name, value]) => `${name}: ${value}`).join(", ");
}

function pathsOf(node: ExpressionNode): readonly ExpressionNode[] {
  return node.kind === "path" ? [node] : childrenOf(node).flatMap(pathsOf);
}

function textOf(text: string, { offset, length }: ExpressionNode): string {
  return text.slice(offset, offset + length).trim();
}

function cut(text: string): string {
  return text.length > FOUND_CHARS_MAX ? `${text.slice(0, FOUND_CHARS_MAX)}…` : text;
}
