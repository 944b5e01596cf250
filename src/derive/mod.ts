/**
 * Derives events from journal records. Read `pipeline` first: it runs the stages in order. The other files are gaps,
 * duplicates, books, the memory of sessions, and the checkpoint that holds it. In: records and plans. Out: envelopes,
 * faults, control signals, resyncs. Pure. Must not know files, sockets, clocks, sinks or any exchange by name.
 */
export { type PipelineResult, type WithheldCounts } from "./account.ts";
export { type BookResync } from "./books.ts";
export { CHECKPOINT_VERSION, CheckpointError } from "./checkpoint.ts";
export { compareIds, eventMark, type FillPage, type FillStretch, type Mark, markOf } from "./fill.ts";
export { type DedupFrame, Deduplicator } from "./dedup.ts";
export { type BookComparison, compareBook, type NumberedBook, numberOf } from "./book_comparison.ts";
export { deriveRecord } from "./derive_record.ts";
export { type LookMemory } from "./frame_stage.ts";
export { Pipeline } from "./pipeline.ts";
export type { SavedState } from "./saved_state.ts";
export { type CompiledDerivation, compileDerivation, PlanStore } from "./plan_store.ts";
export { WireReader } from "./wire_reader.ts";
export { connectionIdOf } from "./session_memory.ts";
