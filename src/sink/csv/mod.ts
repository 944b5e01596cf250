import { DEADLINES, folderKey, folderOf, sinkType, TEXT_FLUSH } from "../sink_type.ts";
import { CsvSink } from "./csv_sink.ts";

/** CSV: one file per table, exchange, symbol and day. */
export const CSV = sinkType({
  name: "csv",
  summary: "CSV with the column names and units of Tardis",
  keys: { dir: folderKey("csv") },
  complete: (options, { dataDir }) => ({ dir: options.dir ?? `${dataDir}/csv` }),
  folder: folderOf,
  describe: (options) => `csv in ${folderOf(options)}`,
  replayUsage: "csv:DIR",
  replayKeys: (dir) => dir === null ? null : { dir },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: () => TEXT_FLUSH,
  create: (options, context) => new CsvSink(folderOf(options), context),
});
