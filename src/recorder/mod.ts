/**
 * Records the frames of any WebSocket as they come, over as many connections as it takes. In: an address, messages to send.
 * Out: lines of a recording. Must not know exchanges or what frames say.
 */
export { type RecordCounts, type RecorderOptions, recordSocket } from "./recorder.ts";
