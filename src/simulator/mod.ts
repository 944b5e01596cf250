/**
 * Simulates exchanges on this machine: dialects speak the protocols of real exchanges over real sockets and HTTP, with
 * random markets, faults on demand and counts of everything sent. Also plays recordings back as a socket. In: options,
 * client frames. Out: frames and counts. Written from the exchanges' documentation: must know nothing of descriptors,
 * normalisation, or anything else on the receiving side, because it is their judge.
 */
export { type FaultPlan, FaultTimer, type FaultTrigger, NO_FAULTS, parseFaultTrigger } from "./faults.ts";
export {
  type Playback,
  type PlaybackOptions,
  type PlaybackStatistics,
  type RecordingSource,
  startPlayback,
} from "./playback.ts";
export {
  formatRecordingLine,
  type ParsedLine,
  parseRecordingLine,
  type RecordedClose,
  type RecordedFrame,
  type RecordedHttp,
  type RecordedLine,
  type RecordedOpen,
} from "./recording.ts";
export { type DialectName, DIALECTS, type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
export {
  type SentCounts,
  type SimulatorStatistics,
  type SymbolStatistics,
  TRADE_LOG_MAX,
  tradeDigest,
} from "./statistics.ts";
export { readRecording, readRecordingLines } from "./recording_reader.ts";
export { RecordedAnswers } from "./recorded_answers.ts";
export { acknowledgeAs } from "./acknowledge.ts";
