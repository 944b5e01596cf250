import { z } from "zod";
import { collectorSchema } from "./schema_collector.ts";
import { descriptorSchema, NAMED_LISTS } from "./schema_descriptor.ts";
import { fieldSchema, fieldTableSchema, predicateSchema, testTableSchema } from "./schema_language.ts";

/** The part of JSON Schema, draft 7, that our schemas use. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
}

/** Which file a schema describes. */
export type SchemaName = "config" | "descriptor";

/** Returns the JSON Schema, draft 7, of `collector.toml` or of a descriptor as users write it, for completion in editors. */
export function jsonSchema(name: SchemaName): JsonSchema {
  return { title: titleOf(name), ...convert(name === "config" ? collectorSchema : descriptorSchema) };
}

/** JSON Schema of a table that stands inside values of a descriptor: a field, or the test of a predicate. */
export function partSchema(part: "field" | "test"): JsonSchema {
  return convert(part === "field" ? fieldTableSchema : testTableSchema);
}

/** The text of the schema's file, with a line break at the end. Predicates and fields stand once, under `definitions`. */
export function jsonSchemaText(name: SchemaName): string {
  if (name === "config") return JSON.stringify(jsonSchema(name), null, 1) + "\n";
  const definitions = { predicate: partOf(predicateSchema), field: partOf(fieldSchema) };
  const names = new Map(Object.entries(definitions).map(([key, part]) => [JSON.stringify(part.anyOf), key]));
  const compact = { ...hoist(withShorthand(jsonSchema(name)), names), definitions };
  return JSON.stringify(compact, null, 1) + "\n";
}

/** Lists whose tables may take keys from elsewhere: tables of defaults, and `like`. */
const COMPLETED: readonly (readonly string[])[] = [["ws", "connections"], ["rest", "instruments"], ["subscriptions"], [
  "events",
]];

/**
 * A copy in which such tables demand only what tells them apart, and named tables may stand in a table by their names: what
 * is missing in the end is said when a file is read.
 */
function withShorthand(schema: JsonSchema): JsonSchema {
  const copy = structuredClone(schema);
  for (const path of COMPLETED) {
    const list = path.reduce<JsonSchema | undefined>((found, key) => found?.properties?.[key], copy);
    for (const branch of branchesOf(list?.items ?? {})) {
      const table: { required?: readonly string[] } = branch;
      table.required = branch.required?.filter((key) => key === "kind" || key === "id");
    }
  }
  for (const { path, key } of NAMED_LISTS) {
    const owner = path.slice(0, -1).reduce<JsonSchema | undefined>((found, part) => found?.properties?.[part], copy);
    const properties: Record<string, JsonSchema> | undefined = owner?.properties;
    const last = path[path.length - 1];
    const list = properties?.[last];
    if (properties === undefined || list?.items === undefined) continue;
    const { items, description, ...others } = list;
    const about = description === undefined ? {} : { description };
    properties[last] = {
      ...about,
      anyOf: [{ ...others, items }, { type: "object", additionalProperties: namedBy(items, key) }],
    };
  }
  return copy;
}

/** The schema of a table whose name stands before it: the name is not demanded, and neither is the kind of a rule. */
function namedBy(items: JsonSchema, key: string): JsonSchema {
  const copy = structuredClone(items);
  for (const branch of branchesOf(copy)) {
    const table: { required?: readonly string[] } = branch;
    table.required = branch.required?.filter((one) => one !== key && one !== "kind");
  }
  return copy;
}

/** A copy in which the unions named are references. Draft 7 ignores what stands beside `$ref`, hence `allOf`. */
function hoist(schema: JsonSchema, names: ReadonlyMap<string, string>): JsonSchema {
  const name = schema.anyOf === undefined ? undefined : names.get(JSON.stringify(schema.anyOf));
  if (name !== undefined) {
    const { anyOf: _union, ...beside } = schema;
    const reference = { $ref: `#/definitions/${name}` };
    return Object.keys(beside).length === 0 ? reference : { ...beside, allOf: [reference] };
  }
  return mapValues(schema, (value) => hoistValue(value, names));
}

function hoistValue(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((element) => hoistValue(element, names));
  return typeof value === "object" && value !== null ? hoist(value, names) : value;
}

function mapValues(record: object, change: (value: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function titleOf(name: SchemaName): string {
  return name === "config" ? "crypto-collector configuration" : "crypto-collector exchange descriptor 1.4";
}

/** A schema that stands inside another: without the address of its draft. */
function partOf(schema: z.ZodType): JsonSchema {
  const { $schema: _draft, ...part } = convert(schema);
  return part;
}

function convert(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: "draft-7", io: "input" }) as JsonSchema;
}

/** Returns the branches of a union; the schema itself if it is no union. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap(branchesOf);
}
