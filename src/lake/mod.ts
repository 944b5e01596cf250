/**
 * An archive of Parquet files after they were written: small files of closed hours and days become one; and the events of
 * several collectors as one stream. In: a sink's
 * folder. Out: the same rows in fewer files, sorted, compared with what they were made of. Must not know how events come
 * to be, nor touch what is not proved to be this program's.
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
