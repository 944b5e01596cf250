import type { Files } from "../host/mod.ts";
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
  MERGE_FILE_ROWS_MAX,
} from "../model/mod.ts";
import type { SourcedEvent } from "./event_merger.ts";
import { openSource, type Value } from "./parquet_source.ts";

/** An event with the collector that its row names; null if it names none. */
export interface StoredEvent extends Omit<SourcedEvent, "collector"> {
  readonly collector: string | null;
}

/** Columns of a file, all rows of each. */
type Columns = ReadonlyMap<string, readonly Value[]>;

const PART = /(?:^|\/)kind=([^/]+)\/exchange=([^/]+)\/(?:symbol=[^/]+\/)?date=[^/]+\/[^/]+\.parquet$/;

/**
 * Reads the events of a file of an archive whole, in the order of their records. Levels of books become one event
 * again. Prices and sizes have the exchange's digits where the file holds them, else the shortest that give the DOUBLE.
 * Rejects with a `Failure` if it is no file of an archive, is damaged, or has more than MERGE_FILE_ROWS_MAX rows.
 */
export async function readParquetEvents(files: Files, path: string): Promise<readonly StoredEvent[]> {
  const [, kindName, exchangeName] = PART.exec(path) ?? [];
  const kind = EVENT_KINDS.find((known) => known === kindName);
  if (kind === undefined) {
    throw new Failure("file", `Cannot read ${path}: its path is not kind=…/exchange=…/date=…`, { retry: false });
  }
  const source = await openSource(files, path);
  try {
    if (source.rows > MERGE_FILE_ROWS_MAX) {
      const words =
        `it has ${source.rows} rows, and is read whole up to ${MERGE_FILE_ROWS_MAX}; merge the journals instead`;
      throw new Failure("file", `Cannot read ${path}: ${words}`, { retry: false });
    }
    const events: StoredEvent[] = [];
    for (const group of source.groups) {
      const columns = new Map<string, readonly Value[]>();
      for (const { name } of source.columns) columns.set(name, await source.read(group, name));
      for (const event of eventsOf(columns, { kind, exchange: decodeURIComponent(exchangeName), rows: group.rows })) {
        const last = events.at(-1);
        // The levels of one event may stand in two groups.
        if (last !== undefined && isSame(last, event)) events[events.length - 1] = joined(last, event);
        else events.push(event);
      }
    }
    return events.sort(({ envelope: a }, { envelope: b }) => a.offset - b.offset || a.index - b.index);
  } finally {
    await source.close();
  }
}

function* eventsOf(
  columns: Columns,
  { kind, exchange, rows }: { readonly kind: EventKind; readonly exchange: string; readonly rows: number },
): Iterable<StoredEvent> {
  const value = (name: string, row: number) => columns.get(name)?.[row] ?? null;
  const text = (name: string, row: number) => String(value(name, row) ?? "");
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
    yield { collector: collector === null ? null : String(collector), envelope };
    row = end;
  }
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

/** The exact digits where the file holds them. */
function digitsOf(columns: Columns, name: string, row: number): string | null {
  const value = columns.get(`${name}_text`)?.[row] ?? columns.get(name)?.[row] ?? null;
  return value === null ? null : String(value);
}

function isSame({ envelope: a }: StoredEvent, { envelope: b }: StoredEvent): boolean {
  return a.offset === b.offset && a.index === b.index;
}

function joined(first: StoredEvent, second: StoredEvent): StoredEvent {
  const [a, b] = [first.envelope.event, second.envelope.event];
  if (!("bids" in a) || !("bids" in b)) return second;
  const event = { ...a, bids: [...a.bids, ...b.bids], asks: [...a.asks, ...b.asks] };
  return { ...first, envelope: { ...first.envelope, event } };
}
