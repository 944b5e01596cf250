import type { JournalRecord, Offset } from "../model/mod.ts";
import type { PipelineResult } from "./account.ts";
import type { Pipeline } from "./pipeline.ts";

/**
 * Derives a record. A bug that it uncovers in the pipeline costs this record alone: it is quarantined, which the result's
 * `bug` and a gap tell, and what comes after goes on. Live, in catch-up and in replay alike, so that the same offset is
 * left out the same way everywhere.
 */
export function deriveRecord(pipeline: Pipeline, offset: Offset, record: JournalRecord): PipelineResult {
  try {
    return pipeline.process(offset, record);
  } catch (error) {
    return pipeline.quarantine(offset, record, error);
  }
}
