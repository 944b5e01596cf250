import type { Cell, ColumnType, Row } from "../table_rows.ts";
import { type PostgresTable, quoted } from "./ddl.ts";

/** The type of the array that carries a column's values; times travel as µs. */
const ARRAY_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "text",
  word: "text",
  decimal: "numeric",
  timestamp: "bigint",
  integer: "bigint",
  boolean: "boolean",
};

/** Largest exponent, in either direction, that `numeric` surely takes. */
const EXPONENT_MAX = 1000;

/** Rows of one table, kept by column: each becomes one array of an `insert … select from unnest(…)`. */
export class ColumnBuffer {
  readonly #table: PostgresTable;
  readonly #columns: Cell[][];
  rows = 0;

  constructor(table: PostgresTable) {
    this.#table = table;
    this.#columns = table.columns.map(() => []);
  }

  append(row: Row): void {
    for (let at = 0; at < row.length; at++) this.#columns[at].push(storable(row[at], this.#table.columns[at].type));
    this.rows++;
  }

  /** Returns the values of some rows, an array a column. */
  slice(from: number, to: number): readonly (readonly Cell[])[] {
    return this.#columns.map((column) => column.slice(from, to));
  }
}

/** Returns the statement that inserts arrays of a table's columns. */
export function insertStatement({ name, columns, unique }: PostgresTable, schema: string): string {
  const names = columns.map((column) => quoted(column.name));
  const values = columns.map(({ type }, at) =>
    type === "timestamp" ? `timestamptz 'epoch' + c${at} * interval '1 microsecond'` : `c${at}`
  );
  const arrays = columns.map(({ type }, at) => `$${at + 1}::${ARRAY_TYPES[type]}[]`);
  const aliases = columns.map((_, at) => `c${at}`);
  const conflict = unique === null ? "" : ` on conflict (${unique.map(quoted).join(", ")}) do nothing`;
  return `insert into ${quoted(schema)}.${quoted(name)} (${names.join(", ")}) select ${values.join(", ")} ` +
    `from unnest(${arrays.join(", ")}) as given(${aliases.join(", ")})${conflict}`;
}

/** PostgreSQL has no NUL in texts: it becomes U+FFFD. A number beyond all measure becomes `NaN`, which `numeric` has. */
function storable(cell: Cell, type: ColumnType): Cell {
  if (typeof cell !== "string") return cell;
  if (type !== "decimal") return cell.includes("\0") ? cell.replaceAll("\0", "\uFFFD") : cell;
  const at = cell.search(/[eE]/);
  return at >= 0 && Math.abs(Number(cell.slice(at + 1))) > EXPONENT_MAX ? "NaN" : cell;
}
