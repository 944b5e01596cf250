import { CellTexts } from "../cell_texts.ts";
import type { Cell, ColumnType, Row, TableColumn } from "../table_rows.ts";
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

/** Rows of one statement; a transaction may hold several. */
const STATEMENT_ROWS_MAX = 10_000;

/**
 * Rows of one table, kept by column: each becomes one array of an `insert … select from unnest(…)`. The arrays are written
 * as they are sent, because the client's own way from values to arrays costs four times as much.
 */
export class ColumnBuffer {
  readonly #texts: CellTexts<TableColumn>;
  /** For each statement the elements of the arrays, a text a column. */
  readonly #statements: string[][] = [];
  rows = 0;

  constructor(table: PostgresTable) {
    this.#texts = new CellTexts(table.columns, element);
  }

  append(row: Row): void {
    if (this.rows % STATEMENT_ROWS_MAX === 0) {
      this.#statements.push(row.map((cell, at) => this.#texts.at(at, cell)));
    } else {
      const arrays = this.#statements[this.#statements.length - 1];
      for (let at = 0; at < row.length; at++) arrays[at] += `,${this.#texts.at(at, row[at])}`;
    }
    this.rows++;
  }

  /** Returns the arrays of each statement. */
  arrays(): readonly (readonly string[])[] {
    return this.#statements.map((arrays) => arrays.map((elements) => `{${elements}}`));
  }
}

/** A value as an element of an array's text. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function element({ type }: TableColumn, cell: Cell): string {
  if (typeof cell === "string") return type === "decimal" ? numericText(cell) : textElement(cell);
  if (cell === null) return "NULL";
  return String(cell);
}

/** PostgreSQL has no NUL in texts: it becomes U+FFFD. */
function textElement(text: string): string {
  return /["\\\0]/.test(text) ? `"${text.replaceAll("\0", "\uFFFD").replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}

/** A number beyond all measure becomes `NaN`, which `numeric` has. */
function numericText(digits: string): string {
  const at = digits.search(/[eE]/);
  return at >= 0 && Math.abs(Number(digits.slice(at + 1))) > EXPONENT_MAX ? "NaN" : digits;
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
