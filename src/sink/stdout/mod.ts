import { DEADLINES, sinkType } from "../sink_type.ts";
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
  // Printed lines cannot be taken back: the position is committed at once.
  capabilities: { exactlyOnce: false, writesInFlight: 1, deadlines: { ...DEADLINES, writeMs: null } },
  flush: () => ({ everyMs: 0, bytes: null, events: null }),
  create: (_options, context) => new StdoutSink(context),
});
