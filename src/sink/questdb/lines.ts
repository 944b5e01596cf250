import { CellTexts } from "../cell_texts.ts";
import type { Cell, Row } from "../table_rows.ts";
import type { QuestdbColumn, QuestdbTable } from "./ddl.ts";

/**
 * Returns what spells the rows of a table in the line protocol, each with its line break: all values are fields, so that an
 * empty text stays one, and a null is left out. https://questdb.com/docs/reference/api/ilp/advanced-settings/
 */
export function linesOf(table: QuestdbTable): (row: Row) => string {
  const columns = table.columns.filter((column) => column !== table.timestamp);
  const texts = new CellTexts(columns, (column, value) => {
    const text = value === null ? null : fieldText(column, value);
    return text === null ? "" : `,${column.name}=${text}`;
  });
  const cellsAt = columns.map(({ at }) => at);
  return (row) => {
    let fields = "";
    for (let place = 0; place < cellsAt.length; place++) fields += texts.at(place, row[cellsAt[place]]);
    return `${table.name} ${fields.slice(1)} ${row[table.timestamp.at]}\n`;
  };
}

/** A text as a field: quotes, backslashes and line breaks behind a backslash. */
export function textField(text: string): string {
  return /["\\\n\r]/.test(text) ? `"${text.replace(/["\\\n\r]/g, "\\$&")}"` : `"${text}"`;
}

function fieldText({ type }: QuestdbColumn, value: Exclude<Cell, null>): string | null {
  switch (type) {
    case "SYMBOL":
    case "VARCHAR":
      return textField(String(value));
    case "LONG":
      return `${value}i`;
    case "TIMESTAMP":
      return `${value}t`;
    case "BOOLEAN":
      return value === true ? "t" : "f";
    case "DOUBLE":
      return doubleText(String(value));
  }
}

/** Digits as they are; spellings that the protocol may not know by their value; null for what no DOUBLE can hold. */
function doubleText(digits: string): string | null {
  if (/^-?\d{1,30}(?:\.\d{1,30})?$/.test(digits)) return digits;
  const value = Number(digits);
  return Number.isFinite(value) ? String(value) : null;
}
