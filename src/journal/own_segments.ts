import { Buffer } from "node:buffer";
import type { Files } from "../host/mod.ts";
import type { Offset } from "../model/mod.ts";
import { readSealedEnd } from "./byte_source.ts";
import {
  beginsSealed,
  BLOCK_BYTES,
  decodeHeader,
  decodeMark,
  HEADER_BYTES_MAX,
  isHeaderFault,
  MARK_MAGIC,
  markBytes,
  recordHeaderBytes,
} from "./format.ts";
import { parseSegmentName, plainName, sealedName } from "./names.ts";

/** The files that belong to one first offset. */
export interface SegmentFiles {
  readonly firstOffset: Offset;
  plain: boolean;
  sealed: boolean;
}

/** The segments of a folder, and files that are named like one but do not belong to this journal. */
export interface FoundSegments {
  /** In the order of their offsets. */
  readonly own: readonly SegmentFiles[];
  readonly foreign: readonly string[];
}

/**
 * Finds a journal's segments by name and content. `id` is the journal's; null accepts every segment. Returns null if
 * there is no such folder.
 */
export async function findSegments(files: Files, dir: string, id: string | null): Promise<FoundSegments | null> {
  const names = await files.list(dir);
  if (names === null) return null;
  const found = new Map<Offset, SegmentFiles>();
  const foreign: string[] = [];
  for (const { name, isDirectory } of names) {
    const parsed = parseSegmentName(name);
    if (parsed === null || isDirectory) continue;
    const { firstOffset, sealed } = parsed;
    if (await (sealed ? isOwnSealed : isOwnPlain)(files, `${dir}/${name}`, { firstOffset, id })) {
      const entry = found.get(firstOffset) ?? { firstOffset, plain: false, sealed: false };
      if (sealed) entry.sealed = true;
      else entry.plain = true;
      found.set(firstOffset, entry);
    } else {
      foreign.push(name);
    }
  }
  return { own: [...found.values()].sort((a, b) => a.firstOffset - b.firstOffset), foreign };
}

/** Returns the id in the folder's file; null if there is none. */
export async function readJournalId(files: Files, dir: string): Promise<string | null> {
  return (await files.readText(`${dir}/id`))?.trim() ?? null;
}

/** Whether a valid mark of the segment is at or after a position. Reads the rest of the file. */
export async function hasMarkAfter(
  files: Files,
  path: string,
  options: { readonly firstOffset: Offset; readonly byte: number; readonly bytes: number },
): Promise<boolean> {
  const longest = Math.max(markBytes(1), markBytes(2));
  const handle = await files.open(path, "read");
  try {
    for (let position = options.byte; position < options.bytes; position += BLOCK_BYTES) {
      // Blocks overlap, so that a mark across their border is found.
      const length = Math.min(BLOCK_BYTES + longest, options.bytes - position);
      const block = Buffer.from(await handle.readAt(position, length));
      for (let at = block.indexOf(MARK_MAGIC); at >= 0; at = block.indexOf(MARK_MAGIC, at + 1)) {
        for (const version of [1, 2]) {
          const start = at - recordHeaderBytes(version);
          const mark = start < 0 ? null : decodeMark(block.subarray(start, start + markBytes(version)), version);
          if (mark?.firstOffset === options.firstOffset && mark.position === position + start) return true;
        }
      }
    }
    return false;
  } finally {
    await handle.close();
  }
}

interface Expected {
  readonly firstOffset: Offset;
  readonly id: string | null;
}

/** Whether a plain segment is the journal's own. One with a damaged header is if it has a mark, or was only begun. */
async function isOwnPlain(files: Files, path: string, { firstOffset, id }: Expected): Promise<boolean> {
  const header = decodeHeader(await readBegin(files, path, HEADER_BYTES_MAX));
  if (!isHeaderFault(header)) return id === null || header.journal === "" || header.journal === id;
  if (header.kind !== "foreign") return true;
  const bytes = (await files.stat(path))?.bytes ?? 0;
  return await hasMarkAfter(files, path, { firstOffset, byte: 0, bytes });
}

async function isOwnSealed(files: Files, path: string, { firstOffset, id }: Expected): Promise<boolean> {
  const end = await readSealedEnd(files, path);
  if (end === null) return beginsSealed(await readBegin(files, path, 4));
  return end.firstOffset === firstOffset && (id === null || end.journal === "" || end.journal === id);
}

async function readBegin(files: Files, path: string, length: number): Promise<Uint8Array> {
  const handle = await files.open(path, "read");
  try {
    return await handle.readAt(0, length);
  } finally {
    await handle.close();
  }
}

/** Returns the paths that a segment may have. */
export function segmentPaths(dir: string, firstOffset: Offset): readonly string[] {
  return [`${dir}/${plainName(firstOffset)}`, `${dir}/${sealedName(firstOffset)}`];
}
