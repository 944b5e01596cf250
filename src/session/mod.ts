/**
 * One connection's life: dial, welcome, subscribe, acknowledgements, keepalive, deadlines, and connecting again for
 * ever. In: a `ConnectionPlan`, the outside world, and what the pipeline reads off frames (signals, data seen). Out:
 * frames with their receive times and the records of a session. Must not know what stands in a frame, the journal, or
 * any exchange; JSON is read for the bootstrap reply alone.
 */
export {
  type DesiredOutcome,
  type ProbeVerdict,
  type Session,
  type SessionOptions,
  type SessionSink,
} from "./session_api.ts";
export { createSession } from "./session.ts";
export { type StreamEntry } from "./stream_ledger.ts";
