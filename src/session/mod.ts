/**
 * The life of one connection: dial, welcome, subscribe, acknowledgements, keepalive, deadlines, and reconnecting. In: a
 * `ConnectionPlan`, the outside world, and what the pipeline reads from frames (signals, data seen). Out: frames with
 * their receive times, and the records of a session. Must not know the content of frames, the journal, or any exchange;
 * it reads JSON only in the bootstrap reply.
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
