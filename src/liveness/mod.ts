/**
 * Tells silence from the end of a stream: what each stream has shown of its gaps between data, which silence that leaves
 * possible, and what is done about one that is not. Pure: times are given, nothing is asked or sent here. In: moments of
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
