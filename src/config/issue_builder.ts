import type { z } from "zod";
import { type Issue, ISSUES_MAX } from "../model/mod.ts";
import { allowedTexts, describeExpected, describeFound, knownKeys, schemasAt, valueAt } from "./expectation.ts";
import type { JsonSchema } from "./json_schema.ts";
import { issueAt, type Locate, NO_PLACE, type Position, type ValuePath } from "./position.ts";
import { standIn, VARIANTS, without, withValue } from "./stand_ins.ts";
import { suggest, suggestion } from "./suggest.ts";
import type { TomlTable, TomlValue } from "./toml_source.ts";

/** A value with its schema and its place. */
export interface ShapeInput<Values> {
  readonly schema: z.ZodType<Values>;
  /** JSON Schema of `schema`, from which messages describe the expected value. */
  readonly jsonSchema: () => JsonSchema;
  readonly value: TomlValue;
  /** Places, by paths relative to `value`. */
  readonly locate: Locate;
  readonly locateKey: (path: ValuePath) => Position;
  /** Values that could not be interpolated. Reports nothing about them; stand-ins replace them. */
  readonly doubted?: readonly ValuePath[];
  /** Returns a value as messages show it: an interpolated one as written in the file. */
  readonly show: (path: ValuePath, value: TomlValue | undefined) => TomlValue | undefined;
  /** Returns the name of the table at a path for messages: `[run]`, `[[exchange]]`. */
  readonly nameTable: (path: ValuePath) => string;
  readonly exchange: string | null;
}

/** Result of checking a value. */
export interface Shape<Values> {
  /**
   * Values with defaults. One set if the value is valid; otherwise several, each with other stand-ins for invalid parts, for
   * `findCommonIssues()`. Empty if no stand-in fits.
   */
  readonly variants: readonly Values[];
  readonly issues: readonly Issue[];
  /** Returns places as in the input, for checks of `variants`; `NO_PLACE` for a stand-in. */
  readonly locate: Locate;
  readonly locateKey: (path: ValuePath) => Position;
}

/** Checks a value against a schema; reports every error at its place. */
export function checkShape<Values>(input: ShapeInput<Values>): Shape<Values> {
  const parsed = input.schema.safeParse(input.value);
  const doubted = input.doubted ?? [];
  if (parsed.success && doubted.length === 0) {
    return { variants: [parsed.data], issues: [], locate: input.locate, locateKey: input.locateKey };
  }
  const repaired = repair(input);
  const wrong = repaired.findings.map(({ path }) => path);
  if (wrong.length > ISSUES_MAX) return countedShape(repaired);
  const isDoubted = (path: ValuePath) => doubted.some((one) => isWithin(path, one));
  const left = withoutRepeats(repaired.findings.filter(({ path }) => !isDoubted(path)), repaired.input);
  const issues = [...repaired.issues, ...left.map((finding) => describe(finding, repaired.input))];
  const stoodIn = Array.from(
    { length: VARIANTS },
    (_, variant) =>
      standIn({ schema: input.schema, jsonSchema: input.jsonSchema(), value: repaired.input.value }, {
        wrong: [...wrong, ...doubted],
        wrongIn: (error) => error.issues.flatMap((issue) => findingsOf(issue, [])).map(({ path }) => path),
        variant,
      }),
  ).filter((one) => one !== null);
  const paths = stoodIn.flatMap((one) => one.paths);
  const isReal = (path: ValuePath) => !paths.some((one) => isWithin(path, one));
  return {
    variants: stoodIn.map(({ values }) => values),
    issues,
    locate: (path, offset, length) => isReal(path) ? repaired.input.locate(path, offset, length) : NO_PLACE,
    locateKey: (path) => isReal(path) ? repaired.input.locateKey(path) : NO_PLACE,
  };
}

/** Returns the first `ISSUES_MAX` issues and the number of the others; no variants, so that nothing else is checked. */
function countedShape<Values>({ input, issues, findings }: Repaired<Values>): Shape<Values> {
  const told = findings.slice(0, ISSUES_MAX).map((finding) => describe(finding, input));
  const message = `There are ${findings.length - ISSUES_MAX} further mistakes; the rest is checked when these are gone`;
  const rest = issueAt(input.locate([]), { message, exchange: input.exchange });
  return { variants: [], issues: [...issues, ...told, rest], locate: input.locate, locateKey: input.locateKey };
}

/** Whether a path is that of a value or of something in it. */
export function isWithin(path: ValuePath, value: ValuePath): boolean {
  return value.length <= path.length && value.every((segment, index) => segment === path[index]);
}

/** A value with misspelt keys and names corrected, and the findings that remain. */
interface Repaired<Values> {
  readonly input: ShapeInput<Values>;
  readonly findings: readonly Finding[];
  /** Issues of the corrections. */
  readonly issues: readonly Issue[];
}

/** Corrects misspelt keys, and misspelt discriminators of tables, to the nearest known ones. */
function repair<Values>(original: ShapeInput<Values>): Repaired<Values> {
  let input = original;
  const issues: Issue[] = [];
  for (let round = 0; round < REPAIRS_MAX; round++) {
    const parsed = input.schema.safeParse(input.value);
    const findings = parsed.success ? [] : parsed.error.issues.flatMap((issue) => findingsOf(issue, []));
    if (findings.length > ISSUES_MAX) return { input, findings, issues };
    const changes = findings.flatMap((finding) => changeOf(finding, input) ?? []);
    if (changes.length === 0) return { input, findings, issues };
    for (const { finding } of changes) issues.push(describe(finding, input));
    for (const change of changes) input = change.apply(input);
  }
  const parsed = input.schema.safeParse(input.value);
  return { input, findings: parsed.success ? [] : parsed.error.issues.flatMap((i) => findingsOf(i, [])), issues };
}

/** Most rounds of corrections; tables nest at most this deep. */
const REPAIRS_MAX = 12;

interface Change<Values> {
  readonly finding: Finding;
  readonly apply: (input: ShapeInput<Values>) => ShapeInput<Values>;
}

function changeOf<Values>(finding: Finding, input: ShapeInput<Values>): Change<Values> | null {
  const value = valueAt(input.value, finding.path);
  if (value === undefined || finding.path.length === 0) return null;
  if (finding.kind === "unknown_key") {
    const table = finding.path.slice(0, -1);
    const meant = suggest(lastKey(finding.path), keysAt(table, input));
    const path = meant === null ? null : [...table, meant];
    if (path === null || valueAt(input.value, path) !== undefined) return null;
    return { finding, apply: (now) => renamed(now, finding.path, path) };
  }
  if (typeof value !== "string") return null;
  const nearest = suggest(value, allowedTexts(schemasAt(input.jsonSchema(), finding.path, input.value)));
  if (nearest === null) return null;
  return { finding, apply: (now) => ({ ...now, value: withValue(now.value, finding.path, nearest) }) };
}

/** Renames a key of the input; places still lead to the key in the file. */
function renamed<Values>(input: ShapeInput<Values>, from: ValuePath, to: ValuePath): ShapeInput<Values> {
  const value = valueAt(input.value, from);
  if (value === undefined || valueAt(input.value, to) !== undefined) return input;
  const written = (path: ValuePath) => isWithin(path, to) ? [...from, ...path.slice(to.length)] : path;
  return {
    ...input,
    value: withValue(without(input.value, from), to, value),
    locate: (path, offset, length) => input.locate(written(path), offset, length),
    locateKey: (path) => input.locateKey(written(path)),
    nameTable: (path) => input.nameTable(written(path)),
    show: (path, shown) => input.show(written(path), shown),
  };
}

/** One error: an unknown key, or a missing or invalid value. */
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

/** Explains a union by its closest branch: the one whose type fits, with the fewest findings. */
function unionFindings(branches: readonly (readonly ZodIssue[])[], path: ValuePath): readonly Finding[] {
  const fitting = branches
    .filter((issues) => !issues.some((issue) => issue.path.length === 0 && issue.code !== "unrecognized_keys"))
    .map((issues) => issues.flatMap((issue) => findingsOf(issue, path)))
    .sort((a, b) => a.length - b.length);
  return fitting[0] ?? [{ kind: "value", path }];
}

/** Reports a key that is missing because of a misspelling once, at the misspelt key. */
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

/** Names a value for messages: its key, with its index in a list. */
function nameValue(path: ValuePath): string {
  const at = path.findLastIndex((segment) => typeof segment === "string");
  if (at === -1) return "the file";
  const items = path.slice(at + 1).map((index) => ` #${Number(index) + 1}`).join("");
  return `"${path[at]}"${items}`;
}

function lastKey(path: ValuePath): string {
  return path.length === 0 ? "" : String(path[path.length - 1]);
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
