import type { Host } from "../host/mod.ts";
import { UsageError } from "../service/mod.ts";

/** Stands for standard input. */
const STDIN = "-";
/** Bytes read from a pipe at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Inputs that can be read more than once. */
export interface SpooledInputs {
  /** One path for each input, in their order. */
  readonly paths: readonly string[];
  /** Removes the copies. */
  readonly remove: () => Promise<void>;
}

/**
 * Copies pipes, and standard input as `-`, to temporary files, because recordings are read more than once. Files are
 * used as they are. Rejects with a `Failure` if an input cannot be read, and then leaves no copy behind.
 */
export async function spoolInputs({ files, terminal }: Host, inputs: readonly string[]): Promise<SpooledInputs> {
  if (inputs.filter((input) => input === STDIN).length > 1) {
    throw new UsageError("Standard input is given twice: it can be read once");
  }
  let dir: string | null = null;
  const paths: string[] = [];
  const remove = async () => {
    if (dir !== null) await files.removeTree(dir);
  };
  try {
    for (const [index, path] of inputs.entries()) {
      const stat = path === STDIN ? null : await files.stat(path);
      // A pipe has no size; an empty file costs nothing.
      if (path !== STDIN && (stat === null || stat.isDirectory || stat.bytes > 0)) {
        paths.push(path);
        continue;
      }
      dir ??= await files.makeTempDir("collector-recording-");
      // Messages name the copy.
      const name = path === STDIN ? "standard input" : path.slice(path.lastIndexOf("/") + 1);
      const copy = `${dir}/${index} ${name}`;
      paths.push(copy);
      await copyTo(files, copy, path === STDIN ? terminal.stdin() : chunksOf(files, path));
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { paths, remove };
}

async function copyTo(files: Host["files"], path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const to = await files.open(path, "append");
  try {
    for await (const chunk of chunks) await to.write(chunk);
  } finally {
    await to.close();
  }
}

async function* chunksOf(files: Host["files"], path: string): AsyncIterable<Uint8Array> {
  const from = await files.open(path, "read");
  try {
    let position = 0;
    for (let chunk = await from.readAt(0, CHUNK_BYTES); chunk.length > 0;) {
      yield chunk;
      position += chunk.length;
      chunk = await from.readAt(position, CHUNK_BYTES);
    }
  } finally {
    await from.close();
  }
}
