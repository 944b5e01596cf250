import { z } from "zod";
import { caKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { DEADLINES, type OptionsOf, sinkType } from "../sink_type.ts";
import { TABLE_KEYS } from "../table_keys.ts";
import { tablesOf } from "../table_rows.ts";
import { createHypertable, createPositionTable, createTable, postgresTable } from "./ddl.ts";
import { PostgresSink } from "./postgres_sink.ts";

const KEYS = {
  url: z.string().regex(/^postgres(?:ql)?:\/\/[^/]+\/[^/]+/).meta({
    title: "an address such as `postgres://user:${PG_PASSWORD}@host:5432/database`",
  }).describe(
    "Address with user, password and database: `postgres://user:${PG_PASSWORD}@host:5432/database`; " +
      "`?sslmode=verify-full` asks for TLS",
  ),
  ca_path: caKey,
  schema: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/).max(63).default("public").describe(
    "Schema of the tables; it has to exist",
  ),
  chunk: z.string().regex(/^\d+ (?:hour|day|week|month)s?$/).default("1 day").describe(
    "Length of a chunk of the hypertables that are made where the TimescaleDB extension is there",
  ),
  ...TABLE_KEYS,
};

/** PostgreSQL and TimescaleDB: one table per kind, the position in the same transaction. */
export const POSTGRES = sinkType({
  name: "postgres",
  summary: "Rows in PostgreSQL; hypertables where TimescaleDB is there",
  keys: KEYS,
  sample: { url: "postgres://localhost/market" },
  folder: () => null,
  describe: (options) => `postgres at ${shownAddress(options.url)}, schema ${options.schema}`,
  setup: setupText,
  replayUsage: "postgres:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context, kinds) =>
    new PostgresSink({
      endpoint: { url: options.url, caPath: options.ca_path ?? null },
      layout: options,
      kinds,
      chunk: options.chunk,
      batchRows: options.batch_rows,
    }, context),
});

function setupText(options: OptionsOf<typeof KEYS>, kinds: Parameters<typeof tablesOf>[0]): string {
  const { schema, chunk } = options;
  const tables = tablesOf(kinds).map((table) => postgresTable(table, options));
  return [
    createPositionTable(options),
    ...tables.flatMap((table) => createTable(table, schema)),
    "-- With TimescaleDB also:",
    ...tables.map((table) => `-- ${createHypertable(table, { schema, chunk })}`),
  ].map((statement) => statement.startsWith("-- With") ? statement : `${statement};`).join("\n");
}
