import type { Host } from "../host/mod.ts";
import { Failure, type JournalRecord, type Offset } from "../model/mod.ts";
import type { PlacedRecord } from "./recorded_records.ts";
import { readRecordingText } from "./recording.ts";

/** Kinds of records that a line may have. */
const KINDS: ReadonlySet<string> = new Set(
  [
    "opened",
    "frame",
    "http",
    "acked",
    "streams",
    "rejected",
    "stalled",
    "closed",
    "dropped",
    "plan",
    "clock",
    "share",
    "checkpoint",
  ] satisfies JournalRecord["kind"][],
);

/** The keys of a journal's line beside those of every recording. */
interface JournalLine {
  readonly offset: Offset;
  readonly record: Record<string, unknown> & { readonly kind: string };
  readonly data?: string;
  readonly bin?: string;
}

/**
 * Returns a record as a line of a recording (JSON without the line feed), without loss: `replay` reads the same record
 * back. Records that recordings do not have become lines of `dir` `note`. `exchange` is the frame's instance; null if
 * unknown.
 */
export function formatJournalLine(offset: Offset, record: JournalRecord, exchange: string | null): string {
  const { at: t } = record;
  switch (record.kind) {
    case "opened":
      return JSON.stringify({ t, dir: "open", url: record.url, offset, exchange, session: offset, record });
    case "frame": {
      const { payload, ...rest } = record;
      const { session } = record;
      return JSON.stringify({
        t,
        dir: "in",
        ...bytesBody(payload, record.binary),
        offset,
        exchange,
        session,
        record: rest,
      });
    }
    case "http": {
      const { body, ...rest } = record;
      const { url, session } = record;
      return JSON.stringify({
        t,
        dir: "http",
        url,
        ...bytesBody(body, false),
        offset,
        exchange,
        session,
        record: rest,
      });
    }
    case "closed":
      return JSON.stringify({ t, dir: "close", offset, exchange, session: record.session, record });
    default:
      return JSON.stringify({ t, dir: "note", offset, record });
  }
}

/** Whether a file holds the lines of a journal: its first line has an offset and a record. */
export async function holdsJournalLines(host: Host, path: string): Promise<boolean> {
  for await (const { line } of readRecordingText(host, path)) return parseLine(line) !== null;
  return false;
}

/** Reads a journal's lines back. Throws a `Failure` (`corrupt`) that names the first line that is none. */
export async function* readJournalLines(
  host: Host,
  path: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncIterable<PlacedRecord> {
  for await (const { line, number } of readRecordingText(host, path, onBytes)) {
    const parsed = parseLine(line);
    if (parsed === null) {
      throw new Failure("corrupt", `Cannot read ${path}:${number}: it holds no record of a journal`, { retry: false });
    }
    yield { offset: parsed.offset, record: recordOf(parsed) };
  }
}

function parseLine(line: string): JournalLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== "object" || value === null || !("offset" in value) || !("record" in value)) return null;
  const { offset, record } = value;
  if (!Number.isSafeInteger(offset) || typeof record !== "object" || record === null || !("kind" in record)) {
    return null;
  }
  return typeof record.kind === "string" && KINDS.has(record.kind) ? value as JournalLine : null;
}

/** Rebuilds a record; its fields were written by `formatJournalLine`. */
function recordOf({ record, data, bin }: JournalLine): JournalRecord {
  const bytes = bin === undefined
    ? new TextEncoder().encode(data ?? "")
    : Uint8Array.from(atob(bin), (c) => c.charCodeAt(0));
  const bare: unknown = record.kind === "frame"
    ? { ...record, payload: bytes }
    : record.kind === "http"
    ? { ...record, body: bytes }
    : record;
  return bare as JournalRecord;
}

/** Returns bytes as text, or as base64 if they were binary or are not UTF-8. */
export function bytesBody(bytes: Uint8Array, binary: boolean): { readonly data: string } | { readonly bin: string } {
  if (!binary) {
    try {
      return { data: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    } catch {
      // Not UTF-8: base64 keeps every byte.
    }
  }
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { bin: btoa(text) };
}
