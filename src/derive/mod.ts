/**
 * The pure middle: journal records in, events out. `pipeline` says in which order the stages run and is the file to read
 * first; beside it stand gaps, duplicates, books and what a session remembers. In: records and plans. Out: envelopes,
 * faults, control signals, resyncs. Pure. Must not know files, sockets, clocks, sinks or any exchange by name.
 */
export { Deduplicator } from "./deduplicator.ts";
export { deriveRecord } from "./derive_record.ts";
export { weighEvent } from "./event_weight.ts";
export { GapTracker } from "./gap_tracker.ts";
export { connectionIdOf, Pipeline, type PipelineResult, type WithheldCounts } from "./pipeline.ts";
export { type BookResync } from "./session_books.ts";
