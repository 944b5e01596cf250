import {
  type Envelope,
  EVENT_KINDS,
  type EventKind,
  Failure,
  fieldsOf,
  type FieldSpec,
  hasLevels,
  type Level,
  type MarketEvent,
} from "../model/mod.ts";
import type { SourcedEvent } from "./event_merger.ts";
import type { Value } from "./parquet_source.ts";

/** An event with the collector named in its row; null if none is. */
export interface StoredEvent extends Omit<SourcedEvent, "collector"> {
  readonly collector: string | null;
}

/** Columns of a file, with all rows. */
type Columns = ReadonlyMap<string, readonly Value[]>;

const PART = /(?:^|\/)kind=([^/]+)\/exchange=([^/]+)\/(?:symbol=[^/]+\/)?date=([^/]+)\/[^/]+\.parquet$/;

/** What the path of an archive's file says. */
export interface PartPlace {
  readonly kind: EventKind;
  readonly exchange: string;
  readonly date: string;
}

/** Reads the path of an archive's file. Throws a `Failure` if it is none. */
export function placeOf(path: string): PartPlace {
  const [, kindName, exchange, date] = PART.exec(path) ?? [];
  const kind = EVENT_KINDS.find((known) => known === kindName);
  if (kind === undefined) {
    throw new Failure("file", `Cannot read ${path}: its path is not kind=…/exchange=…/date=…`, { retry: false });
  }
  return { kind, exchange: decodeURIComponent(exchange), date };
}

/**
 * Returns the events of a group of rows, as its rows stand. Levels of books become one event again. Prices and sizes
 * have the exchange's digits where the file holds them, else the shortest that give the DOUBLE.
 */
export function eventsOf(
  columns: Columns,
  { kind, exchange, rows }: { readonly kind: EventKind; readonly exchange: string; readonly rows: number },
): StoredEvent[] {
  const value = (name: string, row: number) => columns.get(name)?.[row] ?? null;
  const text = (name: string, row: number) => String(value(name, row) ?? "");
  const events: StoredEvent[] = [];
  for (let row = 0; row < rows;) {
    const [offset, index] = [Number(value("offset", row)), Number(value("index", row))];
    let end = row + 1;
    while (
      hasLevels(kind) && end < rows && Number(value("offset", end)) === offset && Number(value("index", end)) === index
    ) end++;
    const event: Record<string, unknown> = { kind };
    for (const [name, spec] of fieldsOf(kind)) {
      event[name] = spec.type === "levels"
        ? levelsOf(columns, name === "bids" ? "bid" : "ask", row, end)
        : fieldOf(columns, name, spec, row);
    }
    const exchangeTs = value("exchange_ts", row);
    const collector = value("collector", row);
    const envelope: Envelope = {
      exchange,
      symbol: text(columns.has("canonical_symbol") ? "canonical_symbol" : "symbol", row),
      native_symbol: text("native_symbol", row),
      exchange_ts: exchangeTs === null ? null : Number(exchangeTs),
      received_ts: Number(value("received_ts", row)),
      session: Number(value("session", row)),
      offset,
      index,
      ...(value("backfilled", row) === true ? { backfilled: true as const } : {}),
      event: event as unknown as MarketEvent,
    };
    events.push({ collector: collector === null ? null : String(collector), envelope });
    row = end;
  }
  return events;
}

function levelsOf(columns: Columns, side: "bid" | "ask", start: number, end: number): Level[] {
  const levels: Level[] = [];
  for (let row = start; row < end; row++) {
    if (columns.get("side")?.[row] !== side) continue;
    levels.push([digitsOf(columns, "price", row) ?? "0", digitsOf(columns, "size", row) ?? "0"]);
  }
  return levels;
}

function fieldOf(columns: Columns, name: string, { type }: FieldSpec, row: number): Value {
  if (type === "decimal") return digitsOf(columns, name, row);
  const value = columns.get(name)?.[row] ?? null;
  return value === null || type === "micros" || type === "boolean" ? value : String(value);
}

/** The exact digits, if the file holds them. */
function digitsOf(columns: Columns, name: string, row: number): string | null {
  const value = columns.get(`${name}_text`)?.[row] ?? columns.get(name)?.[row] ?? null;
  return value === null ? null : String(value);
}

/** Returns two parts of one event with levels as one; null if they are two events. */
export function joinedEvents(first: StoredEvent, second: StoredEvent): StoredEvent | null {
  const [{ envelope: a }, { envelope: b }] = [first, second];
  if (a.offset !== b.offset || a.index !== b.index || !("bids" in a.event) || !("bids" in b.event)) return null;
  const event = { ...a.event, bids: [...a.event.bids, ...b.event.bids], asks: [...a.event.asks, ...b.event.asks] };
  return { ...first, envelope: { ...a, event } };
}
