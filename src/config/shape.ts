import type { Issue } from "../model/mod.ts";
import { branchesOf, type JsonSchema } from "./json_schema.ts";
import { schemasAt } from "./expectation.ts";
import type { Position, ValuePath } from "./position.ts";
import type { TomlValue } from "./toml_source.ts";

/** Turns an interpolated text into a number or a boolean where the schema takes no text but one of these. */
export function coerceText(schema: JsonSchema, path: ValuePath, text: string): TomlValue {
  const types = schemasAt(schema, path, undefined).flatMap(branchesOf).flatMap((branch) => branch.type ?? []);
  if (types.includes("string")) return text;
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  const isNumber = types.includes("integer") || types.includes("number");
  return isNumber && /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

/**
 * Leaves out issues that are only consequences of values that were dropped because they are wrong: those that stand at
 * such a value, below it, or at a table on the way to it. A dropped value has its own issue already.
 */
export function withoutConsequences(
  issues: readonly Issue[],
  dropped: readonly ValuePath[],
  locators: readonly ((path: ValuePath) => Position)[],
): readonly Issue[] {
  const places = new Set<string>();
  for (const path of dropped) {
    for (let end = 1; end <= path.length; end++) {
      for (const locate of locators) places.add(placeKey(locate(path.slice(0, end))));
    }
  }
  return issues.filter((issue) => !places.has(placeKey(issue)));
}

function placeKey(place: { readonly file: string; readonly line: number; readonly column: number }): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** Issues without repeats, in the order of files and lines. */
export function orderIssues(issues: readonly Issue[]): readonly Issue[] {
  const seen = new Map<string, Issue>();
  for (const issue of issues) {
    const key = JSON.stringify([placeKey(issue), issue.message, issue.exchange]);
    if (!seen.has(key)) seen.set(key, issue);
  }
  const files = [...new Set([...seen.values()].map((issue) => issue.file))];
  return [...seen.values()].sort((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column
  );
}
