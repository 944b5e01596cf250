import { deriveRecord, type Pipeline } from "../derive/mod.ts";
import type { Journal } from "../journal/mod.ts";
import type { Observer, Offset } from "../model/mod.ts";

/**
 * Restores the pipeline's state at the end of the journal, from the last segment's checkpoint and the records after it.
 * If this build cannot read the checkpoint, derives everything from the journal's oldest record on.
 */
export async function resumePipeline(journal: Journal, pipeline: Pipeline, observe: Observer): Promise<void> {
  if (journal.synced <= journal.oldest) return;
  const version = await readInto(journal, pipeline, journal.synced - 1);
  if (version === null) return;
  const text = `The checkpoint of version ${version} cannot be read: the journal is read from its oldest record`;
  observe({ kind: "journal_warning", code: "checkpoint", text });
  pipeline.restart();
  await readInto(journal, pipeline, journal.oldest);
}

/**
 * Derives the synced records from the segment that holds `from` on. Returns the version of a refused checkpoint, or
 * null.
 */
async function readInto(journal: Journal, pipeline: Pipeline, from: Offset): Promise<number | null> {
  let refused: number | null = null;
  for await (const chunk of journal.read(from, { to: journal.synced })) {
    for (const { offset, record } of chunk) {
      const { refusedCheckpoint } = deriveRecord(pipeline, offset, record);
      refused ??= refusedCheckpoint;
    }
    if (refused !== null && from > journal.oldest) return refused;
  }
  return refused;
}
