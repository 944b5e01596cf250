/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 holds it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Scalar = "string" | "integer" | "number" | "boolean";

/** Schema of a plain value. */
export function value(type: Scalar, description: string): JsonSchema {
  return { type, description };
}

/** Schema of a plain value or null; the description says what null means. */
export function orNull(type: Scalar, description: string): JsonSchema {
  return { type: [type, "null"], description };
}

/** Schema of one of some texts. */
export function oneOf(texts: readonly string[], description: string): JsonSchema {
  return { enum: texts, description };
}

/** Schema of an object with exactly these members. */
export function object(properties: Readonly<Record<string, JsonSchema>>, description?: string): JsonSchema {
  return {
    type: "object",
    ...(description !== undefined && { description }),
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** Schema of an object with any members. */
export function open(description: string): JsonSchema {
  return { type: "object", description, additionalProperties: true };
}

/** Schema of a list. */
export function listOf(items: JsonSchema, description: string): JsonSchema {
  return { type: "array", items, description };
}

/** Schema of the same or null. */
export function nullable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: "null" }] };
}

/** Schema of a time such as `2026-11-28T15:00:00.000000Z`. */
export function time(description: string): JsonSchema {
  return { type: "string", format: "date-time", description };
}
