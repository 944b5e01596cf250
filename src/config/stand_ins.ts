import type { z } from "zod";
import { memberOf, schemasAt, valueAt } from "./expectation.ts";
import { branchesOf, type JsonSchema } from "./json_schema.ts";
import type { ValuePath } from "./position.ts";
import type { TomlValue } from "./toml_source.ts";

/**
 * Stand-ins replace invalid or missing values, so that everything else can still be checked. Each variant uses other
 * stand-ins: an issue of a single variant comes from its stand-in and not from the user.
 */

/** Number of variants. */
export const VARIANTS = 2;

/** Values with stand-ins, and the paths of these. */
export interface StoodIn<Values> {
  readonly values: Values;
  readonly paths: readonly ValuePath[];
}

/** Returns the path of each error that a schema finds. */
export type Locator = (error: z.ZodError) => readonly ValuePath[];

/**
 * Fills a value with stand-ins until its schema accepts it; null if none fits. `wrong` are the paths of known errors. Drops
 * unknown keys and keeps everything else that is written.
 */
export function standIn<Values>(
  input: { readonly schema: z.ZodType<Values>; readonly jsonSchema: JsonSchema; readonly value: TomlValue },
  options: { readonly wrong: readonly ValuePath[]; readonly wrongIn: Locator; readonly variant: number },
): StoodIn<Values> | null {
  const { schema, jsonSchema } = input;
  const tried = new Map<string, number>();
  const paths = new Map<string, ValuePath>();
  let value = input.value;
  let wrong = options.wrong;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const path of wrong) {
      if (path.length === 0) return null;
      const key = JSON.stringify(path);
      const attempt = tried.get(key) ?? 0;
      tried.set(key, attempt + 1);
      paths.set(key, path);
      const candidates = candidatesOf(schemasAt(jsonSchema, path, value), options.variant);
      value = attempt < candidates.length
        ? withValue(value, path, candidates[attempt])
        : without(value, removable(path));
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return { values: parsed.data, paths: [...paths.values()] };
    wrong = options.wrongIn(parsed.error);
  }
  return null;
}

/** Most rounds of filling a value and checking it again. */
const ROUNDS_MAX = 24;

/** Removes a value that no candidate fits; for an element of a list, removes the list. */
function removable(path: ValuePath): ValuePath {
  const end = path.findLastIndex((segment) => typeof segment === "string");
  return path.slice(0, end + 1);
}

/** Returns values that a schema may accept, likely ones first. */
function candidatesOf(schemas: readonly JsonSchema[], variant: number): readonly TomlValue[] {
  return schemas.flatMap(branchesOf).flatMap((schema) => candidatesOfOne(schema, variant));
}

function candidatesOfOne(schema: JsonSchema, variant: number): readonly TomlValue[] {
  if (schema.const !== undefined) return [schema.const as TomlValue];
  if (schema.enum !== undefined) {
    const values = schema.enum as readonly TomlValue[];
    return [...values.slice(variant), ...values.slice(0, variant)];
  }
  const types = schema.type === undefined ? [] : typeof schema.type === "string" ? [schema.type] : schema.type;
  return types.flatMap((type) => candidatesOfType(type, schema, variant));
}

function candidatesOfType(type: string, schema: JsonSchema, variant: number): readonly TomlValue[] {
  switch (type) {
    case "string":
      return [`/~stand-in-${variant}`, `stand-in-${variant}`, "2000-01-01"].filter((text) =>
        schema.pattern === undefined || new RegExp(schema.pattern).test(text)
      );
    case "integer":
    case "number": {
      const least = schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1;
      return [(least <= Number.MIN_SAFE_INTEGER ? 0 : least) + variant];
    }
    case "boolean":
      return [variant === 1];
    case "array":
      // One element rather than none, so that checks of elements run.
      return [...candidatesOf([schema.items ?? {}], variant).map((element) => [element]), []];
    case "object":
      return [Object.create(null)];
    default:
      return [];
  }
}

/** Returns a copy without the value at a path. */
export function without(value: TomlValue, path: ValuePath): TomlValue {
  if (valueAt(value, path) === undefined) return value;
  return changed(value, path, (table, key) => delete table[key]);
}

/** Returns a copy with another value at a path; creates missing tables on the way. */
export function withValue(value: TomlValue, path: ValuePath, inner: TomlValue): TomlValue {
  return changed(value, path, (table, key) => table[key] = inner);
}

function changed(
  value: TomlValue | undefined,
  path: ValuePath,
  change: (table: Record<string, TomlValue>, key: string) => void,
): TomlValue {
  const [segment, ...rest] = path;
  if (typeof segment === "number") {
    const list: readonly TomlValue[] = Array.isArray(value) ? value : [];
    const holder: Record<string, TomlValue> = { [segment]: list[segment] };
    if (rest.length === 0) change(holder, String(segment));
    else holder[segment] = changed(list[segment], rest, change);
    return list.map((element, index) => index === segment ? holder[segment] ?? element : element);
  }
  const copy: Record<string, TomlValue> = Object.assign(
    Object.create(null),
    typeof value === "object" && !Array.isArray(value) ? value : {},
  );
  if (rest.length === 0) change(copy, segment);
  else copy[segment] = changed(memberOf(value, segment), rest, change);
  return copy;
}
