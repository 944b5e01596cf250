import { API_ENTRIES_DEFAULT, API_ENTRIES_MAX } from "../model/mod.ts";
import type { LiveFacts } from "./facts.ts";
import { type JsonSchema, listOf, object, value } from "./json_schema.ts";
import type { Asked, Parameter } from "./parameters.ts";

/** One resource of the API: what serves it and what describes it. */
export interface Endpoint {
  /** Below /api/v1, with parameters in braces. */
  readonly path: string;
  /** Name of the operation, for clients that are made from the document. */
  readonly id: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly schema: JsonSchema;
  /** The answer's body, or a promise of it; null where what the path names is not there. */
  readonly answer: (facts: LiveFacts, asked: Asked) => unknown;
}

/** Parameters of a list. */
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
    description: "Entries to leave out from the beginning",
  },
];

/** A query parameter that is a text. */
export function textParameter(name: string, description: string, place: "path" | "query" = "query"): Parameter {
  return { name, in: place, type: "text", description };
}

/** The schema of a list's answer; `more`: what it has beside the list. */
export function listSchema(
  name: string,
  entry: JsonSchema,
  description: string,
  more: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return object({
    [name]: listOf(entry, description),
    total: value("integer", "How many entries there are, with those that were left out"),
    ...more,
  });
}

/** The body of a list: the part of it that was asked for. */
export function listBody<T>(
  name: string,
  entries: readonly T[],
  asked: Asked,
  show: (entry: T) => unknown,
): Readonly<Record<string, unknown>> {
  const skip = asked.integer("skip");
  return { [name]: entries.slice(skip, skip + asked.integer("limit")).map(show), total: entries.length };
}
