import { CHANNELS, GROUP_NOTE_CHARS_MAX, type LastSeen, type Micros } from "../model/mod.ts";

/** The last event of a stream of an exchange instance. */
export interface NotedStream extends LastSeen {
  readonly exchange: string;
}

/** A member's note beside its entry, from which others backfill the gap if it dies. */
export interface MemberNote {
  /** Id of the journal. */
  readonly journal: string;
  /** Receive time up to which everything is safe in that journal, by the member's clock. */
  readonly at: Micros;
  readonly last: readonly NotedStream[];
}

/** Version of the note format. An unreadable note counts as absent. */
const VERSION = 1;

/** Encodes a note with a bounded length. Gaps of streams that do not fit are recorded and not backfilled. */
export function encodeNote({ journal, at, last }: MemberNote): string {
  const head = JSON.stringify({ v: VERSION, journal, at });
  const rows: string[] = [];
  let length = head.length;
  for (const { exchange, channel, symbol, id, ts } of last) {
    const row = JSON.stringify([exchange, channel, symbol, id, ts]);
    length += row.length + 1;
    if (length > GROUP_NOTE_CHARS_MAX) break;
    rows.push(row);
  }
  return `${head.slice(0, -1)},"last":[${rows.join(",")}]}`;
}

/** Decodes a note; null if the text is no note of this version. */
export function decodeNote(text: string): MemberNote | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { v, journal, at, last } = value as Readonly<Record<string, unknown>>;
  if (v !== VERSION || typeof journal !== "string" || !isMicros(at) || !Array.isArray(last)) return null;
  const streams = last.map(readStream);
  return streams.includes(null) ? null : { journal, at, last: streams.filter((stream) => stream !== null) };
}

function readStream(row: unknown): NotedStream | null {
  if (!Array.isArray(row)) return null;
  const [exchange, named, symbol, id, ts]: readonly unknown[] = row;
  const channel = CHANNELS.find((one) => one === named);
  if (channel === undefined || typeof exchange !== "string" || typeof symbol !== "string") return null;
  if ((id !== null && typeof id !== "string") || !isMicros(ts)) return null;
  return { exchange, channel, symbol, id, ts };
}

function isMicros(value: unknown): value is Micros {
  return typeof value === "number" && Number.isSafeInteger(value);
}
