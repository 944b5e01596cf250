import { type Envelope, EventBatch } from "../../src/model/mod.ts";

/** The events of a list as columns. */
export function batchOf(envelopes: readonly Envelope[]): EventBatch {
  const batch = new EventBatch();
  for (const envelope of envelopes) batch.append(envelope, envelope.event);
  return batch;
}
