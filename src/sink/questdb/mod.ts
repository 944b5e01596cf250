import { z } from "zod";
import { httpsCaKey, urlKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { TABLE_KEYS } from "../table_keys.ts";
import { tablesOf } from "../table_rows.ts";
import { createPositionTable, createTable, questdbTable } from "./ddl.ts";
import { QuestdbSink } from "./questdb_sink.ts";

/** QuestDB: one table per kind, deduplicated by offset. */
export const QUESTDB = sinkType({
  name: "questdb",
  summary: "Rows in QuestDB by its line protocol over HTTP",
  keys: {
    url: urlKey(["http", "https"], "http://collector:${QUESTDB_PASSWORD}@host:9000"),
    ca_path: httpsCaKey,
    partition_by: z.enum(["hour", "day", "week", "month"]).default("day").describe(
      "Partitions of tables that are made",
    ),
    ttl: z.string().regex(/^\d+ (?:hour|day|week|month|year)s?$/).optional().describe(
      "After which time QuestDB drops partitions of tables that are made, such as `30 days`. Absent: never",
    ),
    exact_digits: z.boolean().default(false).describe(
      "Adds a text column with the exact digits beside each DOUBLE price and size",
    ),
    ...TABLE_KEYS,
  },
  sample: { url: "http://localhost:9000" },
  folder: () => null,
  describe: ({ url }) => `questdb at ${shownAddress(url)}`,
  setup: (options, kinds) =>
    [
      createPositionTable(options),
      ...tablesOf(kinds).map((table) => createTable(questdbTable(table, options), options)),
    ].map((statement) => `${statement};`).join("\n"),
  replayUsage: "questdb:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context, kinds) =>
    new QuestdbSink({
      endpoint: { url: options.url, caPath: options.ca_path ?? null },
      layout: options,
      kinds,
      batchRows: options.batch_rows,
    }, context),
});
