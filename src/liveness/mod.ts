/**
 * Distinguishes silence from the end of a stream: statistics of each stream's gaps between data, limits of its silence,
 * and steps when a limit is exceeded. Pure: the caller passes times; nothing is requested or sent here. In: times of
 * data. Out: limits and steps. Must not know sockets, exchanges or the journal.
 */
export { GapSketch, type Tail } from "./gap_sketch.ts";
export { RhythmStore } from "./rhythm_store.ts";
export { Rhythm, type RhythmState, SILENCE_MS_MIN, type SilenceLimits } from "./rhythm.ts";
export {
  decide,
  isCured,
  type Silence,
  type SilenceDecision,
  type Stall,
  STALL_STEPS,
  type StallStep,
} from "./stall.ts";
