import { folderKey, folderOf, sinkType } from "../sink_type.ts";
import { CsvSink } from "./csv_sink.ts";

/** CSV: one file a table, exchange, symbol and day. */
export const CSV = sinkType({
  name: "csv",
  summary: "CSV with the column names and units of Tardis",
  keys: { dir: folderKey("csv") },
  complete: (options, { dataDir }) => ({ dir: options.dir ?? `${dataDir}/csv` }),
  folder: folderOf,
  describe: (options) => `csv in ${folderOf(options)}`,
  replayUsage: "csv:DIR",
  replayKeys: (dir) => dir === null ? null : { dir },
  create: ({ name, kinds }, options, host) => new CsvSink({ name, kinds, dir: folderOf(options) }, host),
});
