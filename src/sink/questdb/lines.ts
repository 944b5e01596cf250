import type { Cell, Row } from "../table_rows.ts";
import type { QuestdbColumn, QuestdbTable } from "./ddl.ts";

/**
 * Returns a row in the line protocol, with its line break: all values are fields, so that an empty text stays one, and a
 * null is left out. https://questdb.com/docs/reference/api/ilp/advanced-settings/
 */
export function lineOf(table: QuestdbTable, row: Row): string {
  let fields = "";
  for (const column of table.columns) {
    if (column === table.timestamp) continue;
    const value = row[column.at];
    const text = value === null ? null : fieldText(column, value);
    if (text !== null) fields += `${fields === "" ? "" : ","}${column.name}=${text}`;
  }
  return `${table.name} ${fields} ${row[table.timestamp.at]}\n`;
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
