import type { Micros } from "../model/mod.ts";

/** A connection was opened: what follows belongs to it. */
export interface RecordedOpen {
  readonly dir: "open";
  readonly t: Micros;
  readonly url: string;
  /** The record itself was not in the source, but reconstructed. */
  readonly inferred: boolean;
}

/** A frame: `in` from the exchange, `out` from the client. The payload is byte for byte what was on the wire. */
export interface RecordedFrame {
  readonly dir: "in" | "out";
  readonly t: Micros;
  readonly binary: boolean;
  readonly payload: Uint8Array;
}

/** A REST answer, of status 200 where the recorder kept none. */
export interface RecordedHttp {
  readonly dir: "http";
  readonly t: Micros;
  readonly url: string;
  readonly payload: Uint8Array;
  readonly inferred: boolean;
}

/** A connection was closed. */
export interface RecordedClose {
  readonly dir: "close";
  readonly t: Micros;
}

/** One line of a recording; `t` is the recorder's local time. */
export type RecordedLine = RecordedOpen | RecordedFrame | RecordedHttp | RecordedClose;

/** A record, or what is wrong with the line. */
export type ParsedLine =
  | { readonly ok: true; readonly record: RecordedLine }
  | { readonly ok: false; readonly reason: string };

const ENCODER = new TextEncoder();
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads one line of a recording (JSON without the line feed). Unknown keys are ignored. */
export function parseRecordingLine(line: string): ParsedLine {
  let body: unknown;
  try {
    body = JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return bad("it is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) return bad("a record is a JSON object");
  const fields = new Map<string, unknown>(Object.entries(body));
  const t = fields.get("t");
  if (typeof t !== "number" || !Number.isSafeInteger(t) || t < 0) return bad('"t" is not a count of microseconds');
  const dir = fields.get("dir");
  const inferred = fields.get("inferred") === true;
  switch (dir) {
    case "close":
      return { ok: true, record: { dir, t } };
    case "open": {
      const url = fields.get("url");
      if (typeof url !== "string") return bad('"open" has no "url"');
      return { ok: true, record: { dir, t, url, inferred } };
    }
    case "in":
    case "out": {
      const payload = readPayload(fields);
      if (payload === null) return bad(`"${dir}" has neither "data" nor "bin" as text`);
      return { ok: true, record: { dir, t, binary: fields.has("bin"), payload } };
    }
    case "http": {
      const url = fields.get("url");
      const payload = readPayload(fields);
      if (typeof url !== "string" || payload === null) return bad('"http" has no "url" or no "data"');
      return { ok: true, record: { dir, t, url, payload, inferred } };
    }
    default:
      return bad(`"dir" is ${JSON.stringify(dir)}, expected open, in, out, http or close`);
  }
}

/** Writes a record as a line, without the line feed; the inverse of `parseRecordingLine` for all frames of valid UTF-8. */
export function formatRecordingLine(record: RecordedLine): string {
  const head = { t: record.t, dir: record.dir };
  switch (record.dir) {
    case "close":
      return JSON.stringify(head);
    case "open":
      return JSON.stringify({ ...head, url: record.url, ...(record.inferred ? { inferred: true } : {}) });
    case "in":
    case "out":
      return JSON.stringify({ ...head, ...formatPayload(record.payload, record.binary) });
    case "http":
      return JSON.stringify({
        ...head,
        url: record.url,
        ...formatPayload(record.payload, false),
        ...(record.inferred ? { inferred: true } : {}),
      });
  }
}

function readPayload(fields: ReadonlyMap<string, unknown>): Uint8Array | null {
  const data = fields.get("data");
  if (typeof data === "string") return ENCODER.encode(data);
  const bin = fields.get("bin");
  if (typeof bin !== "string" || !BASE64.test(bin)) return null;
  return Uint8Array.from(atob(bin), (char) => char.charCodeAt(0));
}

function formatPayload(payload: Uint8Array, binary: boolean): { readonly data: string } | { readonly bin: string } {
  if (!binary) return { data: new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) };
  let text = "";
  for (const byte of payload) text += String.fromCharCode(byte);
  return { bin: btoa(text) };
}

function bad(reason: string): ParsedLine {
  return { ok: false, reason };
}
