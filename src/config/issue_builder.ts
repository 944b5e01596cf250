import type { z } from "zod";
import type { Issue } from "../model/mod.ts";
import { allowedTexts, describeExpected, describeFound, knownKeys, schemasAt, valueAt } from "./expectation.ts";
import type { JsonSchema } from "./json_schema.ts";
import { issueAt, type Position, type ValuePath } from "./position.ts";
import { suggest, suggestion } from "./suggest.ts";
import type { TomlTable, TomlValue } from "./toml_source.ts";

/** What a value is checked against, and where it stands. */
export interface ShapeInput<Values> {
  readonly schema: z.ZodType<Values>;
  /** The JSON Schema of `schema`, which says in words what would be right. */
  readonly jsonSchema: () => JsonSchema;
  readonly value: TomlValue;
  /** Places, by paths relative to `value`. */
  readonly locate: (path: ValuePath) => Position;
  readonly locateKey: (path: ValuePath) => Position;
  /** How a value is shown in a message: an interpolated one as it stands in the file. */
  readonly show: (path: ValuePath, value: TomlValue | undefined) => TomlValue | undefined;
  /** How the table at a path is called in a message: `[run]`, `[[exchange]]`. */
  readonly nameTable: (path: ValuePath) => string;
  readonly exchange: string | null;
}

/** What came of checking a value. */
export interface Shape<Values> {
  /** The values, defaults filled in. With issues: what could be saved by leaving out what is wrong, or null. */
  readonly values: Values | null;
  readonly issues: readonly Issue[];
  /** Paths that were left out to save the rest: what is said about them or above them later is a consequence. */
  readonly dropped: readonly ValuePath[];
}

/** Checks a value against a schema; all that is wrong with it becomes issues, each at its place. */
export function checkShape<Values>(input: ShapeInput<Values>): Shape<Values> {
  const parsed = input.schema.safeParse(input.value);
  if (parsed.success) return { values: parsed.data, issues: [], dropped: [] };
  const findings = parsed.error.issues.flatMap((issue) => findingsOf(issue, []));
  const issues = withoutRepeats(findings, input).map((finding) => describe(finding, input));
  const dropped = findings.map((finding) => dropPath(finding.path));
  const saved = input.schema.safeParse(dropped.reduce(without, input.value));
  return { values: saved.success ? saved.data : null, issues, dropped };
}

/** One thing that is wrong: a key that is not known, or a value that is missing or not allowed. */
interface Finding {
  readonly kind: "unknown_key" | "value";
  readonly path: ValuePath;
}

type ZodIssue = z.core.$ZodIssue;

function findingsOf(issue: ZodIssue, prefix: ValuePath): readonly Finding[] {
  const path = [...prefix, ...issue.path.map((segment) => typeof segment === "symbol" ? String(segment) : segment)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ kind: "unknown_key", path: [...path, key] }));
    case "invalid_union":
      return unionFindings(issue.errors, path);
    default:
      return [{ kind: "value", path }];
  }
}

/** A union is explained by the branch that got furthest: the one whose type fits, with the fewest findings. */
function unionFindings(branches: readonly (readonly ZodIssue[])[], path: ValuePath): readonly Finding[] {
  const fitting = branches
    .filter((issues) => !issues.some((issue) => issue.path.length === 0 && issue.code !== "unrecognized_keys"))
    .map((issues) => issues.flatMap((issue) => findingsOf(issue, path)))
    .sort((a, b) => a.length - b.length);
  return fitting[0] ?? [{ kind: "value", path }];
}

/** A key that is missing because it was misspelt is said once, at the misspelt key. */
function withoutRepeats<Values>(findings: readonly Finding[], input: ShapeInput<Values>): readonly Finding[] {
  const meant = new Set(
    findings.filter((finding) => finding.kind === "unknown_key").map((finding) => {
      const table = finding.path.slice(0, -1);
      const nearest = suggest(lastKey(finding.path), keysAt(table, input));
      return nearest === null ? "" : JSON.stringify([...table, nearest]);
    }),
  );
  const isMissing = (finding: Finding) => finding.kind === "value" && valueAt(input.value, finding.path) === undefined;
  return findings.filter((finding) => !(isMissing(finding) && meant.has(JSON.stringify(finding.path))));
}

function keysAt<Values>(table: ValuePath, input: ShapeInput<Values>): readonly string[] {
  return knownKeys(schemasAt(input.jsonSchema(), table, input.value));
}

function describe<Values>(finding: Finding, input: ShapeInput<Values>): Issue {
  const table = finding.path.slice(0, -1);
  const key = lastKey(finding.path);
  const { exchange } = input;
  if (finding.kind === "unknown_key") {
    const message = `Unknown key "${key}" in ${input.nameTable(table)}${suggestion(key, keysAt(table, input))}`;
    return issueAt(input.locateKey(finding.path), { message, exchange });
  }
  const schemas = schemasAt(input.jsonSchema(), finding.path, input.value);
  const expected = describeExpected(schemas);
  const value = valueAt(input.value, finding.path);
  if (value === undefined) {
    const message = `Missing key "${key}" in ${input.nameTable(table)}: expected ${expected}`;
    return issueAt(input.locateKey(table), { message, exchange });
  }
  const shown = input.show(finding.path, value);
  const nearest = typeof shown === "string" ? suggest(shown, allowedTexts(schemas)) : null;
  const hint = nearest === null ? "" : `; did you mean "${nearest}"?`;
  const message = `Wrong value of ${nameValue(finding.path)}: expected ${expected}, found ${
    describeFound(shown)
  }${hint}`;
  return issueAt(input.locate(finding.path), { message, exchange });
}

/** How a value is called in a message: its key, with its place in a list. */
function nameValue(path: ValuePath): string {
  const at = path.findLastIndex((segment) => typeof segment === "string");
  if (at === -1) return "the file";
  const items = path.slice(at + 1).map((index) => ` #${Number(index) + 1}`).join("");
  return `"${path[at]}"${items}`;
}

function lastKey(path: ValuePath): string {
  return path.length === 0 ? "" : String(path[path.length - 1]);
}

/** Items of a list are left out with the whole list, so that no index moves. */
function dropPath(path: ValuePath): ValuePath {
  const end = path.findLastIndex((segment) => typeof segment === "string");
  return path.slice(0, end + 1);
}

/** A copy without the value at a path. */
function without(value: TomlValue, path: ValuePath): TomlValue {
  if (path.length === 0 || typeof value !== "object") return value;
  const [segment, ...rest] = path;
  if (Array.isArray(value)) {
    return value.map((element: TomlValue, index) => index === segment ? without(element, rest) : element);
  }
  const copy: Record<string, TomlValue> = Object.assign(Object.create(null), value);
  if (rest.length === 0) delete copy[segment];
  else if (Object.hasOwn(copy, segment)) copy[segment] = without(copy[segment], rest);
  return copy;
}

/** Names tables as TOML writes them: `[run]`, `[[ws.connections]]`; `prefix` leads to the value that is checked. */
export function tableNamer(root: TomlTable | null, prefix: ValuePath): (path: ValuePath) => string {
  return (relative) => {
    const path = [...prefix, ...relative];
    if (path.length === 0) return "the file";
    const name = path.filter((segment) => typeof segment === "string").join(".");
    return typeof path[path.length - 1] === "number" && valueAt(root ?? undefined, path) !== undefined
      ? `[[${name}]]`
      : `[${name}]`;
  };
}
