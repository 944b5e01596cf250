import type { Issue } from "../model/mod.ts";
import { branchesOf, type JsonSchema } from "./json_schema.ts";
import { schemasAt } from "./expectation.ts";
import { NO_PLACE, type ValuePath } from "./position.ts";
import type { TomlValue } from "./toml_source.ts";

/** Converts an interpolated text to a number or a boolean if the schema takes one of these and no text. */
export function coerceText(schema: JsonSchema, path: ValuePath, text: string): TomlValue {
  const types = schemasAt(schema, path, undefined).flatMap(branchesOf).flatMap((branch) => branch.type ?? []);
  if (types.includes("string")) return text;
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  const isNumber = types.includes("integer") || types.includes("number");
  return isNumber && /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

/**
 * Returns the issues found in all variants of a value. An issue of a single variant, or one outside of any file, comes from a
 * stand-in; the error behind the stand-in is already reported.
 */
export function findCommonIssues<Values>(
  variants: readonly Values[],
  check: (values: Values, variant: number) => readonly Issue[],
): readonly Issue[] {
  const [first = [], ...others] = variants.map(check);
  const known = others.map((issues) => new Set(issues.map(issueKey)));
  return first.filter((issue) => issue.file !== NO_PLACE.file && known.every((keys) => keys.has(issueKey(issue))));
}

function issueKey(issue: Issue): string {
  return JSON.stringify([placeKey(issue), issue.message, issue.exchange]);
}

function placeKey(place: { readonly file: string; readonly line: number; readonly column: number }): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** Returns issues without repeats, in the order of files and lines. */
export function orderIssues(issues: readonly Issue[]): readonly Issue[] {
  const seen = new Map<string, Issue>();
  for (const issue of issues) {
    const key = issueKey(issue);
    if (!seen.has(key)) seen.set(key, issue);
  }
  const files = [...new Set([...seen.values()].map((issue) => issue.file))];
  return [...seen.values()].sort((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column
  );
}
