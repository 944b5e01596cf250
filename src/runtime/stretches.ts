import { deriveRecord, type Pipeline, WireReader } from "../derive/mod.ts";
import type { Journal } from "../journal/mod.ts";
import { EventBatch, type Micros, type WireRecord } from "../model/mod.ts";

/** A stretch of receive time; `to` is exclusive. `signal` ends the reading. */
export interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
  readonly signal: AbortSignal;
}

/**
 * Derives the events of a stretch again; a batch is valid until the next one is asked for. The pipeline is new and used
 * by this reader alone. Rejects with a `Failure` if the journal cannot be read.
 */
export async function* readEvents(
  journal: Journal,
  pipeline: Pipeline,
  { from, to, signal }: Stretch,
): AsyncIterable<EventBatch> {
  const batch = new EventBatch();
  // Books need the records before the stretch, and the journal has no index by time: it is read from its beginning.
  for await (const chunk of journal.read(journal.oldest, { signal })) {
    batch.clear();
    let isOver = chunk.length > 0;
    for (const { offset, record } of chunk) {
      const { events } = deriveRecord(pipeline, offset, record);
      if (record.at < to) isOver = false;
      if (record.at >= from && record.at < to) batch.copyAll(events);
    }
    yield batch;
    if (isOver || signal.aborted) return;
  }
}

/**
 * Reads what went over the wire in a stretch, in pieces. The pipeline is new and used by this reader alone. Rejects
 * with a `Failure` if the journal cannot be read.
 */
export async function* readWire(
  journal: Journal,
  pipeline: Pipeline,
  { from, to, signal }: Stretch,
): AsyncIterable<readonly WireRecord[]> {
  const reader = new WireReader(pipeline);
  // Each session must be read from its opening.
  for await (const chunk of journal.read(journal.oldest, { signal })) {
    const found: WireRecord[] = [];
    let isOver = chunk.length > 0;
    for (const { offset, record } of chunk) {
      const read = reader.read(offset, record);
      if (record.at < to) isOver = false;
      if (read !== null && record.at >= from && record.at < to) found.push(read);
    }
    yield found;
    if (isOver || signal.aborted) return;
  }
}
