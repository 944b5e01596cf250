import { deriveRecord, Pipeline, PlanStore } from "../derive/mod.ts";
import { readParquetEvents, type SourcedEvent, type StoredEvent } from "../lake/mod.ts";
import { Failure } from "../model/mod.ts";
import type { CliContext } from "./context.ts";
import { readEventLine } from "./event_line.ts";
import { readRecordingText } from "./recording.ts";
import { openReplay } from "./replay_source.ts";

/** A file of an NDJSON sink. */
const LINES = /\.ndjson$/;

/** One input of a merge. */
export interface MergeInput {
  readonly events: AsyncIterable<SourcedEvent>;
  /** Bytes of it, and how many have been read. */
  readonly bytes: number;
  readonly progress: () => number;
}

/** Opens one input of a merge: its events in the order in which its collector told them. `name`: where they name no collector. */
export async function openMergeInput(
  context: CliContext,
  path: string,
  name: { readonly fallback: string; readonly forced: boolean },
): Promise<MergeInput> {
  const { files } = context.host;
  const stat = await files.stat(path);
  const named = (collector: string | null) => name.forced ? name.fallback : collector ?? name.fallback;
  if (stat?.isDirectory === true) {
    const below = await filesBelow(context, path, "");
    const parts = below.filter((file) => file.endsWith(".parquet"));
    if (parts.length > 0) {
      return await counted(
        context,
        parts.map((part) => `${path}/${part}`),
        (onBytes) => readArchive(context, path, { parts, named, onBytes }),
      );
    }
    const lines = below.filter((file) => LINES.test(file));
    if (lines.length > 0) {
      return await counted(
        context,
        lines.map((file) => `${path}/${file}`),
        (onBytes) => readFolder(context, path, { lines, named, onBytes }),
      );
    }
  } else if (LINES.test(path)) {
    return await counted(context, [path], (onBytes) => readLines(context, path, { named, onBytes }));
  }
  return await readDerived(context, path, named);
}

/** Told how many bytes of a file have been read so far; whole where they are not given. */
type OnBytes = (path: string, bytes?: number) => void;

/** An input of files, of which it is counted what has been read. */
async function counted(
  { host }: CliContext,
  paths: readonly string[],
  open: (onBytes: OnBytes) => AsyncIterable<SourcedEvent>,
): Promise<MergeInput> {
  const sizes = new Map<string, number>();
  for (const path of paths) sizes.set(path, (await host.files.stat(path))?.bytes ?? 0);
  const read = new Map<string, number>();
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);
  return {
    events: open((path, bytes = sizes.get(path) ?? 0) => read.set(path, bytes)),
    bytes: sum(sizes.values()),
    progress: () => sum(read.values()),
  };
}

/** The events of a journal, an archive of segments or a recording. */
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

/**
 * The events of an archive of Parquet. A file is read whole when the first offset that its name says is reached: files are
 * sorted by symbol.
 */
async function* readArchive(
  { host }: CliContext,
  dir: string,
  { parts, named, onBytes }: {
    readonly parts: readonly string[];
    readonly named: (collector: string | null) => string;
    readonly onBytes: OnBytes;
  },
): AsyncIterable<SourcedEvent> {
  const waiting = parts.map((path) => ({ path, first: firstOffset(path) }))
    .sort((a, b) => a.first - b.first || (a.path < b.path ? -1 : 1));
  let open: { readonly events: readonly StoredEvent[]; next: number }[] = [];
  for (let at = 0; at < waiting.length || open.length > 0;) {
    let least: typeof open[number] | null = null;
    for (const part of open) {
      if (least === null || isBefore(part.events[part.next], least.events[least.next])) least = part;
    }
    if (at < waiting.length && (least === null || least.events[least.next].envelope.offset >= waiting[at].first)) {
      const path = `${dir}/${waiting[at++].path}`;
      const events = await readParquetEvents(host.files, path);
      onBytes(path);
      if (events.length > 0) open.push({ events, next: 0 });
      continue;
    }
    if (least === null) return;
    const { collector, envelope } = least.events[least.next++];
    yield { collector: named(collector), envelope };
    if (least.next === least.events.length) open = open.filter((part) => part !== least);
  }
}

function isBefore({ envelope: a }: StoredEvent, { envelope: b }: StoredEvent): boolean {
  return a.offset < b.offset || (a.offset === b.offset && a.index < b.index);
}

/** The first offset of a part, by its name; zero where the name does not say it. */
function firstOffset(path: string): number {
  const [, digits] = /(\d{16})[^/]*$/.exec(path) ?? [];
  return digits === undefined ? 0 : Number(digits);
}

/** The events of an NDJSON sink's folder: the files of each day together, in the order of their records. */
async function* readFolder(
  context: CliContext,
  dir: string,
  { lines, ...how }: { readonly lines: readonly string[] } & HowToRead,
): AsyncIterable<SourcedEvent> {
  const days = Map.groupBy(lines, (file) => file.slice(file.lastIndexOf("/") + 1));
  for (const day of [...days.keys()].sort()) {
    const all = (days.get(day) ?? []).toSorted().map((file) => readLines(context, `${dir}/${file}`, how));
    yield* mergeBy(all, ({ envelope: a }, { envelope: b }) => a.offset - b.offset || a.index - b.index);
  }
}

interface HowToRead {
  readonly named: (collector: string | null) => string;
  readonly onBytes: OnBytes;
}

async function* readLines(
  context: CliContext,
  path: string,
  { named, onBytes }: HowToRead,
): AsyncIterable<SourcedEvent> {
  for await (const { line, number } of readRecordingText(context.host, path, (bytes) => onBytes(path, bytes))) {
    const read = readEventLine(line);
    if (!read.ok) throw new Failure("corrupt", `Cannot read ${path}:${number}: ${read.reason}`, { retry: false });
    yield { collector: named(read.collector), envelope: read.envelope };
  }
}

/** Merges streams that are in order; of equals that of the earlier stream comes first. */
export async function* mergeBy<T>(
  streams: readonly AsyncIterable<T>[],
  compare: (a: T, b: T) => number,
): AsyncIterable<T> {
  const open = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads: { readonly value: T; readonly from: AsyncIterator<T> }[] = [];
    for (const from of open) {
      const { done, value } = await from.next();
      if (done !== true) heads.push({ value, from });
    }
    while (heads.length > 0) {
      let least = 0;
      for (let at = 1; at < heads.length; at++) if (compare(heads[at].value, heads[least].value) < 0) least = at;
      const { value, from } = heads[least];
      yield value;
      const next = await from.next();
      if (next.done === true) heads.splice(least, 1);
      else heads[least] = { value: next.value, from };
    }
  } finally {
    for (const stream of open) await stream.return?.();
  }
}

async function filesBelow({ host }: CliContext, dir: string, below: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await host.files.list(below === "" ? dir : `${dir}/${below}`) ?? []) {
    if (name.startsWith("_")) continue;
    const path = below === "" ? name : `${below}/${name}`;
    if (isDirectory) found.push(...await filesBelow({ host } as CliContext, dir, path));
    else found.push(path);
  }
  return found;
}
