import type { Host } from "../host/mod.ts";

/** Bytes read from a pipe at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Inputs that can be read more than once. */
export interface SpooledInputs {
  /** A path an input, in the order of the inputs. */
  readonly paths: readonly string[];
  /** Removes the copies. */
  readonly remove: () => Promise<void>;
}

/**
 * Copies what comes from a pipe, or from standard input as `-`, to temporary files: recordings are read more than once.
 * Files stay where they are. Rejects with a `Failure` where an input cannot be read, and then leaves no copy behind.
 */
export async function spoolInputs({ files }: Host, inputs: readonly string[]): Promise<SpooledInputs> {
  let dir: string | null = null;
  const paths: string[] = [];
  const remove = async () => {
    if (dir !== null) await files.removeTree(dir);
  };
  try {
    for (const [index, input] of inputs.entries()) {
      const path = input === "-" ? "/dev/stdin" : input;
      const stat = await files.stat(path);
      // A pipe has no size; an empty file costs nothing.
      if (stat === null || stat.isDirectory || stat.bytes > 0) {
        paths.push(path);
        continue;
      }
      dir ??= await files.makeTempDir("collector-recording-");
      const copy = `${dir}/${index}.jsonl`;
      paths.push(copy);
      await copyPipe(files, path, copy);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { paths, remove };
}

async function copyPipe(files: Host["files"], path: string, copy: string): Promise<void> {
  const [from, to] = [await files.open(path, "read"), await files.open(copy, "append")];
  try {
    let position = 0;
    for (let chunk = await from.readAt(0, CHUNK_BYTES); chunk.length > 0;) {
      await to.write(chunk);
      position += chunk.length;
      chunk = await from.readAt(position, CHUNK_BYTES);
    }
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}
