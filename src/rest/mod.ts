/**
 * HTTP requests to exchanges, and the limits that hosts set for one address. In: the REST part of a plan, the outside
 * world. Out: answers for the journal. Must not know the journal, or any exchange.
 */
export type { CursorEnd } from "./backfill_cursor.ts";
export { keptListPath, parseKeptList } from "./kept_list.ts";
export { InstrumentLists, type InstrumentMaps, type InstrumentPage } from "./instrument_lists.ts";
export { type BackfillEnd, Backfiller, type BackfillPage, type BackfillTask } from "./backfiller.ts";
export { HostLimits, hostOf, type InstanceLimits, type OpenGate } from "./host_limits.ts";
export { type KeptHostLimits, openHostLimits, readHostLimits } from "./host_limits_file.ts";
export { type Purpose, PURPOSES } from "./request_queue.ts";
export { type FailingRequest, type RestAnswer, RestClient, type RestRequest } from "./rest_client.ts";
export { type MissedPoll, RestRunner } from "./rest_runner.ts";
export { RollingWindow } from "./rolling_window.ts";
export { setAside } from "./set_aside.ts";
export {
  type LastKnown,
  type ProbeAnswer,
  type ProbedStream,
  type ProbeFinding,
  snapshotRequest,
  StreamProbe,
} from "./stream_probe.ts";
