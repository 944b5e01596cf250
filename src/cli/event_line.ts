import {
  type Envelope,
  EVENT_KINDS,
  type EventKind,
  fieldsOf,
  type FieldSpec,
  type MarketEvent,
} from "../model/mod.ts";

/** An event read from an NDJSON line, or why the line is none. */
export type ReadEventLine =
  | { readonly ok: true; readonly envelope: Envelope; readonly collector: string | null }
  | { readonly ok: false; readonly reason: string };

/** Reads a line of an NDJSON sink, as `eventJson` writes it. */
export function readEventLine(line: string): ReadEventLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : "it is not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, reason: "it is not an object" };
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const kind = EVENT_KINDS.find((known) => known === fields.kind);
  if (kind === undefined) {
    return { ok: false, reason: `kind is ${JSON.stringify(fields.kind)}, which is no kind of events` };
  }
  const wrong = firstWrong(fields, kind);
  if (wrong !== null) return { ok: false, reason: `${wrong} is ${JSON.stringify(fields[wrong]) ?? "missing"}` };
  const event: Record<string, unknown> = { kind };
  for (const [name] of fieldsOf(kind)) event[name] = fields[name];
  const { exchange, symbol, native_symbol, exchange_ts, received_ts, session, offset, index } = fields;
  const head = { exchange, symbol, native_symbol, exchange_ts, received_ts, session, offset, index } as Omit<
    Envelope,
    "event"
  >;
  const envelope = {
    ...head,
    ...(fields.backfilled === true ? { backfilled: true as const } : {}),
    event: event as unknown as MarketEvent,
  };
  return { ok: true, envelope, collector: typeof fields.collector === "string" ? fields.collector : null };
}

const TEXTS = ["exchange", "symbol", "native_symbol"];
const NUMBERS = ["received_ts", "session", "offset", "index"];

/** Returns the name of the first invalid field; null if there is none. */
function firstWrong(fields: Readonly<Record<string, unknown>>, kind: EventKind): string | null {
  for (const name of TEXTS) if (typeof fields[name] !== "string") return name;
  for (const name of NUMBERS) if (!Number.isSafeInteger(fields[name])) return name;
  if (fields.exchange_ts !== null && !Number.isSafeInteger(fields.exchange_ts)) return "exchange_ts";
  for (const [name, spec] of fieldsOf(kind)) if (!isOf(fields[name], spec)) return name;
  return null;
}

function isOf(value: unknown, { type, nullable }: FieldSpec): boolean {
  if (value === null) return nullable;
  switch (type) {
    case "micros":
      return Number.isSafeInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "levels":
      return Array.isArray(value) &&
        value.every((level) =>
          Array.isArray(level) && level.length === 2 && level.every((part) => typeof part === "string")
        );
    default:
      return typeof value === "string";
  }
}
