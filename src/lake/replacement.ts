import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";

/** Name of the file in an archive's folder that says which replacement is under way. */
export const REPLACEMENT_NAME = "_compaction.json";
/** Ending of a file that will take the place of others. */
export const MERGING_SUFFIX = ".merging";

/** Files that take the place of others; paths are below the archive's folder. */
export interface Replacement {
  /** Written, synced and verified under the path and `MERGING_SUFFIX`. */
  readonly puts: readonly string[];
  /** Whose rows are all in `puts`. */
  readonly removes: readonly string[];
}

/**
 * Puts files in the place of others. It is written down first, so that whatever ends in between is carried through by
 * `finishReplacement`: no row is ever in no file. A path of both lists changes from one to the other at once.
 */
export async function replaceFiles(files: Files, dir: string, replacement: Replacement): Promise<void> {
  for (const folder of foldersOf(replacement.puts)) await files.syncDir(`${dir}/${folder}`);
  const text = JSON.stringify({ format: 1, ...replacement });
  await files.writeAtomic(`${dir}/${REPLACEMENT_NAME}`, new TextEncoder().encode(text));
  await carryOut(files, dir, replacement);
}

/** Carries through a replacement that was under way when something ended; resolves with whether there was one. */
export async function finishReplacement(files: Files, dir: string): Promise<boolean> {
  const path = `${dir}/${REPLACEMENT_NAME}`;
  await files.remove(`${path}.tmp`);
  const text = await files.readText(path);
  if (text === null) return false;
  await carryOut(files, dir, parseReplacement(text, path));
  return true;
}

async function carryOut(files: Files, dir: string, { puts, removes }: Replacement): Promise<void> {
  for (const put of puts) {
    const merging = `${dir}/${put}${MERGING_SUFFIX}`;
    if (await files.stat(merging) !== null) await files.rename(merging, `${dir}/${put}`);
    else if (await files.stat(`${dir}/${put}`) === null) {
      const text = `Cannot finish the compaction of ${dir}: ${put} is gone; what it was made of stays. ` +
        `Remove ${REPLACEMENT_NAME} to go on without it`;
      throw new Failure("corrupt", text, { retry: false });
    }
  }
  for (const folder of foldersOf(puts)) await files.syncDir(`${dir}/${folder}`);
  for (const path of removes) if (!puts.includes(path)) await files.remove(`${dir}/${path}`);
  for (const folder of foldersOf(removes)) await files.syncDir(`${dir}/${folder}`);
  await files.remove(`${dir}/${REPLACEMENT_NAME}`);
  await files.syncDir(dir);
}

function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.map((path) => path.slice(0, path.lastIndexOf("/"))));
}

/** A path of a file in a partition; nothing else is ever renamed or removed. */
const PATH = /^kind=[^/\\]+\/exchange=[^/\\]+\/(?:symbol=[^/\\]+\/)?date=\d{4,}-\d\d-\d\d\/[0-9_-]+\.parquet$/;

function parseReplacement(text: string, path: string): Replacement {
  const refuse = (why: string) => {
    throw new Failure("corrupt", `Cannot read ${path}: ${why}`, { retry: false });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  if (typeof value !== "object" || value === null) return refuse("it is not an object");
  const { format, puts, removes } = { format: 0, puts: null, removes: null, ...value };
  if (format !== 1) return refuse(`format ${JSON.stringify(format)} is of another version`);
  if (!isPaths(puts) || !isPaths(removes)) return refuse("it does not list files of partitions");
  return { puts, removes };
}

function isPaths(value: unknown): value is readonly string[] {
  return Array.isArray(value) &&
    value.every((path) => typeof path === "string" && PATH.test(path) && !path.split("/").includes(".."));
}
