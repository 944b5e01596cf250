import { createGunzip } from "node:zlib";
import { Failure } from "../model/mod.ts";
import { parseRecordingLine, type RecordedLine } from "./recording.ts";

/** Records of a journal that no recording has; whoever plays frames back passes over them. */
const NOTE = /^\{"t":\d+,"dir":"note",/;
/** Longest line in characters; a longer one is refused, because no exchange sends such a frame. */
const LINE_CHARS_MAX = 64 * 1024 * 1024;

/**
 * Reads a recording, gzip or plain, piece by piece: memory holds one line and one piece. `name` is for messages. Throws
 * a `Failure` of code `corrupt` that names the line where a line is not a record or the compressed data is damaged.
 */
export async function* readRecording(chunks: AsyncIterable<Uint8Array>, name: string): AsyncIterable<RecordedLine> {
  for await (const { line, number } of readRecordingLines(chunks, name)) {
    if (NOTE.test(line)) continue;
    const result = parseRecordingLine(line);
    if (!result.ok) throw new Failure("corrupt", `Cannot read ${name}:${number}: ${result.reason}`, { retry: false });
    yield result.record;
  }
}

/** The lines of a recording that are not empty, with their numbers from 1. */
export async function* readRecordingLines(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncIterable<{ readonly line: string; readonly number: number }> {
  let number = 0;
  for await (const line of splitLines(unzipped(chunks, name), name)) {
    number++;
    if (line !== "" && line !== "\r") yield { line, number };
  }
}

/** The pieces as they are, or unpacked where the first two bytes are those of gzip (RFC 1952 section 2.3.1). */
async function* unzipped(chunks: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const all = (async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* all;
    return;
  }
  const gunzip = createGunzip();
  // A write that is cut off by destroy() is never called back.
  const closed = new Promise<void>((resolve) => gunzip.once("close", () => resolve()));
  let sourceFailed = false;
  const feeding = (async () => {
    for await (const chunk of all) {
      await Promise.race([closed, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))]);
      if (gunzip.destroyed) return;
    }
    gunzip.end();
  })().catch((cause: unknown) => {
    sourceFailed = true;
    gunzip.destroy(cause instanceof Error ? cause : new Error(String(cause)));
  });
  try {
    for await (const piece of gunzip) yield piece;
  } catch (cause) {
    if (sourceFailed) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure("corrupt", `Cannot unpack ${name}: ${reason}`, { retry: false, cause });
  } finally {
    gunzip.destroy();
    await feeding;
  }
}

async function* splitLines(chunks: AsyncIterable<Uint8Array>, name: string): AsyncIterable<string> {
  // A byte order mark that the file begins with is no part of its first line.
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LINE_CHARS_MAX) {
      throw new Failure("corrupt", `Cannot read ${name}: a line is longer than ${LINE_CHARS_MAX} characters`, {
        retry: false,
      });
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
