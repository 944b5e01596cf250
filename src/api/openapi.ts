import { BACKFILL, BACKFILL_PARAMETERS, BACKFILL_SCHEMA } from "./backfill.ts";
import type { Endpoint } from "./endpoint.ts";
import { object, value } from "./json_schema.ts";
import { describeParameter } from "./parameters.ts";
import { RELOAD_SCHEMA } from "./reload.ts";

/** Root path of the API. */
export const API_ROOT = "/api/v1";

const ERROR = { description: "What is wrong", content: json(object({ error: value("string", "Why") })) };

const RELOAD = {
  operationId: "reload",
  summary: "Reads the configuration again, as SIGHUP does",
  responses: {
    200: { description: "The configuration is applied", content: json(RELOAD_SCHEMA) },
    401: ERROR,
    403: ERROR,
    422: { description: "The configuration is refused, and the earlier one runs on", content: json(RELOAD_SCHEMA) },
  },
};

const BACKFILL_BEGIN = {
  operationId: "beginBackfill",
  summary: "Fetches history on demand; one range at a time",
  parameters: BACKFILL_PARAMETERS.map(describeParameter),
  responses: {
    202: { description: "It has begun", content: json(BACKFILL_SCHEMA) },
    400: ERROR,
    401: ERROR,
    403: ERROR,
    409: ERROR,
    422: ERROR,
  },
};

/** Returns the OpenAPI 3.1 document of the endpoints. */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): unknown {
  return {
    openapi: "3.1.0",
    info: {
      title: "crypto-collector",
      version,
      description: "State of a running collector. Times are UTC; event times (`*_ts`) are integers in µs.",
    },
    servers: [{ url: API_ROOT }],
    security: [{}, { token: [] }],
    paths: {
      ...Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, { get: operation(endpoint) }])),
      [BACKFILL.path]: { get: operation(BACKFILL), post: BACKFILL_BEGIN },
      "/reload": { post: RELOAD },
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "`http_token` of [run]" } },
    },
  };
}

function operation({ id, summary, parameters, schema }: Endpoint): unknown {
  const isNamed = parameters.some((parameter) => parameter.in === "path");
  return {
    operationId: id,
    summary,
    parameters: parameters.map(describeParameter),
    responses: {
      200: { description: summary, content: json(schema) },
      ...(parameters.length > 0 && { 400: ERROR }),
      401: ERROR,
      403: ERROR,
      ...(isNamed && { 404: ERROR }),
    },
  };
}

function json(schema: unknown): unknown {
  return { "application/json": { schema } };
}
