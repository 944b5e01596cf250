import {
  byKind,
  type Envelope,
  type EventKind,
  fieldsOf,
  type FlatKind,
  hasLevels,
  type Level,
  type LevelsKind,
} from "../../model/mod.ts";
import { TARDIS_FILES } from "./tardis_files.ts";

/** A CSV table: its folder's name and its columns. */
export interface CsvTable {
  readonly folder: string;
  readonly columns: readonly string[];
}

const COMMON = ["exchange", "symbol", "timestamp", "local_timestamp"] as const;

/** Folders of kinds that Tardis does not have; the kind itself where none is given. */
const FOLDERS: Readonly<Partial<Record<EventKind, string>>> = { ticker: "tickers", candle: "candles", gap: "gaps" };

type Columns = readonly (readonly [column: string, field: string])[];

/** Columns of a kind whose fields are one value each: those of Tardis first, then fields that Tardis does not have. */
function columnsOf(kind: FlatKind): Columns {
  const known = Object.entries(TARDIS_FILES[kind]?.columns ?? {});
  const others = fieldsOf(kind).filter(([name]) => !known.some(([, field]) => field === name));
  return [...known, ...others.map(([name]) => [name.replace(/_ts$/, "_timestamp"), name] as const)];
}

function isFlat(kind: EventKind): kind is FlatKind {
  return !hasLevels(kind);
}

const FLAT_COLUMNS = byKind((kind): Columns => isFlat(kind) ? columnsOf(kind) : []);

/** Columns of kinds with levels: one record a level. */
const LEVEL_COLUMNS: Readonly<Record<LevelsKind, readonly string[]>> = {
  book_snapshot: ["is_snapshot", "side", "price", "amount"],
  book_delta: ["is_snapshot", "side", "price", "amount"],
  book_top: ["side", "level", "price", "amount", "sequence"],
};

function tableOf(kind: EventKind): CsvTable {
  const folder = TARDIS_FILES[kind]?.folder ?? FOLDERS[kind] ?? kind;
  const columns = hasLevels(kind) ? LEVEL_COLUMNS[kind] : FLAT_COLUMNS[kind].map(([column]) => column);
  return { folder, columns: [...COMMON, ...columns] };
}

/**
 * The tables by kind of event. Trades, books, quotes, derivative tickers and liquidations have the names, columns and
 * units of Tardis: all times in µs since the epoch, `timestamp` the exchange's and the local one where the exchange gives
 * none, funding rates as fractions; other kinds have our own.
 */
export const CSV_TABLES = byKind(tableOf);

type Cell = string | number | boolean | null;

/** One record, quoted as RFC 4180 section 2 asks, with its CRLF left to LF as Tardis' files have it; null is empty. */
export function csvRecord(cells: readonly Cell[]): string {
  let line = "";
  for (let i = 0; i < cells.length; i++) {
    if (i > 0) line += ",";
    const cell = cells[i];
    if (cell !== null) line += typeof cell === "string" ? quoted(cell) : cell;
  }
  return `${line}\n`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The records of an event. A book event is one a level, bids first; without levels one with empty side and price. */
export function csvRecords(envelope: Envelope): string {
  const { event } = envelope;
  const { exchange, symbol, exchange_ts, received_ts } = envelope;
  const common: readonly Cell[] = [exchange, symbol, exchange_ts ?? received_ts, received_ts];
  const record = (...cells: readonly Cell[]) => csvRecord([...common, ...cells]);
  switch (event.kind) {
    case "book_snapshot":
    case "book_delta": {
      const head = csvRecord([...common, event.kind === "book_snapshot"]).slice(0, -1);
      if (event.bids.length + event.asks.length === 0) return `${head},,,\n`;
      return levels(head, "bid", event.bids) + levels(head, "ask", event.asks);
    }
    case "book_top": {
      if (event.bids.length + event.asks.length === 0) return record(null, null, null, null, event.sequence);
      const ranked = (side: string, list: readonly Level[]) =>
        list.map(([price, size], rank) => record(side, rank + 1, price, size, event.sequence)).join("");
      return ranked("bid", event.bids) + ranked("ask", event.asks);
    }
    default: {
      const fields: Readonly<Record<string, unknown>> = event;
      const cells: Cell[] = [...common];
      const columns = FLAT_COLUMNS[event.kind];
      for (let i = 0; i < columns.length; i++) cells.push(fields[columns[i][1]] as Cell);
      return csvRecord(cells);
    }
  }
}

/** Prices and sizes are decimals, which never need quotes. */
function levels(head: string, side: "bid" | "ask", list: readonly Level[]): string {
  let text = "";
  for (const [price, size] of list) text += `${head},${side},${price},${size}\n`;
  return text;
}
