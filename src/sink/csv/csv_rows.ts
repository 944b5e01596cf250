import { type Envelope, type EventKind, type Level, unreachable } from "../../model/mod.ts";

/** A CSV table: its folder's name and its columns. */
export interface CsvTable {
  readonly folder: string;
  readonly columns: readonly string[];
}

const COMMON = ["exchange", "symbol", "timestamp", "local_timestamp"] as const;

function table(folder: string, columns: readonly string[]): CsvTable {
  return { folder, columns: [...COMMON, ...columns] };
}

const BOOK = table("incremental_book_L2", ["is_snapshot", "side", "price", "amount"]);

/**
 * The tables by kind of event. Trades, books, quotes, derivative tickers and liquidations have the names, columns and
 * units of Tardis (https://docs.tardis.dev/downloadable-csv-files): all times in µs since the epoch, `timestamp` the
 * exchange's and the local one where the exchange gives none, funding rates as fractions; other kinds have our own.
 */
export const CSV_TABLES: Readonly<Record<EventKind, CsvTable>> = {
  trade: table("trades", ["id", "side", "price", "amount"]),
  book_snapshot: BOOK,
  book_delta: BOOK,
  book_top: table("book_top", ["side", "level", "price", "amount", "sequence"]),
  quote: table("quotes", ["ask_amount", "ask_price", "bid_price", "bid_amount"]),
  ticker: table("tickers", ["last", "open", "high", "low", "volume", "quote_volume"]),
  candle: table("candles", [
    "interval",
    "open_timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "trades",
    "closed",
  ]),
  derivative_ticker: table("derivative_ticker", [
    "funding_timestamp",
    "funding_rate",
    "predicted_funding_rate",
    "open_interest",
    "last_price",
    "index_price",
    "mark_price",
  ]),
  liquidation: table("liquidations", ["id", "side", "price", "amount"]),
  gap: table("gaps", [
    "gap_id",
    "state",
    "stream",
    "cause",
    "from_timestamp",
    "to_timestamp",
    "from_sequence",
    "to_sequence",
    "detail",
    "action",
  ]),
  raw: table("raw", ["channel", "sequence", "message_id", "payload"]),
};

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
    case "trade":
      return record(event.trade_id, event.side, event.price, event.size);
    case "liquidation":
      return record(event.id, event.side, event.price, event.size);
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
    case "quote":
      return record(event.ask_size, event.ask_price, event.bid_price, event.bid_size);
    case "ticker":
      return record(event.last, event.open, event.high, event.low, event.volume, event.quote_volume);
    case "candle": {
      const { interval, open_ts, open, high, low, close, volume, trades, closed } = event;
      return record(interval, open_ts, open, high, low, close, volume, trades, closed);
    }
    case "derivative_ticker":
      return record(
        event.next_funding_ts,
        event.funding_rate,
        event.predicted_funding_rate,
        event.open_interest,
        event.last_price,
        event.index_price,
        event.mark_price,
      );
    case "gap": {
      const { gap_id, state, stream, cause, from_ts, to_ts, from_sequence, to_sequence, detail, action } = event;
      return record(gap_id, state, stream, cause, from_ts, to_ts, from_sequence, to_sequence, detail, action);
    }
    case "raw":
      return record(event.channel, event.sequence, event.message_id, event.payload);
    default:
      return unreachable(event);
  }
}

/** Prices and sizes are decimals, which never need quotes. */
function levels(head: string, side: "bid" | "ask", list: readonly Level[]): string {
  let text = "";
  for (const [price, size] of list) text += `${head},${side},${price},${size}\n`;
  return text;
}
