import { z } from "zod";
import { DEADLINES, folderKey, folderOf, sinkType } from "../sink_type.ts";
import { ParquetSink } from "./parquet_sink.ts";

/** Parquet: one file for each flush, kind, exchange, symbol and day. */
export const PARQUET = sinkType({
  name: "parquet",
  summary: "Hive-partitioned Parquet files, zstd",
  keys: {
    dir: folderKey("parquet"),
    part_seconds: z.number().positive().default(300).describe("A part is closed after this many seconds"),
    part_rows: z.int().min(1).default(1_000_000).describe("A part is closed at this many rows"),
    exact_digits: z.boolean().default(false).describe(
      "Adds a text column with the exact digits beside each DOUBLE price and size",
    ),
  },
  complete: (options, { dataDir }) => ({ ...options, dir: options.dir ?? `${dataDir}/parquet` }),
  folder: folderOf,
  describe: (options) => `parquet in ${folderOf(options)}`,
  replayUsage: "parquet:DIR",
  replayKeys: (dir) => dir === null ? null : { dir, part_seconds: 3600, exact_digits: true },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.part_seconds * 1000, bytes: null, events: null }),
  create: (options, context) =>
    new ParquetSink({
      dir: folderOf(options),
      partRows: options.part_rows,
      exactDigits: options.exact_digits,
    }, context),
});
