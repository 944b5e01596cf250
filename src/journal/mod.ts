/**
 * The append-only log of everything received, in order, synced to disk within a set time, before anything interprets
 * it. In: records. Out: their offsets, and the same records, byte for byte, for any number of readers. Must not know
 * exchanges, events or sinks; a checkpoint's state is opaque text. `format.ts` describes the files.
 */
export { CollectorNames, type NamedStretch } from "./collector_names.ts";
export type { OpenSession } from "./open_sessions.ts";
export type { CheckpointParts, Journal, JournalOptions, ReadOptions } from "./journal.ts";
export type { JournalEntry, SegmentFault } from "./segment_reader.ts";
export {
  isJournal,
  journalFolder,
  listJournal,
  readJournal,
  type ReadJournalOptions,
  type SegmentDamage,
  type SegmentSummary,
  verifyJournal,
  type VerifyReport,
} from "./inspect.ts";
export type { JournalProgress } from "./read_progress.ts";
export { digestOf } from "./digest.ts";
export { chainFault, type ChainLink, readChain } from "./hash_chain.ts";
export { readJournalId } from "./own_segments.ts";
export { openJournal } from "./open_journal.ts";
export { type ArchivedSegment, checkArchived, findArchived, type FoundSegment } from "./raw_archive.ts";
export { repairJournal, type RepairStep } from "./repair.ts";
