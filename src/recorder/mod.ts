/**
 * Records the frames of any WebSocket, over as many connections as needed. In: an address, messages to send. Out: lines
 * of a recording. Must not know exchanges or the content of frames.
 */
export { type RecordCounts, type RecorderOptions, recordSocket } from "./recorder.ts";
