import { CellTexts } from "../cell_texts.ts";
import type { Cell, Row } from "../table_rows.ts";
import type { ClickhouseColumn, ClickhouseTable } from "./ddl.ts";

/** Returns what spells the rows of a table as lines of the format `JSONCompactEachRow`. */
export function jsonRows({ columns }: ClickhouseTable): (row: Row) => string {
  const texts = new CellTexts(columns, valueText);
  const cellsAt = columns.map(({ at }) => at);
  return (row) => {
    let line = `[${texts.at(0, row[cellsAt[0]])}`;
    for (let place = 1; place < cellsAt.length; place++) line += `,${texts.at(place, row[cellsAt[place]])}`;
    return `${line}]\n`;
  };
}

/** Returns the partition of a time, as the server names it. */
export function partitionOf(micros: number, by: "day" | "month"): string {
  const date = new Date(Math.floor(micros / 1000)).toISOString();
  return date.slice(0, by === "day" ? 10 : 7).replaceAll("-", "");
}

function valueText({ holds }: ClickhouseColumn, value: Cell): string {
  if (value === null) return "null";
  switch (holds) {
    case "text":
      return JSON.stringify(String(value));
    case "number":
    case "boolean":
      return String(value);
    case "double":
      return doubleText(String(value));
    case "time":
      return timeText(Number(value));
  }
}

/** Returns plain digits unchanged, other spellings by their value, and values beyond Float64 as infinity. */
function doubleText(digits: string): string {
  if (/^-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?$/.test(digits)) return digits;
  const value = Number(digits);
  return Number.isFinite(value) ? String(value) : `"${value < 0 ? "-inf" : "inf"}"`;
}

/**
 * Formats a time to the microsecond: seconds with a fraction if they have ten digits, else a date, which is
 * unambiguous.
 */
function timeText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, "0");
  if (seconds >= 1_000_000_000) return `"${seconds}.${fraction}"`;
  return `"${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")}.${fraction}"`;
}
