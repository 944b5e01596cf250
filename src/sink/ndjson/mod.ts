import { DEADLINES, folderKey, folderOf, sinkType, TEXT_FLUSH } from "../sink_type.ts";
import { NdjsonSink } from "./ndjson_sink.ts";

/** JSON Lines: one file per kind and day. */
export const NDJSON = sinkType({
  name: "ndjson",
  summary: "One JSON event a line",
  keys: { dir: folderKey("ndjson") },
  complete: (options, { dataDir }) => ({ dir: options.dir ?? `${dataDir}/ndjson` }),
  folder: folderOf,
  describe: (options) => `ndjson in ${folderOf(options)}`,
  replayUsage: "ndjson:DIR",
  replayKeys: (dir) => dir === null ? null : { dir },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: () => TEXT_FLUSH,
  create: (options, context) => new NdjsonSink(folderOf(options), context),
});
