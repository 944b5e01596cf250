import type { Journal } from "../journal/mod.ts";
import { type Envelope, type Offset, SINK_BATCH_BYTES_MAX, SINK_BATCH_EVENTS_MAX } from "../model/mod.ts";
import { weighEvent } from "./event_weight.ts";
import type { Pipeline } from "./pipeline.ts";

/** Events derived from the journal, and the offset to go on from. */
export interface DerivedEvents {
  readonly events: readonly Envelope[];
  readonly next: Offset;
}

/**
 * Derives events again from the journal, from `from` up to what is synced when the end is reached. Reading starts at the
 * checkpoint of the segment that holds `from`, so that the pipeline knows what it has to know; events before `from` are
 * left out.
 */
export async function* deriveEvents(
  journal: Journal,
  pipeline: Pipeline,
  options: { readonly from: Offset; readonly signal: AbortSignal },
): AsyncGenerator<DerivedEvents> {
  let restored = false;
  let events: Envelope[] = [];
  let bytes = 0;
  let next = options.from;
  for await (const chunk of journal.read(options.from, { signal: options.signal })) {
    for (const { offset, record } of chunk) {
      if (record.kind === "checkpoint" && !restored) {
        pipeline.restoreState(record.state);
        restored = true;
      }
      const result = pipeline.process(offset, record);
      if (offset < options.from) continue;
      for (const envelope of result.envelopes) {
        events.push(envelope);
        bytes += weighEvent(envelope.event);
      }
      next = offset + 1;
      if (events.length >= SINK_BATCH_EVENTS_MAX || bytes >= SINK_BATCH_BYTES_MAX) {
        yield { events, next };
        events = [];
        bytes = 0;
      }
    }
  }
  if (next > options.from) yield { events, next };
}
