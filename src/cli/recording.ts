import type { Host } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import { readRecording, readRecordingLines, type RecordedLine } from "../simulator/mod.ts";

/** Bytes read from the file at a time. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads a recording file, gzip or plain, holding no more than a piece and a line. Throws a `Failure`: of code `file` if
 * the file is missing or cannot be read, `corrupt` with the line's number if a line is not a record. Calls `onBytes`
 * with the bytes read so far, for progress.
 */
export async function* readRecordingFile(
  host: Host,
  path: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncIterable<RecordedLine> {
  yield* readRecording(await openChunks(host, path, onBytes), path);
}

/** Reads the lines of a recording file as they are, gzip or plain; throws as `readRecordingFile` does. */
export async function* readRecordingText(
  host: Host,
  path: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncIterable<{ readonly line: string; readonly number: number }> {
  yield* readRecordingLines(await openChunks(host, path, onBytes), path);
}

async function openChunks(
  host: Host,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<AsyncIterable<Uint8Array>> {
  const stat = await host.files.stat(path);
  if (stat === null) throw new Failure("file", `Cannot open recording ${path}: no such file`, { retry: false });
  if (stat.isDirectory) throw new Failure("file", `Cannot open recording ${path}: it is a folder`, { retry: false });
  return readChunks(host, path, onBytes);
}

async function* readChunks(host: Host, path: string, onBytes: (bytes: number) => void): AsyncIterable<Uint8Array> {
  const file = await host.files.open(path, "read");
  try {
    let position = 0;
    while (true) {
      const chunk = await file.readAt(position, CHUNK_BYTES);
      if (chunk.length === 0) return;
      position += chunk.length;
      onBytes(position);
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
