import { z } from "zod";
import { type TableName, TABLES } from "./table_rows.ts";

const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/).max(63).meta({
  title: "a name of letters, digits, `_` and `-` that begins with a letter or `_`",
});

/** Keys of every sink that writes rows into tables. */
export const TABLE_KEYS = {
  table_prefix: z.string().regex(/^[A-Za-z0-9_-]*$/).max(32).default("").describe(
    "Text before the name of every table",
  ),
  table_names: z.partialRecord(z.enum(TABLES), identifier).default({}).describe(
    'Other names of tables, such as `{ trade = "trades", book = "l2_book" }`; the prefix stands before them too',
  ),
  identity: z.enum(["position", "content"]).default("position").describe(
    "What makes a row the same row: `position` is its place in this collector's journal; `content` is what the event " +
      "says, so that several collectors of the same exchanges keep one copy",
  ),
  batch_rows: z.int().min(1).max(100_000).default(5_000).describe("Rows at which they are sent without waiting longer"),
  flush_ms: z.int().min(10).max(600_000).default(1_000).describe(
    "Longest time that an event waits before it is made safe at the destination, in milliseconds",
  ),
};

/** Values of the keys that name tables. */
export interface TableNaming {
  readonly table_prefix: string;
  readonly table_names: Readonly<Partial<Record<TableName, string>>>;
}

/** Returns the name that a table has at the destination. */
export function tableName(table: TableName, { table_prefix, table_names }: TableNaming): string {
  return `${table_prefix}${table_names[table] ?? table}`;
}
