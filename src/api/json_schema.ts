/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 holds it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Scalar = "string" | "integer" | "number" | "boolean";

/** A plain value. */
export function value(type: Scalar, description: string): JsonSchema {
  return { type, description };
}

/** A plain value or null; the description says what null is. */
export function orNull(type: Scalar, description: string): JsonSchema {
  return { type: [type, "null"], description };
}

/** One of some texts. */
export function oneOf(texts: readonly string[], description: string): JsonSchema {
  return { enum: texts, description };
}

/** An object that has these members and no others. */
export function object(properties: Readonly<Record<string, JsonSchema>>, description?: string): JsonSchema {
  return {
    type: "object",
    ...(description !== undefined && { description }),
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** An object with members of its own kind. */
export function open(description: string): JsonSchema {
  return { type: "object", description, additionalProperties: true };
}

/** A list. */
export function listOf(items: JsonSchema, description: string): JsonSchema {
  return { type: "array", items, description };
}

/** The same or null. */
export function nullable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: "null" }] };
}

/** A time as `2026-11-28T15:00:00.000000Z`. */
export function time(description: string): JsonSchema {
  return { type: "string", format: "date-time", description };
}
