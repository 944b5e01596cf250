import { folderKey, folderOf, sinkType } from "../sink_type.ts";
import { NdjsonSink } from "./ndjson_sink.ts";

/** JSON Lines: one file a kind and day. */
export const NDJSON = sinkType({
  name: "ndjson",
  summary: "One JSON event a line",
  keys: { dir: folderKey("ndjson") },
  complete: (options, { dataDir }) => ({ dir: options.dir ?? `${dataDir}/ndjson` }),
  folder: folderOf,
  describe: (options) => `ndjson in ${folderOf(options)}`,
  replayUsage: "ndjson:DIR",
  replayKeys: (dir) => dir === null ? null : { dir },
  create: ({ name, kinds }, options, host) => new NdjsonSink({ name, kinds, dir: folderOf(options) }, host),
});
