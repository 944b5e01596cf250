import { z } from "zod";
import { DEADLINES, folderKey, folderOf, sinkType } from "../sink_type.ts";
import { WAIT_FACTOR } from "./flush_schedule.ts";
import { ParquetSink } from "./parquet_sink.ts";
import { LAYOUTS } from "./partition.ts";

/** Parquet: one file for each flush, kind, exchange and day, sorted by symbol. */
export const PARQUET = sinkType({
  name: "parquet",
  summary: "Hive-partitioned Parquet files, zstd",
  keys: {
    dir: folderKey("parquet"),
    part_seconds: z.number().positive().default(300).describe(
      "Parts are closed after this many seconds; the first ones of a start sooner, and where `files_per_hour` asks for it " +
        "later, at most after four times as many",
    ),
    part_rows: z.int().min(1).default(1_000_000).describe("Parts are closed at this many rows"),
    files_per_hour: z.int().min(1).default(2000).describe("Where more files would come in an hour, parts wait"),
    layout: z.enum(LAYOUTS).optional().describe(
      "`exchange`: a file holds all symbols of a kind and exchange; `symbol`: there is a folder for each symbol. Absent: " +
        "as the folder was begun, `exchange` in a new one",
    ),
    compact: z.boolean().default(true).describe(
      "Merges the files of every hour and day that is over into one while the collector runs",
    ),
    exact_digits: z.boolean().default(false).describe(
      "Adds a text column with the exact digits beside each DOUBLE price and size",
    ),
  },
  complete: (options, { dataDir }) => ({ ...options, dir: options.dir ?? `${dataDir}/parquet` }),
  folder: folderOf,
  archive: (options) => options.compact ? folderOf(options) : null,
  describe: (options) => `parquet in ${folderOf(options)}`,
  replayUsage: "parquet:DIR",
  replayKeys: (dir) => dir === null ? null : { dir, part_seconds: 3600, exact_digits: true },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.part_seconds * 1000 * WAIT_FACTOR, bytes: null, events: null }),
  create: (options, context) =>
    new ParquetSink({
      dir: folderOf(options),
      partMs: options.part_seconds * 1000,
      partRows: options.part_rows,
      filesPerHour: options.files_per_hour,
      layout: options.layout ?? null,
      exactDigits: options.exact_digits,
    }, context),
});
