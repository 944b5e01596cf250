import { deriveRecord, Pipeline, PlanStore } from "../derive/mod.ts";
import { type SourcedEvent, WHOLE_ARCHIVE } from "../lake/mod.ts";
import type { CliContext } from "./context.ts";
import { openReplay } from "./replay_source.ts";
import { openStored } from "./stored_inputs.ts";

/** One input of a merge. */
export interface MergeInput {
  readonly events: AsyncIterable<SourcedEvent>;
  /** Size of the input in bytes, and how many have been read. */
  readonly bytes: number;
  readonly progress: () => number;
}

/**
 * Opens an input of a merge, with its events in the order of their offsets. `name`: the collector's name if the events
 * have none, or always if `forced`.
 */
export async function openMergeInput(
  context: CliContext,
  path: string,
  name: { readonly fallback: string; readonly forced: boolean },
): Promise<MergeInput> {
  const named = (collector: string | null) => name.forced ? name.fallback : collector ?? name.fallback;
  const stored = await openStored(context, path, WHOLE_ARCHIVE);
  if (stored === null) return await readDerived(context, path, named);
  const events = (async function* () {
    for await (const { collector, envelope } of stored.events) yield { collector: named(collector), envelope };
  })();
  return { ...stored, events };
}

/** Reads the events of a journal, an archive of segments or a recording. */
async function readDerived(
  context: CliContext,
  path: string,
  named: (collector: string | null) => string,
): Promise<MergeInput> {
  const source = await openReplay(context, [path]);
  const pipeline = new Pipeline(
    source.plans,
    { enabled: false, windowSeconds: 1, keysMax: 1 },
    null,
    new PlanStore(source.adapt),
  );
  const events = (async function* () {
    let last = 0;
    for await (const { offset, record } of source.records(new AbortController().signal)) {
      last = offset;
      const { envelopes } = deriveRecord(pipeline, offset, record);
      if (envelopes.length === 0) continue;
      const collector = named(source.collectorAt(offset).name);
      for (const envelope of envelopes) yield { collector, envelope };
    }
    if (source.isJournal) return;
    const collector = named(null);
    for (const envelope of pipeline.finish(last + 1).envelopes) yield { collector, envelope };
  })();
  return { events, bytes: source.bytes, progress: source.progress };
}
