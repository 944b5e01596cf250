import {
  columnsOf,
  type ColumnType,
  isLevelTable,
  type RowIdentity,
  type TableColumn,
  type TableName,
} from "../table_rows.ts";
import { tableName, type TableNaming } from "../table_keys.ts";

/** How PostgreSQL spells each type of column. `numeric` keeps every digit. */
export const POSTGRES_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "text",
  word: "text",
  decimal: "numeric",
  timestamp: "timestamptz",
  integer: "bigint",
  boolean: "boolean",
};

/**
 * Returns the name of the table with a row for each sink of each journal: up to where it has delivered, and who may go
 * on.
 */
export function positionTable({ table_prefix }: TableNaming): string {
  return `${table_prefix}collector_position`;
}

/** A table of events as this sink wants it. */
export interface PostgresTable {
  readonly table: TableName;
  /** Name in the schema, not quoted. */
  readonly name: string;
  readonly columns: readonly TableColumn[];
  /** The columns of its unique index; null if it needs none. */
  readonly unique: readonly string[] | null;
  /** The column by which a hypertable is cut into chunks. */
  readonly timeColumn: string;
}

export interface PostgresLayout extends TableNaming {
  readonly schema: string;
  readonly identity: RowIdentity;
}

/** Returns what the sink wants of a table. */
export function postgresTable(table: TableName, layout: PostgresLayout): PostgresTable {
  const { identity } = layout;
  const timeColumn = identity === "content" ? "event_ts" : "received_ts";
  return {
    table,
    name: tableName(table, layout),
    columns: columnsOf(table, identity),
    // A unique index of a hypertable has to hold the column of time.
    unique: identity === "content" ? ["content_id", ...(isLevelTable(table) ? ["position"] : []), timeColumn] : null,
    timeColumn,
  };
}

/** Returns the statements that make a table with its indexes. */
export function createTable({ name, columns, unique, timeColumn }: PostgresTable, schema: string): readonly string[] {
  const target = `${quoted(schema)}.${quoted(name)}`;
  const lines = columns.map((column) =>
    `  ${quoted(column.name)} ${POSTGRES_TYPES[column.type]}${column.nullable ? "" : " not null"}`
  );
  const index = `create index on ${target} (exchange, symbol, ${quoted(timeColumn)})`;
  return [
    `create table ${target} (\n${lines.join(",\n")}\n)`,
    index,
    ...(unique === null ? [] : [`create unique index on ${target} (${unique.map(quoted).join(", ")})`]),
  ];
}

/** Returns the statement that turns a new table into a hypertable of TimescaleDB. */
export function createHypertable({ name, timeColumn }: PostgresTable, { schema, chunk }: {
  readonly schema: string;
  readonly chunk: string;
}): string {
  const target = literal(`${quoted(schema)}.${quoted(name)}`);
  return `select create_hypertable(${target}, ${literal(timeColumn)}, chunk_time_interval => interval ${
    literal(chunk)
  })`;
}

/** Returns the statement that makes the table of positions. */
export function createPositionTable(layout: PostgresLayout): string {
  return `create table ${quoted(layout.schema)}.${quoted(positionTable(layout))} (
  sink text not null,
  journal uuid not null,
  collector text not null,
  next_offset bigint not null,
  epoch bigint not null,
  updated_at timestamptz not null,
  primary key (sink, journal)
)`;
}

/** An identifier in quotes. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in quotes. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
