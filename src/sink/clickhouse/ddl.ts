import { columnsOf, isLevelTable, type RowIdentity, type TableColumn, type TableName } from "../table_rows.ts";
import { tableName, type TableNaming } from "../table_keys.ts";

/** A column in ClickHouse. */
export interface ClickhouseColumn {
  readonly name: string;
  readonly type: string;
  /** Type and index of its values in a row. */
  readonly holds: "text" | "number" | "double" | "time" | "boolean";
  readonly at: number;
}

/** A table of events for this sink. */
export interface ClickhouseTable {
  readonly name: string;
  readonly columns: readonly ClickhouseColumn[];
  /** Index of the time column that partitions the table. */
  readonly timeAt: number;
  readonly time: string;
  /** Sorting key, by which rows are replaced. */
  readonly key: readonly string[];
}

export interface ClickhouseLayout extends TableNaming {
  readonly identity: RowIdentity;
  readonly exact_digits: boolean;
  readonly partition_by: "day" | "month";
  readonly ttl?: string | undefined;
  readonly engine: string;
}

/** Number of insert tokens that a table remembers. */
const TOKENS_KEPT = 10_000;

/** Returns the name of the table with a row for each sink of each journal. */
export function positionTable({ table_prefix }: TableNaming): string {
  return `${table_prefix}collector_position`;
}

/** Returns a table for this sink. */
export function clickhouseTable(table: TableName, layout: ClickhouseLayout): ClickhouseTable {
  const { identity, exact_digits } = layout;
  const time = identity === "content" ? "event_ts" : "received_ts";
  const all = columnsOf(table, identity);
  const columns = all.flatMap((column, at): readonly ClickhouseColumn[] => {
    const own = { ...typeOf(column), name: column.name, at };
    if (!exact_digits || column.type !== "decimal") return [own];
    const type = column.nullable ? "Nullable(String)" : "String";
    return [own, { name: `${column.name}_text`, type, holds: "text", at }];
  });
  const own = identity === "content" ? ["content_id"] : ["collector", "offset", "index"];
  return {
    name: tableName(table, layout),
    columns,
    timeAt: all.findIndex(({ name }) => name === time),
    time,
    key: ["exchange", "symbol", time, ...own, ...(isLevelTable(table) ? ["position"] : [])],
  };
}

function typeOf({ name, type, nullable }: TableColumn): Pick<ClickhouseColumn, "type" | "holds"> {
  const maybe = (plain: string) => nullable ? `Nullable(${plain})` : plain;
  switch (type) {
    case "word":
      return { type: `LowCardinality(${maybe("String")})`, holds: "text" };
    case "text":
      return { type: maybe("String"), holds: "text" };
    case "decimal":
      return { type: maybe("Float64"), holds: "double" };
    case "integer":
      return { type: name === "offset" ? "Int64 CODEC(DoubleDelta, ZSTD(1))" : maybe("Int64"), holds: "number" };
    case "timestamp":
      return {
        type: nullable ? "Nullable(DateTime64(6, 'UTC'))" : "DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1))",
        holds: "time",
      };
    case "boolean":
      return { type: maybe("Bool"), holds: "boolean" };
  }
}

/** Returns the statement that makes a table. The index on offsets makes the look at the end of a table cheap. */
export function createTable(table: ClickhouseTable, layout: ClickhouseLayout): string {
  const lines = table.columns.map((column) => `  ${quoted(column.name)} ${column.type}`);
  const ttl = layout.ttl === undefined ? "" : `\nTTL toDateTime(${table.time}) + INTERVAL ${layout.ttl.toUpperCase()}`;
  const settings = layout.engine === "ReplacingMergeTree"
    ? `\nSETTINGS non_replicated_deduplication_window = ${TOKENS_KEPT}`
    : "";
  return `CREATE TABLE IF NOT EXISTS ${quoted(table.name)} (\n${
    [...lines, "  INDEX by_offset `offset` TYPE minmax GRANULARITY 1"].join(",\n")
  }\n) ENGINE = ${layout.engine}\nPARTITION BY ${partitionExpression(table, layout)}\nORDER BY (${
    table.key.map(quoted).join(", ")
  })${ttl}${settings}`;
}

/** Returns the statement that makes the table of positions: the furthest row of each sink and journal counts. */
export function createPositionTable(layout: ClickhouseLayout): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(positionTable(layout))} (
  \`sink\` String,
  \`journal\` String,
  \`collector\` String,
  \`next_offset\` Int64,
  \`updated_at\` DateTime64(6, 'UTC')
) ENGINE = ${layout.engine === "ReplacingMergeTree" ? "ReplacingMergeTree(updated_at)" : layout.engine}
ORDER BY (\`sink\`, \`journal\`)`;
}

/** Returns what tells the partition of a row. */
export function partitionExpression({ time }: ClickhouseTable, layout: ClickhouseLayout): string {
  return `${layout.partition_by === "day" ? "toYYYYMMDD" : "toYYYYMM"}(${quoted(time)})`;
}

/** Quotes an identifier. */
export function quoted(name: string): string {
  return `\`${name}\``;
}

/** Quotes a text. */
export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
