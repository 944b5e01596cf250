import { z } from "zod";
import { httpsCaKey, urlKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { TABLE_KEYS } from "../table_keys.ts";
import { tablesOf } from "../table_rows.ts";
import { ClickhouseSink } from "./clickhouse_sink.ts";
import { clickhouseTable, createPositionTable, createTable } from "./ddl.ts";

/** ClickHouse: one table per kind, inserts of whole blocks. */
export const CLICKHOUSE = sinkType({
  name: "clickhouse",
  summary: "Rows in ClickHouse over HTTP",
  keys: {
    url: urlKey(["http", "https"], "http://collector:${CLICKHOUSE_PASSWORD}@host:8123"),
    ca_path: httpsCaKey,
    database: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/).optional().describe(
      "Database of the tables; it has to exist. Absent: the user's own",
    ),
    engine: z.string().regex(/^(?:Replicated|Shared)?ReplacingMergeTree(?:\([^;]*\))?$/).default("ReplacingMergeTree")
      .describe("Engine of tables that are made, such as `ReplicatedReplacingMergeTree`"),
    partition_by: z.enum(["day", "month"]).default("day").describe("Partitions of tables that are made"),
    ttl: z.string().regex(/^\d+ (?:hour|day|week|month|year)$/).optional().describe(
      "After which time rows of tables that are made are removed, such as `90 day`. Absent: never",
    ),
    exact_digits: z.boolean().default(false).describe(
      "Adds a text column with the exact digits beside each Float64 price and size",
    ),
    ...TABLE_KEYS,
    batch_rows: TABLE_KEYS.batch_rows.unwrap().default(50_000).describe("Rows at which they are sent without waiting"),
    flush_ms: TABLE_KEYS.flush_ms.unwrap().default(2_000).describe(
      "Longest time that an event waits before it is made safe at the destination, in milliseconds; ClickHouse likes few " +
        "and large inserts",
    ),
  },
  sample: { url: "http://localhost:8123" },
  folder: () => null,
  describe: ({ url, database }) => `clickhouse at ${shownAddress(url)}${database === undefined ? "" : `, ${database}`}`,
  setup: (options, kinds) =>
    [
      createPositionTable(options),
      ...tablesOf(kinds).map((table) => createTable(clickhouseTable(table, options), options)),
    ].map((statement) => `${statement};`).join("\n"),
  replayUsage: "clickhouse:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context, kinds) =>
    new ClickhouseSink({
      endpoint: { url: options.url, caPath: options.ca_path ?? null },
      database: options.database ?? null,
      layout: options,
      kinds,
      batchRows: options.batch_rows,
    }, context),
});
