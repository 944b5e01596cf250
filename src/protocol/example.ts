import type { Expression, ExpressionNode, Predicate, Rows, SourceTest, ValueCheck } from "../model/mod.ts";
import { isList, isObject, type Json } from "./words.ts";

/** A JSON value under construction. */
type Draft = null | boolean | number | string | Draft[] | { [key: string]: Draft };

/** Builds a frame that matches a predicate; null if the predicate's paths do not determine one. */
export function exampleOf(predicate: Predicate): Json | null {
  const draft: { [key: string]: Draft } = {};
  const isMade = predicate.kind === "table"
    ? predicate.tests.every((test) => meet(draft, test))
    : satisfy(draft, predicate.tree);
  return isMade ? draft : null;
}

/** Returns a frame with a value at the path of an expression; null if it is not a path. */
export function withValue(frame: Json, at: Expression, value: Json): Json | null {
  const copy = structuredClone(frame) as Draft;
  const path = pathOf(at.tree);
  return path !== null && put(copy, path, structuredClone(value) as Draft) ? copy : null;
}

/** Returns a frame with a list where rows are read. */
export function withRows(frame: Json, { steps, tail }: Rows, values: readonly Json[]): Json | null {
  if (steps.length !== 1 || (tail !== null && tail.length > 0)) return null;
  const copy = structuredClone(frame) as Draft;
  return put(copy, steps[0], structuredClone(values) as Draft) ? copy : null;
}

/** Returns a value with every text that is a key of `texts` replaced. */
export function withTexts(value: Json, texts: ReadonlyMap<string, string>): Json {
  if (typeof value === "string") return texts.get(value) ?? value;
  if (isList(value)) return value.map((one) => withTexts(one, texts));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withTexts(inner, texts)]));
}

function meet(draft: Draft, { source, checks }: SourceTest): boolean {
  const path = pathOf(source.tree);
  if (path === null) return false;
  for (const check of checks) {
    const value = valueFor(check);
    if (value === undefined) continue;
    if (!put(draft, path, value)) return false;
  }
  return true;
}

/** Returns a value that passes a check; undefined if a missing value passes too. */
function valueFor(check: ValueCheck): Draft | undefined {
  switch (check.kind) {
    case "one_of":
      return scalarOf(check.texts[0] ?? "");
    case "prefix":
    case "suffix":
    case "contains":
      return check.texts[0] ?? "";
    case "exists":
      return check.exists ? "" : undefined;
    case "is":
      return { null: null, array: [], object: {}, string: "", number: 0, bool: true }[check.is];
    case "gt":
      return Number(check.number) + 1;
    case "lt":
      return Number(check.number) - 1;
    case "not":
      return undefined;
  }
}

function satisfy(draft: Draft, node: ExpressionNode): boolean {
  switch (node.kind) {
    case "and":
      return node.operands.every((operand) => satisfy(draft, operand));
    case "or":
      return node.operands.some((operand) => satisfy(draft, operand));
    case "compare": {
      const [path, other] = [pathOf(node.left), node.right];
      if (path === null || other.kind !== "literal") return false;
      const value = other.isNumber ? Number(other.value) : other.value;
      if (node.operator === "==") return put(draft, path, value);
      return node.operator === "!=" && put(draft, path, value === null ? "" : null);
    }
    case "path":
      return put(draft, node.segments, true);
    default:
      return false;
  }
}

function pathOf(node: ExpressionNode): readonly string[] | null {
  return node.kind === "path" && (node.root === "root" || node.root === "row") ? node.segments : null;
}

function put(draft: Draft, [key, ...rest]: readonly string[], value: Draft): boolean {
  if (key === undefined || typeof draft !== "object" || draft === null) return false;
  if (Array.isArray(draft)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index > draft.length) return false;
    if (rest.length === 0) draft[index] = value;
    else draft[index] ??= /^\d+$/.test(rest[0]) ? [] : {};
    return rest.length === 0 || put(draft[index], rest, value);
  }
  if (rest.length === 0) {
    draft[key] = value;
    return true;
  }
  const inner = draft[key];
  if (typeof inner !== "object" || inner === null) draft[key] = /^\d+$/.test(rest[0]) ? [] : {};
  return put(draft[key], rest, value);
}

function scalarOf(text: string): Draft {
  if (text === "true" || text === "false") return text === "true";
  return /^-?(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}
