import { columnsOf, isLevelTable, type RowIdentity, type TableColumn, type TableName } from "../table_rows.ts";
import { tableName, type TableNaming } from "../table_keys.ts";

/** A column as QuestDB has it; `digits` holds the text of the decimal column before it. */
export interface QuestdbColumn {
  readonly name: string;
  readonly type: "SYMBOL" | "VARCHAR" | "DOUBLE" | "LONG" | "TIMESTAMP" | "BOOLEAN";
  /** Place of its value in the row. */
  readonly at: number;
}

/** A table of events as this sink wants it. */
export interface QuestdbTable {
  readonly name: string;
  readonly columns: readonly QuestdbColumn[];
  readonly timestamp: QuestdbColumn;
  readonly key: readonly string[];
}

export interface QuestdbLayout extends TableNaming {
  readonly identity: RowIdentity;
  readonly exact_digits: boolean;
  readonly partition_by: string;
  readonly ttl?: string | undefined;
}

/** Returns the name of the table with a row for each sink of each journal. */
export function positionTable({ table_prefix }: TableNaming): string {
  return `${table_prefix}collector_position`;
}

/** Returns what the sink wants of a table. */
export function questdbTable(table: TableName, layout: QuestdbLayout): QuestdbTable {
  const { identity, exact_digits } = layout;
  const time = identity === "content" ? "event_ts" : "received_ts";
  const columns = columnsOf(table, identity).flatMap((column, at) => {
    const own = { name: column.name, type: typeOf(column), at };
    return exact_digits && column.type === "decimal"
      ? [own, { name: `${column.name}_text`, type: "VARCHAR", at } as const]
      : [own];
  });
  const timestamp = columns.find(({ name }) => name === time);
  if (timestamp === undefined) throw new Error(`Table ${table} has no column ${time}`);
  const own = identity === "content" ? ["content_id"] : ["collector", "offset", "index"];
  const key = [time, ...own, ...(isLevelTable(table) ? ["position"] : [])];
  return { name: tableName(table, layout), columns, timestamp, key };
}

/** BOOLEAN has no null: a nullable column is a SYMBOL `true` or `false`. */
function typeOf({ type, nullable }: TableColumn): QuestdbColumn["type"] {
  switch (type) {
    case "word":
      return "SYMBOL";
    case "text":
      return "VARCHAR";
    case "decimal":
      return "DOUBLE";
    case "integer":
      return "LONG";
    case "timestamp":
      return "TIMESTAMP";
    case "boolean":
      return nullable ? "SYMBOL" : "BOOLEAN";
  }
}

/** Returns the statement that makes a table. */
export function createTable({ name, columns, timestamp, key }: QuestdbTable, layout: QuestdbLayout): string {
  const lines = columns.map((column) => `  "${column.name}" ${column.type}`);
  const ttl = layout.ttl === undefined ? "" : ` TTL ${layout.ttl.toUpperCase()}`;
  return `CREATE TABLE IF NOT EXISTS '${name}' (\n${lines.join(",\n")}\n) TIMESTAMP("${timestamp.name}") ` +
    `PARTITION BY ${layout.partition_by.toUpperCase()}${ttl} WAL DEDUP UPSERT KEYS(${
      key.map((column) => `"${column}"`).join(", ")
    })`;
}

/** Returns the statement that makes the table of positions: each sink of a journal is one row at time 0. */
export function createPositionTable(layout: TableNaming): string {
  return `CREATE TABLE IF NOT EXISTS '${positionTable(layout)}' (
  "sink" SYMBOL,
  "journal" SYMBOL,
  "collector" SYMBOL,
  "next_offset" LONG,
  "updated_at" TIMESTAMP,
  "ts" TIMESTAMP
) TIMESTAMP("ts") PARTITION BY YEAR WAL DEDUP UPSERT KEYS("ts", "sink", "journal")`;
}
