/**
 * Derives history again: reads a journal or raw archive with today's plans, compares the events with a Parquet archive,
 * and replaces partitions that differ. In: journals, plans, an archive. Out: the changes. Must not replace what it
 * cannot derive completely, nor know how plans are built.
 */
export { type PlanVersions, versionAt } from "./plan_versions.ts";
export { type PartitionChange, rebuildArchive, type RebuildOptions, type RebuildResult } from "./rebuild.ts";
