import { API_ENTRIES_DEFAULT, API_ENTRIES_MAX } from "../model/mod.ts";
import type { LiveFacts } from "./facts.ts";
import { type JsonSchema, listOf, object, value } from "./json_schema.ts";
import type { Parameter, ParameterValues } from "./parameters.ts";

/** One resource of the API, with its description for OpenAPI. */
export interface Endpoint {
  /** Path below /api/v1, with parameters in braces. */
  readonly path: string;
  /** Operation id, for clients generated from the document. */
  readonly id: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly schema: JsonSchema;
  /** Returns the body, or a promise of it; null if the path names nothing that exists. */
  readonly answer: (facts: LiveFacts, asked: ParameterValues) => unknown;
}

/** Parameters of every list. */
export const LIST_PARAMETERS: readonly Parameter[] = [
  {
    name: "limit",
    in: "query",
    type: "integer",
    min: 1,
    max: API_ENTRIES_MAX,
    fallback: API_ENTRIES_DEFAULT,
    description: "Most entries of the answer",
  },
  {
    name: "skip",
    in: "query",
    type: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    fallback: 0,
    description: "Entries to skip from the beginning",
  },
];

/** Makes a text parameter. */
export function textParameter(name: string, description: string, place: "path" | "query" = "query"): Parameter {
  return { name, in: place, type: "text", description };
}

/** Returns the schema of a list's answer. `more`: members beside the list. */
export function listSchema(
  name: string,
  entry: JsonSchema,
  description: string,
  more: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return object({
    [name]: listOf(entry, description),
    total: value("integer", "How many entries there are, beyond `limit` and `skip`"),
    ...more,
  });
}

/** Returns the body of a list: the requested part of the entries. */
export function listBody<T>(
  name: string,
  entries: readonly T[],
  asked: ParameterValues,
  show: (entry: T) => unknown,
): Readonly<Record<string, unknown>> {
  const skip = asked.integer("skip");
  return { [name]: entries.slice(skip, skip + asked.integer("limit")).map(show), total: entries.length };
}
