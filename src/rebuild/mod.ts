/**
 * History derived again: records of a journal or a raw archive through today's plans, compared with the files of a lake and
 * put in their place, partition by partition. In: journals, plans, an archive. Out: what changed. Must not replace what it
 * cannot derive whole, nor know how plans come to be.
 */
export { type PlanVersions, versionAt } from "./plan_versions.ts";
export { type PartitionChange, rebuildArchive, type RebuildOptions, type RebuildResult } from "./rebuild.ts";
