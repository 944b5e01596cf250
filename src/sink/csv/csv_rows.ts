import {
  byKind,
  DigitsColumn,
  type EventBatch,
  type EventKind,
  type FieldColumn,
  fieldsOf,
  type FlatKind,
  hasLevels,
  LevelsColumn,
  type LevelsKind,
} from "../../model/mod.ts";
import type { TextBuffer } from "../text_buffer.ts";
import { TARDIS_FILES } from "./tardis_files.ts";

/** A CSV table: its folder's name and its columns. */
export interface CsvTable {
  readonly folder: string;
  readonly columns: readonly string[];
}

const COMMON = ["exchange", "symbol", "timestamp", "local_timestamp"] as const;

/** Folders of kinds that Tardis does not have; a missing kind has its own name. */
const FOLDERS: Readonly<Partial<Record<EventKind, string>>> = {
  ticker: "tickers",
  candle: "candles",
  instrument: "instruments",
  gap: "gaps",
};

type Columns = readonly (readonly [column: string, field: string])[];

/** Columns of a kind whose fields are one value each: those of Tardis first, then fields that Tardis does not have. */
function columnsOf(kind: FlatKind): Columns {
  const known = Object.entries(TARDIS_FILES[kind]?.columns ?? {});
  const others = fieldsOf(kind).filter(([name]) => !known.some(([, field]) => field === name));
  return [...known, ...others.map(([name]) => [name.replace(/_ts$/, "_timestamp"), name] as const)];
}

/** Whether events of the kind may be backfilled; then there is a column for it. */
function isHistoric(kind: EventKind): boolean {
  return kind === "trade" || kind === "candle" || kind === "funding";
}

function isFlat(kind: EventKind): kind is FlatKind {
  return !hasLevels(kind);
}

const FLAT_COLUMNS = byKind((kind): Columns => isFlat(kind) ? columnsOf(kind) : []);

/** Columns of kinds with levels: one record per level. */
const LEVEL_COLUMNS: Readonly<Record<LevelsKind, readonly string[]>> = {
  book_snapshot: ["is_snapshot", "side", "price", "amount"],
  book_delta: ["is_snapshot", "side", "price", "amount"],
  book_top: ["side", "level", "price", "amount", "sequence"],
};

function tableOf(kind: EventKind): CsvTable {
  const folder = TARDIS_FILES[kind]?.folder ?? FOLDERS[kind] ?? kind;
  const columns = hasLevels(kind) ? LEVEL_COLUMNS[kind] : FLAT_COLUMNS[kind].map(([column]) => column);
  const marks = isHistoric(kind) ? ["backfilled"] : [];
  return { folder, columns: [...COMMON, ...columns, ...marks, "collector"] };
}

/**
 * The tables by kind of event. Trades, books, quotes, derivative tickers and liquidations have the names, columns and
 * units of Tardis: all times in µs since the epoch; `timestamp` is the exchange time, or the local one if there is
 * none; funding rates are fractions. Other kinds have columns of this program.
 */
export const CSV_TABLES = byKind(tableOf);

/**
 * Returns the column names of a table as its first record; line breaks are LF as Tardis' files have them, not the CRLF
 * of RFC 4180.
 */
export function csvHeader({ columns }: CsvTable): string {
  return `${columns.join(",")}\n`;
}

/**
 * Writes the records of an event. A book event has one record per level, bids first; without levels one record with
 * empty side and price. The last column names the collector; empty if it is not known.
 */
export function writeCsvRecords(
  out: TextBuffer,
  batch: EventBatch,
  event: number,
  collector: string | null = null,
): void {
  // Its characters need no quotes.
  const end = `,${batch.seenBy(event)?.[0].collector ?? collector ?? ""}\n`;
  const row = batch.rows[event];
  const kind = batch.kindAt(event);
  switch (kind) {
    case "book_snapshot":
    case "book_delta": {
      const start = out.length;
      writeCommon(out, batch, event);
      out.text(`,${kind === "book_snapshot"}`);
      const head = out.bytes.slice(start);
      const { bids, asks } = batch.table(kind);
      if (bids.count(row) + asks.count(row) === 0) return out.text(`,,,${end}`);
      // Removes the head: the first record writes it again.
      out.length = start;
      writeSide(out, { head, side: "bid", end }, bids, row);
      writeSide(out, { head, side: "ask", end }, asks, row);
      return;
    }
    case "book_top": {
      const { bids, asks, sequence } = batch.table(kind);
      const writeRanked = (side: string, list: LevelsColumn) => {
        const start = list.starts[row];
        for (let level = start; level < list.ends[row]; level++) {
          writeCommon(out, batch, event);
          out.text(`,${side},${level - start + 1},`);
          writeLevel(out, list, level);
          out.text(",");
          out.csvDigits(sequence, row);
          out.text(end);
        }
      };
      writeRanked("bid", bids);
      writeRanked("ask", asks);
      if (bids.count(row) + asks.count(row) > 0) return;
      writeCommon(out, batch, event);
      out.text(",,,,,");
      out.csvDigits(sequence, row);
      return out.text(end);
    }
    default: {
      writeCommon(out, batch, event);
      const columns = batch.columnsOf(batch.kinds[event]);
      for (const place of FIELD_PLACES[kind]) {
        out.byte(COMMA);
        writeCell(out, columns[place], row);
      }
      if (isHistoric(kind)) out.text(batch.isBackfilled(event) ? ",true" : ",false");
      out.text(end);
    }
  }
}

const COMMA = 44;

/** Indexes of the fields of each flat kind among its columns, in the order of the records. */
const FIELD_PLACES = byKind((kind) => {
  const names = fieldsOf(kind).map(([name]) => name);
  return FLAT_COLUMNS[kind].map(([, field]) => names.indexOf(field));
});

function writeCommon(out: TextBuffer, batch: EventBatch, event: number): void {
  const receivedTs = batch.receivedTs.values[event];
  out.csvText(batch.exchanges[event]);
  out.byte(COMMA);
  out.csvText(batch.symbols[event]);
  out.byte(COMMA);
  out.number(batch.exchangeTs.get(event) ?? receivedTs);
  out.byte(COMMA);
  out.number(receivedTs);
}

function writeCell(out: TextBuffer, column: FieldColumn, row: number): void {
  if (column instanceof DigitsColumn) return out.csvDigits(column, row);
  if (column instanceof LevelsColumn) throw new Error("Cannot put levels into one cell");
  const value = column.get(row);
  if (value !== null) out.text(String(value));
}

/** Writes one record per level, each between the same bytes. */
function writeSide(
  out: TextBuffer,
  { head, side, end }: { readonly head: Uint8Array; readonly side: "bid" | "ask"; readonly end: string },
  list: LevelsColumn,
  row: number,
): void {
  const past = list.ends[row];
  for (let level = list.starts[row]; level < past; level++) {
    out.append(head);
    out.text(side === "bid" ? ",bid," : ",ask,");
    writeLevel(out, list, level);
    out.text(end);
  }
}

function writeLevel(out: TextBuffer, { levels }: LevelsColumn, level: number): void {
  out.csvDigits(levels.prices, level);
  out.byte(COMMA);
  out.csvDigits(levels.sizes, level);
}
