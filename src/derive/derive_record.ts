import type { JournalRecord, Offset } from "../model/mod.ts";
import type { PipelineResult } from "./account.ts";
import type { Pipeline } from "./pipeline.ts";

/**
 * Derives a record. If a bug makes the pipeline throw, only this record is lost: it is quarantined, reported by the
 * result's `bug` and by a gap. Live, catch-up and replay all use this function, so they all omit the same offset.
 */
export function deriveRecord(pipeline: Pipeline, offset: Offset, record: JournalRecord): PipelineResult {
  try {
    return pipeline.process(offset, record);
  } catch (error) {
    return pipeline.quarantine(offset, record, error);
  }
}
