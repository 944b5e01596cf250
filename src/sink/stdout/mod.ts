import { sinkType } from "../sink_type.ts";
import { StdoutSink } from "./stdout_sink.ts";

/** JSON Lines on standard output. */
export const STDOUT = sinkType({
  name: "stdout",
  summary: "One JSON event a line on standard output",
  keys: {},
  folder: () => null,
  describe: () => "stdout",
  replayUsage: "stdout",
  replayKeys: (target) => target === null ? {} : null,
  create: ({ name, kinds }, _options, host) => new StdoutSink({ name, kinds }, host),
});
