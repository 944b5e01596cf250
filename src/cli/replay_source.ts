import { deriveRecord, Pipeline } from "../derive/mod.ts";
import { readJournal } from "../journal/mod.ts";
import { Failure, type FramePlan, type Offset } from "../model/mod.ts";
import { matchConnection } from "../normalize/mod.ts";
import { loadDescriptorNamed, shippedNames, UsageError } from "../service/mod.ts";
import type { RecordedLine } from "../simulator/mod.ts";
import { type CliContext, printIssues } from "./context.ts";
import { holdsJournalLines, readJournalLines } from "./journal_lines.ts";
import { OpenSessions, type PlacedRecord, RecordedSession, type RequestMatch } from "./recorded_records.ts";
import { readRecordingFile } from "./recording.ts";

/** What a replay reads, ready to be put through the pipeline. */
export interface ReplaySource {
  /** Name for the report. */
  readonly exchange: string;
  readonly plans: readonly FramePlan[];
  /** What is changed of the plans that a journal holds. */
  readonly adapt: (frames: FramePlan) => FramePlan;
  readonly records: (signal: AbortSignal) => AsyncIterable<PlacedRecord>;
  /** Bytes of input, and how many have been read, for the progress bar. */
  readonly bytes: number;
  readonly progress: () => number;
  readonly ignoredHttp: () => number;
  /** Whether the records come from a journal, whose checkpoints hold the pipeline's state. */
  readonly isJournal: boolean;
}

/** Opens recordings, merged by time, or one journal. Throws a `UsageError` or a `Failure` that says what is wrong. */
export async function openReplay(
  context: CliContext,
  inputs: readonly string[],
  options: { readonly exchange?: string; readonly passBooks?: boolean } = {},
): Promise<ReplaySource> {
  const spooled = await spoolPipes(context, inputs);
  const source = spooled.endingWith(
    await open(context, spooled.inputs, options.exchange).catch(async (error) => {
      await spooled.end();
      throw error;
    }),
  );
  if (options.passBooks !== true) return source;
  return { ...source, plans: source.plans.map(withoutBooks), adapt: withoutBooks };
}

/**
 * What comes from a pipe, or standard input as `-`, is written to a temporary file first: it is read more than once,
 * because the exchange has to be recognised.
 */
async function spoolPipes({ host }: CliContext, inputs: readonly string[]) {
  const { files } = host;
  let dir: string | null = null;
  const paths: string[] = [];
  for (const [index, input] of inputs.entries()) {
    const path = input === "-" ? "/dev/stdin" : input;
    const stat = await files.stat(path);
    // A pipe has no size; an empty file costs nothing.
    if (stat === null || stat.isDirectory || stat.bytes > 0) {
      paths.push(path);
      continue;
    }
    dir ??= await files.makeTempDir("collector-replay-");
    const copy = `${dir}/${index}.jsonl`;
    const [from, to] = [await files.open(path, "read"), await files.open(copy, "append")];
    try {
      let position = 0;
      for (let chunk = await from.readAt(0, SPOOL_BYTES); chunk.length > 0;) {
        await to.write(chunk);
        position += chunk.length;
        chunk = await from.readAt(position, SPOOL_BYTES);
      }
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
    paths.push(copy);
  }
  const end = async () => {
    if (dir !== null) await files.removeTree(dir);
  };
  const endingWith = (source: ReplaySource): ReplaySource => ({
    ...source,
    records: async function* (signal) {
      try {
        yield* source.records(signal);
      } finally {
        await end();
      }
    },
  });
  return { inputs: paths, end, endingWith };
}

/** Bytes read from a pipe at a time. */
const SPOOL_BYTES = 256 * 1024;

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
    if (inputs.length > 1) throw new UsageError("A journal is replayed alone: give one folder, or recordings");
    return await openJournalReplay(context, inputs[0], exchange);
  }
  if (inputs.length === 1 && await holdsJournalLines(context.host, inputs[0])) {
    return await openJournalReplay(context, inputs[0], exchange);
  }
  return await openRecordings(context, inputs, { exchange, bytes });
}

async function openRecordings(
  context: CliContext,
  inputs: readonly string[],
  options: { readonly exchange: string | undefined; readonly bytes: number },
): Promise<ReplaySource> {
  const name = options.exchange ?? await recognise(context, inputs);
  const { plan, requests } = loadPlan(context, name);
  const read = inputs.map(() => 0);
  let sessions: readonly RecordedSession[] = [];
  return {
    exchange: plan.exchange,
    plans: [plan],
    records: async function* (signal) {
      let next: Offset = 0;
      const place = (at: number) => next = Math.max(next + 1, next === 0 ? at : 0);
      const open = new OpenSessions();
      sessions = inputs.map(() => new RecordedSession(plan, { requests, next: place, open }));
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
    adapt: asItIs,
  };
}

/** Reads the records of a journal from its beginning. */
type JournalReader = (signal?: AbortSignal) => AsyncIterable<readonly PlacedRecord[]>;

/** Reads a journal's folder, the data folder above it, or a file of the lines that `journal cat --frames` prints. */
async function journalReader({ host }: CliContext, path: string): Promise<JournalReader> {
  const { files } = host;
  if ((await files.stat(path))?.isDirectory === false) {
    return async function* () {
      for await (const placed of readJournalLines(host, path)) yield [placed];
    };
  }
  const dir = await files.stat(`${path}/journal`) === null ? path : `${path}/journal`;
  return (signal) => readJournal(files, dir, { signal });
}

async function openJournalReplay(
  context: CliContext,
  path: string,
  exchange: string | undefined,
): Promise<ReplaySource> {
  const read = await journalReader(context, path);
  const descriptors = new Map<string, FramePlan>();
  const { names, unnamed } = await journaledExchanges(context, read);
  if (exchange !== undefined && unnamed.length === 0) {
    context.host.terminal.printError("The journal holds the plans of its sessions: --exchange changes nothing");
  }
  for (const { name, descriptor } of unnamed) {
    const chosen = exchange ?? descriptor;
    if (chosen === null) throw await unknownExchange(context, `descriptor the journal's exchange "${name}" needs`);
    descriptors.set(name, loadPlan(context, chosen, name).plan);
  }
  let records = 0;
  return {
    exchange: names.join(", "),
    plans: [...descriptors.values()],
    records: async function* (signal) {
      for await (const chunk of read(signal)) {
        for (const entry of chunk) {
          records++;
          yield entry;
        }
      }
    },
    bytes: 1,
    progress: () => records > 0 ? 1 : 0,
    ignoredHttp: () => 0,
    isJournal: true,
    adapt: asItIs,
  };
}

/** Instances that a journal holds; those whose sessions name no plan with the shipped descriptor that fits them. */
interface JournaledExchanges {
  readonly names: readonly string[];
  readonly unnamed: readonly { readonly name: string; readonly descriptor: string | null }[];
}

async function journaledExchanges(context: CliContext, read: JournalReader): Promise<JournaledExchanges> {
  const names = new Set<string>();
  const urls = new Map<string, string>();
  for await (const chunk of read()) {
    for (const { record } of chunk) {
      if (record.kind !== "opened") continue;
      names.add(record.exchange);
      if (record.planHash === null && !urls.has(record.exchange)) urls.set(record.exchange, record.url);
    }
  }
  const shipped = urls.size === 0 ? [] : await shippedNames(context);
  const unnamed = await Promise.all(
    [...urls].map(async ([name, url]) => ({
      name,
      descriptor: shipped.includes(name) ? name : await matchShipped(context, url),
    })),
  );
  return { names: [...names], unnamed };
}

function asItIs(frames: FramePlan): FramePlan {
  return frames;
}

function withoutBooks(frames: FramePlan): FramePlan {
  return { ...frames, books: [] };
}

/** Finds the shipped descriptor that the first connection of the recordings belongs to. */
async function recognise(context: CliContext, inputs: readonly string[]): Promise<string> {
  for (const path of inputs) {
    for await (const line of readRecordingFile(context.host, path)) {
      if (line.dir !== "open") continue;
      const name = await matchShipped(context, line.url);
      if (name !== null) return name;
      break;
    }
  }
  const found = await recogniseByFrames(context, inputs);
  if (found.name === null) throw await unknownExchange(context, `exchange this is${found.nearest}`);
  context.host.terminal.printError(found.told);
  return found.name;
}

/** Frames of a recording that shipped descriptors are tried on where its address is unknown. */
const TRIED_FRAMES = 200;
/** Most bytes of these frames. */
const TRIED_BYTES = 8 * 1024 * 1024;
/** Share of the frames that the descriptor has to read; another one may read half as many at most. */
const TRIED_SHARE = 0.5;

/** Tries the shipped descriptors on the first frames. Names one where it alone reads most of them. */
async function recogniseByFrames(context: CliContext, inputs: readonly string[]) {
  const lines: RecordedLine[] = [];
  let frames = 0;
  let bytes = 0;
  for await (const line of readRecordingFile(context.host, inputs[0])) {
    if (line.dir !== "open" && line.dir !== "in") continue;
    lines.push(line);
    if (line.dir === "in") {
      frames++;
      bytes += line.payload.length;
    }
    if (frames >= TRIED_FRAMES || bytes >= TRIED_BYTES) break;
  }
  const tried: { readonly name: string; readonly read: number }[] = [];
  for (const name of frames === 0 ? [] : await shippedNames(context)) {
    const { frames: plan } = loadDescriptorNamed(context, name);
    if (plan !== null) tried.push({ name, read: countRead(withoutBooks(plan), lines) });
  }
  tried.sort((a, b) => b.read - a.read);
  const [best, second] = tried.filter(({ read }) => read > 0);
  const isClear = best !== undefined && best.read >= frames * TRIED_SHARE && (second?.read ?? 0) * 2 <= best.read;
  const near = tried.filter(({ read }) => read > 0).slice(0, 3).map(({ name, read }) => `${name} (${read})`);
  return {
    name: isClear ? best.name : null,
    told: `No shipped descriptor has this address: taken for ${best?.name}, which reads ${best?.read} of the first ` +
      `${frames} frames; --exchange names another`,
    nearest: near.length === 0 ? "" : ` (of the first ${frames} frames descriptors read: ${near.join(", ")})`,
  };
}

/** How many frames give events by a plan, without a fault. */
function countRead(plan: FramePlan, lines: readonly RecordedLine[]): number {
  const pipeline = new Pipeline([plan], { enabled: false, windowSeconds: 1, keysMax: 1 });
  let next: Offset = 0;
  const place = (at: number) => next = Math.max(next + 1, next === 0 ? at : 0);
  const session = new RecordedSession(plan, { requests: [], next: place, open: new OpenSessions() });
  let read = 0;
  for (const line of lines) {
    for (const { offset, record } of session.records(line)) {
      const { faults, envelopes } = deriveRecord(pipeline, offset, record);
      if (record.kind !== "frame" || faults.length > 0) continue;
      if (envelopes.some(({ event }) => event.kind !== "gap" && event.kind !== "raw")) read++;
    }
  }
  return read;
}

async function unknownExchange(context: CliContext, what: string): Promise<UsageError> {
  const names = (await shippedNames(context)).join(", ");
  return new UsageError(`Cannot tell which ${what}: name it with --exchange, a file or one of ${names}`);
}

async function matchShipped(context: CliContext, url: string): Promise<string | null> {
  for (const name of await shippedNames(context)) {
    const { frames } = loadDescriptorNamed(context, name);
    if (frames !== null && matchConnection(frames, url) !== null) return name;
  }
  return null;
}

function loadPlan(
  context: CliContext,
  nameOrPath: string,
  exchange?: string,
): { readonly plan: FramePlan; readonly requests: readonly RequestMatch[] } {
  const loaded = loadDescriptorNamed(context, nameOrPath, exchange);
  if (loaded.frames === null) {
    printIssues(context, loaded.issues, (text) => context.host.terminal.printError(text));
    throw new UsageError(`Descriptor ${nameOrPath} has errors`);
  }
  const requests = loaded.requests.map(({ name, connectionId, match }) => ({ name, connectionId, ...match }));
  return { plan: loaded.frames, requests };
}

/** Lines of several recordings in the order of their times; lines of one recording keep theirs. */
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
