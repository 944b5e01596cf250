import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";

/** Name of the file in an archive's folder that records the replacement under way. */
export const REPLACEMENT_NAME = "_compaction.json";
/** Suffix of a file that is going to replace others. */
export const MERGING_SUFFIX = ".merging";

/** Files that replace others; paths are below the archive's folder. */
export interface Replacement {
  /** Files written, synced and verified under their path with `MERGING_SUFFIX`. */
  readonly puts: readonly string[];
  /** Files whose rows are all in `puts`. */
  readonly removes: readonly string[];
}

/**
 * Replaces files by others. Records the replacement first, so that `finishReplacement` can complete an interrupted one:
 * at no time is a row in no file. A path in both lists is replaced in one step.
 */
export async function replaceFiles(files: Files, dir: string, replacement: Replacement): Promise<void> {
  for (const folder of foldersOf(replacement.puts)) await files.syncDir(`${dir}/${folder}`);
  const text = JSON.stringify({ format: 1, ...replacement });
  await files.writeAtomic(`${dir}/${REPLACEMENT_NAME}`, new TextEncoder().encode(text));
  await carryOut(files, dir, replacement);
}

/** Completes an interrupted replacement; resolves with whether there was one. */
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

/** Matches the path of a file in a partition; no other file is ever renamed or removed. */
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
