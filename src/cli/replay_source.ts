import { CollectorNames, journalFolder, type NamedStretch, readJournal } from "../journal/mod.ts";
import { Failure, type FramePlan, type Offset } from "../model/mod.ts";
import { type BytesDone, withBytesBar } from "./progress.ts";
import { loadDescriptorNamed, shippedNames, UsageError } from "../service/mod.ts";
import type { RecordedLine } from "../simulator/mod.ts";
import { type CliContext, printIssues } from "./context.ts";
import { holdsJournalLines, readJournalLines } from "./journal_lines.ts";
import { OpenSessions, type PlacedRecord, RecordedSession, type RequestMatch } from "./recorded_records.ts";
import { readRecordingFile } from "./recording.ts";
import { matchShipped, recogniseInputs, unknownExchange } from "./recognise.ts";
import { spoolInputs } from "./spooled_inputs.ts";

/** For records without a collector's name. */
const UNNAMED: NamedStretch = { name: null, until: null };

/** Input of a replay, as records for the pipeline. */
export interface ReplaySource {
  /** Name for the report. */
  readonly exchange: string;
  readonly plans: readonly FramePlan[];
  /** Changes the plans that a journal holds. */
  readonly adapt: (frames: FramePlan) => FramePlan;
  readonly records: (signal: AbortSignal) => AsyncIterable<PlacedRecord>;
  /** Size of the input in bytes, and how many have been read. */
  readonly bytes: number;
  readonly progress: () => number;
  readonly ignoredHttp: () => number;
  /** Returns the collector's name for an offset, and the offset up to which it holds. */
  readonly collectorAt: (offset: Offset) => NamedStretch;
  /** Whether the records come from a journal, whose checkpoints hold the pipeline's state. */
  readonly isJournal: boolean;
}

/** Opens recordings, merged by time, or one journal. Throws a `UsageError` or a `Failure` that says what is wrong. */
export async function openReplay(
  context: CliContext,
  inputs: readonly string[],
  options: { readonly exchange?: string; readonly passBooks?: boolean } = {},
): Promise<ReplaySource> {
  const spooled = await spoolInputs(context.host, inputs);
  const opened = await open(context, spooled.paths, options.exchange).catch(async (error) => {
    await spooled.remove();
    throw error;
  });
  const source: ReplaySource = {
    ...opened,
    records: async function* (signal) {
      try {
        yield* opened.records(signal);
      } finally {
        await spooled.remove();
      }
    },
  };
  if (options.passBooks !== true) return source;
  return { ...source, plans: source.plans.map(withoutBooks), adapt: withoutBooks };
}

async function open(
  context: CliContext,
  inputs: readonly string[],
  exchange: string | undefined,
): Promise<ReplaySource> {
  const stats = await Promise.all(inputs.map(async (path) => ({ path, stat: await context.host.files.stat(path) })));
  for (const { path, stat } of stats) {
    if (stat === null) throw new Failure("file", `Cannot open ${path}: no such file or folder`, { retry: false });
  }
  const bytes = stats.reduce((sum, { stat }) => sum + (stat?.bytes ?? 0), 0);
  if (stats.some(({ stat }) => stat?.isDirectory === true)) {
    if (inputs.length > 1) throw new UsageError("A journal can only be replayed alone: give one folder, or recordings");
    return await openJournalReplay(context, inputs[0], exchange);
  }
  if (inputs.length === 1 && await holdsJournalLines(context.host, inputs[0])) {
    return await openJournalReplay(context, inputs[0], exchange);
  }
  for (const path of inputs.length > 1 ? inputs : []) {
    if (!await holdsJournalLines(context.host, path)) continue;
    throw new UsageError(
      `${path} holds the records of a journal, which can only be replayed alone: give it as the only input`,
    );
  }
  return await openRecordings(context, inputs, { exchange, bytes });
}

async function openRecordings(
  context: CliContext,
  inputs: readonly string[],
  options: { readonly exchange: string | undefined; readonly bytes: number },
): Promise<ReplaySource> {
  const names = options.exchange === undefined
    ? await recogniseInputs(context, inputs)
    : inputs.map(() => options.exchange ?? "");
  const loaded = new Map([...new Set(names)].map((name) => [name, loadPlan(context, name)]));
  const plans = [...loaded.values()].map(({ plan }) => plan);
  const read = inputs.map(() => 0);
  let sessions: readonly RecordedSession[] = [];
  return {
    exchange: plans.map(({ exchange }) => exchange).join(", "),
    plans,
    records: async function* (signal) {
      let next: Offset = 0;
      const place = (at: number) => next = Math.max(next + 1, next === 0 ? at : 0);
      // REST answers in a separate file belong to a session of the same exchange.
      const begin = ({ plan, requests }: LoadedPlan) => {
        const open = new OpenSessions();
        return () => new RecordedSession(plan, { requests, next: place, open });
      };
      const begins = new Map([...loaded].map(([name, each]) => [name, begin(each)]));
      sessions = names.flatMap((name) => begins.get(name)?.() ?? []);
      const files = inputs.map((path, i) => readRecordingFile(context.host, path, (count) => read[i] = count));
      for await (const { index, line } of mergeByTime(files)) {
        if (signal.aborted) return;
        yield* sessions[index].records(line);
      }
    },
    bytes: options.bytes,
    progress: () => read.reduce((sum, count) => sum + count, 0),
    ignoredHttp: () => sessions.reduce((sum, session) => sum + session.ignoredHttp, 0),
    isJournal: false,
    collectorAt: () => UNNAMED,
    adapt: asItIs,
  };
}

/** Reads the records of a journal from its beginning. */
type JournalReader = (options: {
  readonly signal?: AbortSignal;
  readonly onProgress: (done: BytesDone) => void;
}) => AsyncIterable<readonly PlacedRecord[]>;

/** Reads a journal's folder, the data folder above it, or a file of the lines that `journal cat --frames` prints. */
async function journalReader({ host }: CliContext, path: string): Promise<JournalReader> {
  const { files } = host;
  const stat = await files.stat(path);
  if (stat?.isDirectory === false) {
    return async function* ({ onProgress }) {
      const tell = (doneBytes: number) => onProgress({ doneBytes, totalBytes: stat.bytes });
      for await (const placed of readJournalLines(host, path, tell)) yield [placed];
    };
  }
  const dir = await journalFolder(files, path);
  return (options) => readJournal(files, dir, options);
}

async function openJournalReplay(
  context: CliContext,
  path: string,
  exchange: string | undefined,
): Promise<ReplaySource> {
  const read = await journalReader(context, path);
  const { files } = context.host;
  const isFolder = (await files.stat(path))?.isDirectory === true;
  const collectors = isFolder ? await CollectorNames.load(files, await journalFolder(files, path)) : null;
  const descriptors = new Map<string, FramePlan>();
  const { names, unnamed, bytes } = await journaledExchanges(context, read);
  if (exchange !== undefined && unnamed.length === 0) {
    context.host.terminal.printError("The journal holds the plans of its sessions: --exchange changes nothing");
  }
  for (const { name, descriptor } of unnamed) {
    const chosen = exchange ?? descriptor;
    if (chosen === null) throw unknownExchange(context, `descriptor the journal's exchange "${name}" needs`);
    descriptors.set(name, loadPlan(context, chosen, name).plan);
  }
  let done = 0;
  return {
    exchange: names.join(", "),
    plans: [...descriptors.values()],
    records: async function* (signal) {
      for await (const chunk of read({ signal, onProgress: ({ doneBytes }) => done = doneBytes })) yield* chunk;
    },
    bytes,
    progress: () => done,
    ignoredHttp: () => 0,
    isJournal: true,
    collectorAt: (offset) => collectors?.at(offset) ?? UNNAMED,
    adapt: asItIs,
  };
}

/** Instances in a journal, and those whose sessions name no plan, with the shipped descriptor that fits. */
interface JournaledExchanges {
  readonly names: readonly string[];
  readonly unnamed: readonly { readonly name: string; readonly descriptor: string | null }[];
  /** Size of the journal in bytes. */
  readonly bytes: number;
}

async function journaledExchanges(context: CliContext, read: JournalReader): Promise<JournaledExchanges> {
  const names = new Set<string>();
  const urls = new Map<string, string>();
  let bytes = 0;
  await withBytesBar(context.host, async (tell) => {
    const onProgress = (done: BytesDone) => {
      bytes = done.totalBytes;
      tell(done);
    };
    for await (const chunk of read({ onProgress })) {
      for (const { record } of chunk) {
        if (record.kind !== "opened") continue;
        names.add(record.exchange);
        if (record.planHash === null && !urls.has(record.exchange)) urls.set(record.exchange, record.url);
      }
    }
  });
  const shipped = urls.size === 0 ? [] : shippedNames(context);
  const unnamed = [...urls].map(([name, url]) => ({
    name,
    descriptor: shipped.includes(name) ? name : onlyOne(matchShipped(context, url)),
  }));
  return { names: [...names], unnamed, bytes };
}

/** Returns the only name; null if there are several or none. */
function onlyOne(names: readonly string[]): string | null {
  return names.length === 1 ? names[0] : null;
}

function asItIs(frames: FramePlan): FramePlan {
  return frames;
}

function withoutBooks(frames: FramePlan): FramePlan {
  return { ...frames, books: [] };
}

/** A descriptor's plan, and its requests, to match recorded answers. */
interface LoadedPlan {
  readonly plan: FramePlan;
  readonly requests: readonly RequestMatch[];
}

function loadPlan(context: CliContext, nameOrPath: string, exchange?: string): LoadedPlan {
  const loaded = loadDescriptorNamed(context, nameOrPath, exchange);
  if (loaded.frames === null) {
    printIssues(context, loaded.issues, (text) => context.host.terminal.printError(text));
    throw new UsageError(`Descriptor ${nameOrPath} has errors`);
  }
  const requests = loaded.requests.map(({ name, connectionId, match }) => ({ name, connectionId, match }));
  return { plan: loaded.frames, requests };
}

/** Merges the lines of several recordings by time; lines of one recording keep their order. */
async function* mergeByTime(
  sources: readonly AsyncIterable<RecordedLine>[],
): AsyncIterable<{ readonly index: number; readonly line: RecordedLine }> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
  while (true) {
    let first = -1;
    let firstTime = Infinity;
    heads.forEach((head, i) => {
      if (head.done === true || head.value.t >= firstTime) return;
      first = i;
      firstTime = head.value.t;
    });
    if (first < 0) return;
    const head = heads[first];
    if (head.done !== true) yield { index: first, line: head.value };
    heads[first] = await iterators[first].next();
  }
}
