import type { Files } from "../host/mod.ts";
import type { Pause } from "../lake/mod.ts";
import { EVENT_KINDS, type EventKind, Failure } from "../model/mod.ts";
import { CSV_TABLES } from "../sink/mod.ts";
import type { DayFile } from "./archive_days.ts";
import type { DayFacts } from "./day_facts.ts";
import { gapFactOf } from "./gap_fields.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Options of reading a text file of an archive. */
interface Reading {
  readonly file: DayFile;
  /** Bytes to read; later additions are ignored. */
  readonly bytes: number;
  readonly facts: DayFacts;
  /** Id of the archive's journal. */
  readonly journal: string;
  readonly pause: Pause;
}

/** Reads a file of the NDJSON sink into the facts of its exchanges. */
export async function readNdjsonFile(files: Files, dir: string, reading: Reading): Promise<void> {
  const { file, facts, journal } = reading;
  const path = `${dir}/${file.path}`;
  let number = 0;
  for await (const line of linesOf(files, path, reading)) {
    number++;
    const event = parseLine(line, `${path}:${number}`);
    const kind = EVENT_KINDS.find((known) => known === event.kind);
    if (kind === undefined) throw damaged(`${path}:${number}`, `it is no event: its kind is ${event.kind}`);
    const exchange = facts.of(String(event.exchange ?? ""));
    exchange.journals.add(journal);
    if (kind === "gap") {
      exchange.gap(gapFactOf(event, `${path}:${number}`));
      continue;
    }
    const stream = exchange.stream(kind, String(event.symbol ?? ""));
    stream.count(kind, true, event.backfilled === true);
    if (event.backfilled !== true && kind !== "book_top") stream.saw(Number(event.received_ts), journal);
  }
}

/** Reads a file of the CSV sink into the facts of its exchange. */
export async function readCsvFile(files: Files, dir: string, reading: Reading): Promise<void> {
  const { file, facts, journal } = reading;
  const path = `${dir}/${file.path}`;
  const [kind] = file.kinds;
  let header: readonly string[] | null = null;
  let number = 0;
  for await (const record of recordsOf(linesOf(files, path, reading))) {
    number++;
    if (header === null) {
      header = record;
      continue;
    }
    if (record.length !== header.length) {
      throw damaged(`${path}:${number}`, `it has ${record.length} of ${header.length} fields`);
    }
    const fields = Object.fromEntries(header.map((name, at) => [name, record[at]]));
    const exchange = facts.of(fields.exchange);
    exchange.journals.add(journal);
    if (kind === "gap") {
      const { from_timestamp: from_ts, to_timestamp: to_ts } = fields;
      exchange.gap(
        gapFactOf({ ...fields, from_ts, to_ts, offset: Date.parse(file.date), index: number }, `${path}:${number}`),
      );
      continue;
    }
    const own: EventKind = kind === "book_snapshot" && fields.is_snapshot === "false" ? "book_delta" : kind;
    const stream = exchange.stream(own, fields.symbol);
    const isLate = fields.backfilled === "true";
    stream.count(own, CSV_TABLES[own].columns.includes("side") && own.startsWith("book") ? null : true, isLate);
    if (!isLate && own !== "book_top") stream.saw(Number(fields.local_timestamp), journal);
  }
}

function parseLine(line: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw damaged(where, "it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(where, "it is no object");
  return { ...value };
}

function damaged(where: string, why: string): Failure {
  return new Failure("corrupt", `Cannot read ${where}: ${why}`, { retry: false });
}

/** Yields the lines of a file, without line breaks. */
async function* linesOf(files: Files, path: string, { bytes, pause }: Reading): AsyncGenerator<string> {
  const handle = await files.open(path, "read");
  try {
    const decoder = new TextDecoder();
    let rest = "";
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      const block = await handle.readAt(at, Math.min(BLOCK_BYTES, bytes - at));
      const lines = (rest + decoder.decode(block, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      await pause();
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  } finally {
    await handle.close();
  }
}

/** Yields CSV records (RFC 4180): a quoted field may hold commas, quotes and line breaks. */
async function* recordsOf(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let open = "";
  for await (const line of lines) {
    const text = open === "" ? line : `${open}\n${line}`;
    // A record is complete if its quotes are even.
    if (text.includes('"') && (text.split('"').length - 1) % 2 === 1) {
      open = text;
      continue;
    }
    open = "";
    yield text.includes('"') ? quotedFields(text) : text.split(",");
  }
  if (open !== "") yield quotedFields(open);
}

function quotedFields(text: string): readonly string[] {
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      if (isQuoted && text[at + 1] === '"') {
        field += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (character === "," && !isQuoted) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  fields.push(field);
  return fields;
}
