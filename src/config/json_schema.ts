import { z } from "zod";
import { collectorSchema } from "./schema_collector.ts";
import { descriptorSchema } from "./schema_descriptor.ts";

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
}

/** Which file a schema describes. */
export type SchemaName = "config" | "descriptor";

/** JSON Schema, draft 7, of `collector.toml` or of a descriptor as a user writes it, for completion in editors. */
export function jsonSchema(name: SchemaName): JsonSchema {
  switch (name) {
    case "config":
      return { title: "crypto-collector configuration", ...convert(collectorSchema) };
    case "descriptor":
      return { title: "crypto-collector exchange descriptor 1.4", ...convert(descriptorSchema) };
  }
}

/** The text of the schema's file, with a line break at the end. */
export function jsonSchemaText(name: SchemaName): string {
  return JSON.stringify(jsonSchema(name), null, 1) + "\n";
}

function convert(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: "draft-7", io: "input" }) as JsonSchema;
}

/** The branches of a union; the schema itself where it is none. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap(branchesOf);
}
