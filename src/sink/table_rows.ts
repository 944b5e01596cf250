/**
 * Turns events into rows of tables. The tables and their columns derive from EVENT_SPECS; an engine only spells each
 * type of column.
 */
import {
  type Envelope,
  EVENT_KINDS,
  type EventKind,
  type EventOf,
  fieldsOf,
  type FieldSpec,
  type FieldType,
  hasLevels,
  type Level,
  type LevelsKind,
  type MarketEvent,
} from "../model/mod.ts";
import { contentId } from "./content_id.ts";

/** Type of a column. `word`: one of few texts. `timestamp`: µs since the epoch. `decimal`: text of digits. */
export type ColumnType = "text" | "word" | "decimal" | "timestamp" | "integer" | "boolean";

/** A column of a table. */
export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/** A value of a column: decimals and texts as text, times and integers as safe integers. */
export type Cell = string | number | boolean | null;

/** Values of a row in the order of the table's columns. */
export type Row = readonly Cell[];

/** Names of the tables: book snapshots and deltas share one, every other kind has its own. */
export type TableName = "book" | Exclude<EventKind, "book_snapshot" | "book_delta">;

/**
 * Identity of a row. `position`: journal offset, index and place in the event, so that each collector's events are its
 * own. `content`: the event's content, so that redundant collectors keep one copy; adds the columns `content_id` and
 * `event_ts`.
 */
export type RowIdentity = "position" | "content";

/** Returns the table of a kind. */
export function tableOf(kind: EventKind): TableName {
  return kind === "book_snapshot" || kind === "book_delta" ? "book" : kind;
}

/** All tables, in the order of EVENT_SPECS. */
export const TABLES: readonly TableName[] = [...new Set(EVENT_KINDS.map(tableOf))];

/** Returns the tables of some kinds, of all if that is null, in the order of EVENT_SPECS. */
export function tablesOf(kinds: readonly EventKind[] | null): readonly TableName[] {
  return kinds === null ? TABLES : TABLES.filter((table) => kindsOf(table).some((kind) => kinds.includes(kind)));
}

/** Whether the rows of a table are levels of books, several for each event. */
export function isLevelTable(table: TableName): boolean {
  return kindsOf(table).some(hasLevels);
}

const COMMON: readonly TableColumn[] = [
  { name: "exchange", type: "word", nullable: false },
  { name: "symbol", type: "word", nullable: false },
  { name: "native_symbol", type: "word", nullable: false },
  { name: "exchange_ts", type: "timestamp", nullable: true },
  { name: "received_ts", type: "timestamp", nullable: false },
  { name: "collector", type: "word", nullable: false },
  { name: "session", type: "integer", nullable: false },
  { name: "offset", type: "integer", nullable: false },
  { name: "index", type: "integer", nullable: false },
  { name: "backfilled", type: "boolean", nullable: false },
];

const CONTENT: readonly TableColumn[] = [
  { name: "content_id", type: "text", nullable: false },
  { name: "event_ts", type: "timestamp", nullable: false },
];

/**
 * Returns the columns of a table: the common ones, those of the identity, then the fields of its kinds. In tables of
 * levels `position` counts the rows of one event from 0, bids first, best first as the exchange lists them; an event
 * without levels is one row whose side, price and size are null.
 */
export function columnsOf(table: TableName, identity: RowIdentity): readonly TableColumn[] {
  const kinds = kindsOf(table);
  const own = new Map<string, TableColumn>();
  for (const kind of kinds) {
    for (const [name, spec] of fieldsOf(kind)) {
      if (spec.type === "levels") continue;
      const isShared = kinds.every((other) => fieldsOf(other).some(([field]) => field === name));
      own.set(name, { name, type: columnType(spec), nullable: spec.nullable || !isShared });
    }
  }
  const levels: readonly TableColumn[] = isLevelTable(table)
    ? [
      ...(kinds.length > 1 ? [{ name: "is_snapshot", type: "boolean", nullable: false } as const] : []),
      { name: "position", type: "integer", nullable: false },
      { name: "side", type: "word", nullable: true },
      ...(table === "book_top" ? [{ name: "level", type: "integer", nullable: true } as const] : []),
      { name: "price", type: "decimal", nullable: true },
      { name: "size", type: "decimal", nullable: true },
    ]
    : [];
  return [...COMMON, ...(identity === "content" ? CONTENT : []), ...levels, ...own.values()];
}

/** Returns the names of the columns that identify a row. */
export function keyOf(table: TableName, identity: RowIdentity): readonly string[] {
  const key = identity === "content" ? ["content_id"] : ["collector", "offset", "index"];
  return isLevelTable(table) ? [...key, "position"] : key;
}

/**
 * Returns what makes the rows of an event, with the values in the order of `columnsOf`. If the collector has no name,
 * as in a replay, the column is an empty text.
 */
export function rowMaker(
  { collector, identity }: { readonly collector: string | null; readonly identity: RowIdentity },
): (envelope: Envelope) => readonly Row[] {
  const name = collector ?? "";
  const fields = new Map(EVENT_KINDS.map((kind) => [kind, fieldReader(kind)]));
  const head = (envelope: Envelope): Cell[] => {
    const { exchange, symbol, native_symbol, exchange_ts, received_ts, session, offset, index } = envelope;
    const isBackfilled = envelope.backfilled === true;
    const place = [session, offset, index, isBackfilled];
    const cells = [exchange, symbol, native_symbol, exchange_ts, received_ts, name, ...place];
    if (identity === "position") return cells;
    return [...cells, contentId(envelope) ?? `${name}.${offset}.${index}`, exchange_ts ?? received_ts];
  };
  return (envelope) => {
    const { event } = envelope;
    const own = fields.get(event.kind)?.(event) ?? [];
    const common = head(envelope);
    if (!("bids" in event)) return [[...common, ...own]];
    if (event.kind !== "book_top") common.push(event.kind === "book_snapshot");
    return levelRows(event, common, own);
  };
}

function levelRows(event: EventOf<LevelsKind>, common: readonly Cell[], own: readonly Cell[]) {
  const isTop = event.kind === "book_top";
  const rows: Row[] = [];
  const append = (side: string, levels: readonly Level[]) => {
    for (const [at, [price, size]] of levels.entries()) {
      rows.push([...common, rows.length, side, ...(isTop ? [at + 1] : []), price, size, ...own]);
    }
  };
  append("bid", event.bids);
  append("ask", event.asks);
  if (rows.length === 0) rows.push([...common, 0, null, ...(isTop ? [null] : []), null, null, ...own]);
  return rows;
}

/** Reads the fields of a kind in the order of its table's columns; those of the table's other kinds are null. */
function fieldReader(kind: EventKind): (event: MarketEvent) => Cell[] {
  const names = new Set(
    kindsOf(tableOf(kind)).flatMap((shared) =>
      fieldsOf(shared).filter(([, { type }]) => type !== "levels").map(([name]) => name)
    ),
  );
  const known = new Set(fieldsOf(kind).map(([name]) => name));
  const read = [...names].map((name) => known.has(name) ? name : null);
  return (event) => {
    const fields = event as unknown as Readonly<Record<string, Cell>>;
    return read.map((name) => name === null ? null : fields[name]);
  };
}

function kindsOf(table: TableName): readonly EventKind[] {
  return EVENT_KINDS.filter((kind) => tableOf(kind) === table);
}

const COLUMN_TYPES: Readonly<Record<Exclude<FieldType, "levels">, ColumnType>> = {
  id: "text",
  text: "text",
  payload: "text",
  word: "word",
  side: "word",
  channel: "word",
  gap_state: "word",
  gap_cause: "word",
  decimal: "decimal",
  micros: "timestamp",
  boolean: "boolean",
};

function columnType({ type }: FieldSpec): ColumnType {
  if (type === "levels") throw new Error("Cannot put levels into one column");
  return COLUMN_TYPES[type];
}
