import type { Files } from "../host/mod.ts";
import type { Offset } from "../model/mod.ts";
import { plainName } from "./names.ts";
import { openSegment, type Segment } from "./segment.ts";
import { corruptSegment, type JournalEntry, type SegmentReader } from "./segment_reader.ts";

interface Range {
  readonly from: Offset;
  readonly to?: Offset;
  readonly exact?: boolean;
  readonly signal?: AbortSignal;
  /** The journal's own list, which changes while this reads. */
  readonly segments: readonly Segment[];
  /** Replaces a segment whose file is gone; rejects if that is not possible now. */
  readonly onGone: (segment: Segment) => Promise<void>;
}

/** Reads a journal that this process writes, up to what is synced when the end is reached. */
export async function* readSegments(
  files: Files,
  dir: string,
  range: Range,
): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  const to = range.to ?? Number.MAX_SAFE_INTEGER;
  const from = range.exact === true ? range.from : 0;
  let segment = holding(range.segments, range.from);
  while (segment !== undefined && segment.firstOffset < to) {
    const current: Segment = segment;
    const reader = await openSegment(files, dir, {
      firstOffset: current.firstOffset,
      from,
      limit: () => current.syncedBytes,
    });
    if (reader === null && range.segments.includes(current)) {
      await range.onGone(current);
      segment = range.segments.find(({ firstOffset }) => firstOffset === current.firstOffset);
      continue;
    }
    if (reader !== null) {
      try {
        for await (const entries of readToEnd(reader, current, range)) {
          const wanted = upTo(entries, to);
          if (wanted.length > 0) {
            yield wanted.some((entry) => entry !== beginAt(entry, range.from))
              ? wanted.map((entry) => beginAt(entry, range.from))
              : wanted;
          }
          if (wanted.length < entries.length) return;
        }
      } finally {
        await reader.close();
      }
    }
    if (range.signal?.aborted === true) return;
    segment = range.segments.find((other) => other.firstOffset > current.firstOffset && other.syncedBytes > 0);
  }
}

/** Reads the entries of one segment as far as it is synced; more may be synced meanwhile. */
async function* readToEnd(
  reader: SegmentReader,
  segment: Segment,
  range: Range,
): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  while (range.signal?.aborted !== true) {
    const entries = await reader.next();
    if (entries !== null) yield entries;
    else if (reader.fault !== null) throw corruptSegment(plainName(segment.firstOffset), reader.fault);
    else if (reader.position >= segment.syncedBytes) return;
  }
}

/** Moves a dropped record that replaces records around `from` to begin there, for a reader that has read up to it. */
function beginAt(entry: JournalEntry, from: Offset): JournalEntry {
  const { offset, record } = entry;
  const isAround = record.kind === "dropped" && record.toOffset !== null && offset < from && from < record.toOffset;
  return isAround ? { offset: from, record } : entry;
}

/** Cuts a chunk before the offset `to`. */
export function upTo(entries: readonly JournalEntry[], to: Offset): readonly JournalEntry[] {
  const last = entries.at(-1);
  return last === undefined || last.offset < to ? entries : entries.filter((entry) => entry.offset < to);
}

/** Returns the segment with an offset; the oldest one if it is no longer kept. */
export function holding<T extends { readonly firstOffset: Offset }>(
  segments: readonly T[],
  offset: Offset,
): T | undefined {
  return segments.findLast((segment) => segment.firstOffset <= offset) ?? segments.at(0);
}
