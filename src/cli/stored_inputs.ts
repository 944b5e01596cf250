import { ArchiveEvents, type ArchiveSelection, type StoredEvent } from "../lake/mod.ts";
import { Failure } from "../model/mod.ts";
import type { CliContext } from "./context.ts";
import { readEventLine } from "./event_line.ts";
import { mergeBy } from "./merge_by.ts";
import { readRecordingText } from "./recording.ts";

/** A file of an NDJSON sink, and one of a Parquet sink. */
const LINES = /\.ndjson$/;
const PART = /\.parquet$/;

/** Events as sinks have stored them, in the order of their records. */
export interface StoredInput {
  readonly events: AsyncIterable<StoredEvent>;
  /** Bytes of the files, and how many have been read. */
  readonly bytes: number;
  readonly progress: () => number;
}

/**
 * Opens events that a Parquet or an NDJSON sink has stored: a folder of either, or one file. Null if the path holds
 * neither: it may be a journal or a recording. `wanted` keeps a reader of Parquet from what is not; lines come whole.
 */
export async function openStored(
  context: CliContext,
  path: string,
  wanted: ArchiveSelection,
): Promise<StoredInput | null> {
  const { files } = context.host;
  const stat = await files.stat(path);
  if (stat === null) return null;
  const below = stat.isDirectory ? await filesBelow(context, path, "") : [path];
  const at = (paths: readonly string[]) => stat.isDirectory ? paths.map((each) => `${path}/${each}`) : paths;
  const parts = at(below.filter((file) => PART.test(file)));
  if (parts.length > 0) {
    return await counted(context, parts, (onRead) => new ArchiveEvents(files, { paths: parts, wanted, onRead }).read());
  }
  const lines = at(below.filter((file) => LINES.test(file)));
  return lines.length === 0 ? null : await counted(context, lines, (onRead) => readLineFiles(context, lines, onRead));
}

/** Told which share of a file has been read since it was told last. */
type OnRead = (path: string, share: number) => void;

/** An input of files, of which it is counted what has been read. */
async function counted(
  { host }: CliContext,
  paths: readonly string[],
  open: (onRead: OnRead) => AsyncIterable<StoredEvent>,
): Promise<StoredInput> {
  const sizes = new Map<string, number>();
  for (const path of paths) sizes.set(path, (await host.files.stat(path))?.bytes ?? 0);
  let read = 0;
  return {
    events: open((path, share) => read += share * (sizes.get(path) ?? 0)),
    bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    progress: () => Math.round(read),
  };
}

/** The events of files of an NDJSON sink: those of each day together, in the order of their records. */
async function* readLineFiles(
  context: CliContext,
  paths: readonly string[],
  onRead: OnRead,
): AsyncIterable<StoredEvent> {
  const days = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf("/") + 1));
  for (const day of [...days.keys()].sort()) {
    const all = (days.get(day) ?? []).toSorted().map((path) => readLines(context, path, onRead));
    yield* mergeBy(all, ({ envelope: a }, { envelope: b }) => a.offset - b.offset || a.index - b.index);
  }
}

async function* readLines(context: CliContext, path: string, onRead: OnRead): AsyncIterable<StoredEvent> {
  const { bytes: size } = await context.host.files.stat(path) ?? { bytes: 0 };
  let told = 0;
  const onBytes = (bytes: number) => {
    onRead(path, (bytes - told) / Math.max(1, size));
    told = bytes;
  };
  for await (const { line, number } of readRecordingText(context.host, path, onBytes)) {
    const read = readEventLine(line);
    if (!read.ok) throw new Failure("corrupt", `Cannot read ${path}:${number}: ${read.reason}`, { retry: false });
    yield { collector: read.collector, envelope: read.envelope };
  }
}

async function filesBelow(context: CliContext, dir: string, below: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await context.host.files.list(below === "" ? dir : `${dir}/${below}`) ?? []) {
    if (name.startsWith("_")) continue;
    const path = below === "" ? name : `${below}/${name}`;
    if (isDirectory) found.push(...await filesBelow(context, dir, path));
    else found.push(path);
  }
  return found;
}
