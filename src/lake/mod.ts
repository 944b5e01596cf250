/**
 * Merges what was written: small Parquet files of closed hours and days into one, and the events of several collectors
 * into one stream. In: a sink's folder. Out: the same rows in fewer files, sorted and compared with their sources. Must
 * not know how events are derived, nor touch files that are not proved to be this program's.
 */
export { ArchiveEvents, type ArchiveSelection, WHOLE_ARCHIVE } from "./archive_events.ts";
export { ArchiveKeeper, type KeptArchive } from "./archive_keeper.ts";
export { compactArchive, type CompactOptions, type CompactResult, withArchiveLocked } from "./compact.ts";
export { compressFile } from "./compressed.ts";
export { EventMerger, type MergeCounts, type SourcedEvent } from "./event_merger.ts";
export { HftbacktestFiles } from "./hftbacktest.ts";
export type { StoredEvent } from "./parquet_events.ts";
export { dayFolders, mergingPath } from "./merge_plan.ts";
export { openSource, type ParquetSource, type Value } from "./parquet_source.ts";
export { replaceFiles } from "./replacement.ts";
export { type Pause, type Row, sortedRows } from "./sorted_rows.ts";
