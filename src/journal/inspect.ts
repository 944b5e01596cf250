import type { Files } from "../host/mod.ts";
import { Failure, type Micros, type Offset } from "../model/mod.ts";
import { corruptEnd, readSealedEnd } from "./byte_source.ts";
import { CHAIN_NAME, chainFaults } from "./hash_chain.ts";
import { plainName, sealedName } from "./names.ts";
import { findSegments, hasMarkAfter, readJournalId, type SegmentFiles } from "./own_segments.ts";
import type { PlacedSegment } from "./placed_segment.ts";
import { type JournalProgress, ReadProgress } from "./read_progress.ts";
import { holding, upTo } from "./read_segments.ts";
import { checkSegment, openSegment, segmentName } from "./segment.ts";
import { corruptSegment, type JournalEntry, type SegmentFault, type SegmentReader } from "./segment_reader.ts";

/** One file of a journal. */
export interface SegmentSummary {
  readonly name: string;
  readonly firstOffset: Offset;
  /** Offset after its last record. */
  readonly nextOffset: Offset;
  readonly records: number;
  /** Bytes on disk, and of the plain segment. */
  readonly bytes: number;
  readonly plainBytes: number;
  readonly sealed: boolean;
  /** When it was begun; null if its header cannot be read. */
  readonly createdAt: Micros | null;
  /** Bytes of a torn record at the end of the last segment, left by a crash or a running writer. */
  readonly tornBytes: number;
}

/** A place where synced records are damaged or missing. */
export interface SegmentDamage extends SegmentFault {
  readonly segment: string;
}

/** Result of `verifyJournal`. The journal is sound if `damage` is empty. */
export interface VerifyReport {
  readonly segments: readonly SegmentSummary[];
  readonly records: number;
  readonly tornBytes: number;
  readonly damage: readonly SegmentDamage[];
}

/** Which part of a journal to read. */
export interface ReadJournalOptions {
  /** Reading starts at the checkpoint of the segment with this offset. Absent: at the beginning. */
  readonly from?: Offset;
  /** Stops before this offset. */
  readonly to?: Offset;
  readonly signal?: AbortSignal;
  /** Called at the beginning, between segments, and within plain ones. */
  readonly onProgress?: (progress: JournalProgress) => void;
}

/**
 * Reads a journal without locking or changing it, even while it is being written. A torn tail ends it. Rejects with a
 * `Failure`: `corrupt` naming segment, byte and offset, or `file` if there is no journal.
 */
export async function* readJournal(
  files: Files,
  dir: string,
  options: ReadJournalOptions = {},
): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  const { segments } = await findSome(files, dir);
  const to = options.to ?? Number.MAX_SAFE_INTEGER;
  const start = holding(segments, options.from ?? 0);
  const progress = await ReadProgress.start(files, segments, options.onProgress);
  for (const [i, segment] of segments.entries()) {
    if (start === undefined || segment.firstOffset < start.firstOffset || segment.firstOffset >= to) continue;
    const reader = await openSegment(files, segment.folder, { firstOffset: segment.firstOffset, limit: null });
    // The writer deleted it after the folder was listed.
    if (reader === null) continue;
    try {
      for (let entries = await reader.next(); entries !== null; entries = await reader.next()) {
        if (options.signal?.aborted === true) return;
        const wanted = upTo(entries, to);
        if (segment.plain) progress?.at(i, reader.position);
        if (wanted.length > 0) yield wanted;
        if (wanted.length < entries.length) return;
      }
    } finally {
      await reader.close();
    }
    const damage = await findDamage(files, segment.folder, { reader, segment, follower: segments.at(i + 1) });
    if (damage !== null) throw corruptSegment(damage.segment, damage);
    progress?.at(i + 1);
  }
}

/** Lists the segments of a journal. Reads plain ones completely, and only the end of sealed ones. */
export async function listJournal(files: Files, dir: string): Promise<readonly SegmentSummary[]> {
  const summaries: SegmentSummary[] = [];
  for (const segment of (await findSome(files, dir)).segments) {
    const inspected = segment.plain
      ? await inspect(files, segment.folder, segment)
      : await summarizeSealed(files, segment.folder, segment);
    if (inspected !== null) summaries.push(inspected.summary);
  }
  return summaries;
}

/**
 * Checks every record of a journal without changing it. Damage is returned, not thrown; rejects with `file` if there is
 * no journal.
 */
export async function verifyJournal(
  files: Files,
  dir: string,
  { onProgress }: Pick<ReadJournalOptions, "onProgress"> = {},
): Promise<VerifyReport> {
  const { segments, begunBytes } = await findSome(files, dir);
  const progress = await ReadProgress.start(files, segments, onProgress);
  const summaries: SegmentSummary[] = [];
  const damage: SegmentDamage[] = [];
  for (const [i, segment] of segments.entries()) {
    progress?.at(i);
    const inspected = await inspect(files, segment.folder, segment);
    if (inspected === null) continue;
    const found = inspected.unreadable ??
      await findDamage(files, segment.folder, { reader: inspected.reader, segment, follower: segments.at(i + 1) });
    if (found !== null) damage.push(found);
    summaries.push(found === null ? inspected.summary : { ...inspected.summary, tornBytes: 0 });
  }
  progress?.at(segments.length);
  for await (const { link, fault } of chainFaults(files, dir)) {
    const segment = link === null ? CHAIN_NAME : sealedName(link.first_offset);
    // For a segment with damaged records this adds nothing.
    if (damage.some((known) => known.segment === segment)) continue;
    damage.push({ segment, byte: 0, offset: link?.first_offset ?? 0, reason: fault, header: null });
  }
  return {
    segments: summaries,
    records: sum(summaries.map((summary) => summary.records)),
    tornBytes: begunBytes + sum(summaries.map((summary) => summary.tornBytes)),
    damage,
  };
}

type Inspected =
  | { readonly summary: SegmentSummary; readonly reader: SegmentReader; readonly unreadable: null }
  | { readonly summary: SegmentSummary; readonly reader: null; readonly unreadable: SegmentDamage };

/**
 * The folder of a journal where `dir` is one, the data folder above one, or an archive that holds one journal; else `dir`
 * itself. Rejects with a `Failure` where an archive holds several, naming them.
 */
export async function journalFolder(files: Files, dir: string): Promise<string> {
  const found = await journalsAt(files, dir);
  if (found.length <= 1) return found[0] ?? dir;
  const text = `Cannot read journal ${dir}: it holds several journals; give one of ${found.join(", ")}`;
  throw new Failure("file", text, { retry: false });
}

/** Whether a path is the folder of a journal, a data folder above one, or an archive of segments. */
export async function isJournal(files: Files, path: string): Promise<boolean> {
  if ((await files.stat(path))?.isDirectory !== true) return false;
  return (await journalsAt(files, path)).length > 0;
}

/** The folders of journals that a folder is or holds. */
async function journalsAt(files: Files, dir: string): Promise<readonly string[]> {
  if ((await files.stat(`${dir}/journal`))?.isDirectory === true) return [`${dir}/journal`];
  if (await readJournalId(files, dir) !== null) return [dir];
  const found: string[] = [];
  for (const { name, isDirectory } of await files.list(dir) ?? []) {
    if (isDirectory && await readJournalId(files, `${dir}/${name}`) === name) found.push(`${dir}/${name}`);
  }
  return found;
}

/** The segments of a journal that contain records. */
interface FoundSome {
  /** In the order of their offsets; at least one. */
  readonly segments: readonly PlacedSegment[];
  /** Bytes of segments that end within their head; the next start of the collector removes them. */
  readonly begunBytes: number;
}

async function findSome(files: Files, dir: string): Promise<FoundSome> {
  const id = await readJournalId(files, dir);
  const days = (await files.list(dir) ?? []).filter(({ name, isDirectory }) => isDirectory && /^date=/.test(name));
  const segments: PlacedSegment[] = [];
  for (const folder of [dir, ...days.map(({ name }) => `${dir}/${name}`)]) {
    segments.push(...((await findSegments(files, folder, id))?.own ?? []).map((found) => ({ ...found, folder })));
  }
  segments.sort((a, b) => a.firstOffset - b.firstOffset);
  let begunBytes = 0;
  for (let last = segments.at(-1); last !== undefined && segments.length > 1; last = segments.at(-1)) {
    const bytes = await onlyBegunBytes(files, last);
    if (bytes === null) break;
    begunBytes += bytes;
    segments.pop();
  }
  if (segments.length > 0) return { segments, begunBytes };
  throw new Failure("file", `Cannot read journal ${dir}: it holds no segments`, { retry: false });
}

/** Returns the size of a segment that ends within its head, left by a crash or a running writer; null for any other. */
async function onlyBegunBytes(files: Files, { folder, firstOffset, plain }: PlacedSegment): Promise<number | null> {
  if (!plain) return null;
  const path = `${folder}/${plainName(firstOffset)}`;
  const bytes = (await files.stat(path))?.bytes ?? 0;
  // An empty file may be somebody else's.
  if (bytes === 0) return 0;
  const reader = await openSegment(files, folder, { firstOffset, from: Number.MAX_SAFE_INTEGER, limit: () => bytes });
  if (reader === null) return null;
  try {
    await reader.skipHead();
  } finally {
    await reader.close();
  }
  const { header, fault, isHeadTorn } = reader;
  if (header === null || !isHeadTorn) return null;
  const isDamaged = fault !== null && await hasMarkAfter(files, path, { firstOffset, byte: fault.byte, bytes });
  return isDamaged ? null : bytes;
}

/** Returns the damage that a reader's fault means; null if it is the torn tail of the last segment. */
async function findDamage(
  files: Files,
  dir: string,
  options: {
    readonly reader: SegmentReader;
    readonly segment: SegmentFiles;
    readonly follower: SegmentFiles | undefined;
  },
): Promise<SegmentDamage | null> {
  const { reader, segment, follower } = options;
  const { firstOffset } = segment;
  const name = segmentName({ firstOffset, sealed: !segment.plain });
  const { fault } = reader;
  if (fault !== null) {
    const path = `${dir}/${plainName(firstOffset)}`;
    const bytes = (await files.stat(path))?.bytes ?? 0;
    const torn = follower === undefined && segment.plain &&
      fault.header !== "newer" && !await hasMarkAfter(files, path, { firstOffset, byte: fault.byte, bytes });
    return torn ? null : { ...fault, segment: name };
  }
  if (follower === undefined || follower.firstOffset === reader.nextOffset) return null;
  const reason = `it ends here, the next segment begins at offset ${follower.firstOffset}`;
  return { byte: reader.position, offset: reader.nextOffset, reason, header: null, segment: name };
}

/** Reads a segment completely; null if it was deleted after the folder was listed. */
async function inspect(files: Files, dir: string, segment: SegmentFiles): Promise<Inspected | null> {
  const { firstOffset } = segment;
  const name = segmentName({ firstOffset, sealed: !segment.plain });
  if (!segment.plain && await readSealedEnd(files, `${dir}/${name}`) === null) {
    const stat = await files.stat(`${dir}/${name}`);
    return stat === null ? null : unreadableSealed(firstOffset, { name, bytes: stat.bytes });
  }
  const from = Number.MAX_SAFE_INTEGER;
  const reader = await openSegment(files, dir, { firstOffset, from, limit: null });
  if (reader === null) return null;
  await checkSegment(reader);
  const bytes = (await files.stat(`${dir}/${name}`))?.bytes ?? 0;
  const summary = {
    name,
    firstOffset,
    nextOffset: reader.nextOffset,
    records: reader.nextOffset - firstOffset,
    bytes,
    plainBytes: reader.position,
    sealed: !segment.plain,
    createdAt: reader.header?.createdAt ?? null,
    tornBytes: segment.plain && reader.fault !== null ? Math.max(0, bytes - reader.position) : 0,
  };
  return { summary, reader, unreadable: null };
}

function unreadableSealed(firstOffset: Offset, file: { readonly name: string; readonly bytes: number }): Inspected {
  const summary: SegmentSummary = {
    name: file.name,
    firstOffset,
    nextOffset: firstOffset,
    records: 0,
    bytes: file.bytes,
    plainBytes: 0,
    sealed: true,
    createdAt: null,
    tornBytes: 0,
  };
  const reason = "the frame that ends a sealed segment is missing or damaged";
  return {
    summary,
    reader: null,
    unreadable: { segment: file.name, byte: 0, offset: firstOffset, reason, header: null },
  };
}

async function summarizeSealed(
  files: Files,
  dir: string,
  segment: SegmentFiles,
): Promise<{ readonly summary: SegmentSummary } | null> {
  const name = segmentName({ firstOffset: segment.firstOffset, sealed: true });
  const path = `${dir}/${name}`;
  const stat = await files.stat(path);
  if (stat === null) return null;
  const end = await readSealedEnd(files, path);
  if (end === null) throw corruptEnd(path);
  return {
    summary: {
      name,
      firstOffset: end.firstOffset,
      nextOffset: end.nextOffset,
      records: end.nextOffset - end.firstOffset,
      bytes: stat.bytes,
      plainBytes: end.plainBytes,
      sealed: true,
      createdAt: end.createdAt,
      tornBytes: 0,
    },
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
