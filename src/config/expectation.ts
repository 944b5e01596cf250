import { branchesOf, type JsonSchema } from "./json_schema.ts";
import type { ValuePath } from "./position.ts";
import { listNames } from "./suggest.ts";
import type { TomlValue } from "./toml_source.ts";

/** Describes what a schema allows at a path, for messages. */

/**
 * Returns the schemas that may apply at a path. In a union discriminated by `kind`, `type` or another literal key, follows
 * only the branch that the value selects, or all branches if it selects none.
 */
export function schemasAt(schema: JsonSchema, path: ValuePath, value: TomlValue | undefined): readonly JsonSchema[] {
  let schemas = chosenBranches(schema, value);
  let here = value;
  for (const segment of path) {
    here = memberOf(here, segment);
    const next = here;
    schemas = schemas.flatMap((candidate) => stepInto(candidate, segment)).flatMap((child) =>
      chosenBranches(child, next)
    );
  }
  return schemas;
}

/** Returns the keys allowed in a table at a path; empty if any key, or no table, is allowed. */
export function knownKeys(schemas: readonly JsonSchema[]): readonly string[] {
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

/** Describes the allowed values, for the text after "expected": `an integer from 1 to 65535`, `text or a table`. */
export function describeExpected(schemas: readonly JsonSchema[]): string {
  const literals = schemas.flatMap((schema) => schema.const === undefined ? schema.enum ?? [] : [schema.const]);
  const others = schemas.filter((schema) => schema.const === undefined && schema.enum === undefined);
  const parts = [...new Set(others.flatMap(describeOne))];
  const names = [...new Set(literals.map(String))];
  if (names.length === 1) parts.unshift(`"${names[0]}"`);
  if (names.length > 1) parts.unshift(`one of ${listNames(names)}`);
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} or ${parts[parts.length - 1]}`;
}

/** Returns the allowed texts of an enumeration, for suggestions. */
export function allowedTexts(schemas: readonly JsonSchema[]): readonly string[] {
  return schemas.flatMap((schema) => schema.const === undefined ? schema.enum ?? [] : [schema.const]).map(String);
}

/** Describes the value, for the text after "found": `text "abc"`, `an empty list`. */
export function describeFound(value: TomlValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return value === "" ? "an empty text" : `text ${quoteShort(value)}`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return "a table";
}

/** Returns the value at a key or an index; undefined if there is none. */
export function memberOf(value: TomlValue | undefined, segment: string | number): TomlValue | undefined {
  if (typeof value !== "object") return undefined;
  if (isList(value)) return typeof segment === "number" ? value[segment] : undefined;
  return Object.hasOwn(value, segment) ? value[segment] : undefined;
}

/** Returns the value at a path; undefined if it leads nowhere. */
export function valueAt(value: TomlValue | undefined, path: ValuePath): TomlValue | undefined {
  return path.reduce<TomlValue | undefined>(memberOf, value);
}

/** Returns whether a value is a list; narrows as `Array.isArray` does not for readonly lists. */
export function isList(value: TomlValue | undefined): value is readonly TomlValue[] {
  return Array.isArray(value);
}

/** Longest text quoted in a message, in characters. */
const QUOTED_CHARS_MAX = 60;

/** Quotes a text on one line; truncates a long one. */
export function quoteShort(text: string): string {
  const shown = text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text;
  return JSON.stringify(shown);
}

function stepInto(schema: JsonSchema, segment: string | number): readonly JsonSchema[] {
  if (typeof segment === "number") return schema.items === undefined ? [] : [schema.items];
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, segment)) return [schema.properties[segment]];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}

function chosenBranches(schema: JsonSchema, value: TomlValue | undefined): readonly JsonSchema[] {
  const branches = branchesOf(schema);
  const chosen = branches.filter((branch) =>
    Object.entries(branch.properties ?? {}).some(([key, property]) =>
      property.const !== undefined && memberOf(value, key) === property.const
    )
  );
  return chosen.length > 0 ? chosen : branches;
}

function describeOne(schema: JsonSchema): readonly string[] {
  const types = schema.type === undefined ? [] : typeof schema.type === "string" ? [schema.type] : schema.type;
  return types.map((type) => describeType(type, schema));
}

function describeType(type: string, schema: JsonSchema): string {
  switch (type) {
    case "string":
      return schema.title ?? (schema.minLength === undefined ? "text" : "text that is not empty");
    case "integer":
      return `an integer${describeRange(schema)}`;
    case "number":
      return `a number${describeRange(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a ${schema.minItems === undefined ? "" : "non-empty "}list${describeItems(schema)}`;
    default:
      return "a table";
  }
}

function describeItems(schema: JsonSchema): string {
  if (schema.items === undefined) return "";
  const types = branchesOf(schema.items).map((branch) => branch.type);
  if (types.every((type) => type === "string")) return " of texts";
  return types.every((type) => type === "object") ? " of tables" : "";
}

function describeRange(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum } = schema;
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (exclusiveMinimum !== undefined) return ` greater than ${exclusiveMinimum}`;
  if (minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER) return "";
  return bounded ? ` from ${minimum} to ${maximum}` : ` of at least ${minimum}`;
}
