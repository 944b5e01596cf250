import type { Envelope, EventKind, Level, MarketEvent, Offset } from "../../model/mod.ts";
import { unreachable } from "../../model/mod.ts";
import { BooleanColumn, DoubleColumn, IntegerColumn, TextColumn, WordColumn } from "./columns.ts";
import { type NamedColumn, parquetFile } from "./parquet_file.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";

/** What all rows of a table share, and so its folder. */
export interface Partition {
  readonly kind: EventKind;
  readonly exchange: string;
  readonly symbol: string;
  /** Days since the epoch of `received_ts`, UTC. */
  readonly day: number;
}

/** The partition an event belongs to. */
export function partitionOf({ event, exchange, symbol, received_ts }: Envelope): Partition {
  return { kind: event.kind, exchange, symbol, day: dayOf(received_ts) };
}

/** `kind=trade/exchange=binance/symbol=BTC-USDT/date=2026-11-22`. */
export function partitionPath({ kind, exchange, symbol, day }: Partition): string {
  return `kind=${kind}/exchange=${exchangePart(exchange)}/symbol=${pathPart(symbol)}/date=${dateOfDay(day)}`;
}

type WriteFields = (event: MarketEvent) => number;

/**
 * Events of one partition as columns. All kinds begin with `canonical_symbol`, `native_symbol`, `exchange_ts`,
 * `received_ts`, `session`, `offset`, `index`; `kind`, `exchange` and `date` are in the path. A book event is one row a
 * level, bids first; one without levels is one row whose `side`, `price` and `size` are null, so that it does not vanish.
 */
export class ParquetTable {
  readonly partition: Partition;
  /** Identity of the first event; the file's name. */
  readonly first: { readonly offset: Offset; readonly index: number };
  rows = 0;
  readonly #columns: NamedColumn[] = [];
  readonly #exactDigits: boolean;
  readonly #nativeSymbol: WordColumn;
  readonly #canonicalSymbol: WordColumn;
  readonly #exchangeTs: IntegerColumn;
  readonly #receivedTs: IntegerColumn;
  readonly #session: IntegerColumn;
  readonly #offset: IntegerColumn;
  readonly #index: IntegerColumn;
  readonly #write: WriteFields;

  constructor(first: Envelope, exactDigits: boolean) {
    this.partition = partitionOf(first);
    this.first = { offset: first.offset, index: first.index };
    this.#exactDigits = exactDigits;
    this.#canonicalSymbol = this.#word("canonical_symbol", false);
    this.#nativeSymbol = this.#word("native_symbol", false);
    this.#exchangeTs = this.#integer("exchange_ts", "timestamp", true);
    this.#receivedTs = this.#integer("received_ts", "timestamp", false);
    this.#session = this.#integer("session", "integer", false);
    this.#offset = this.#integer("offset", "integer", false);
    this.#index = this.#integer("index", "integer", false);
    this.#write = this.#fields(first.event.kind);
  }

  /** Adds an event of this partition; returns how many rows it made. */
  append(envelope: Envelope): number {
    const count = this.#write(envelope.event);
    this.#canonicalSymbol.append(envelope.symbol, count);
    this.#nativeSymbol.append(envelope.native_symbol, count);
    this.#exchangeTs.append(envelope.exchange_ts, count);
    this.#receivedTs.append(envelope.received_ts, count);
    this.#session.append(envelope.session, count);
    this.#offset.append(envelope.offset, count);
    this.#index.append(envelope.index, count);
    this.rows += count;
    return count;
  }

  /** Memory it holds, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const { column } of this.#columns) bytes += column.bytes;
    return bytes;
  }

  /** Returns the whole file. Its footer says what it holds, and whose it is. */
  encode(owner: { readonly journal: string; readonly sink: string }): Uint8Array {
    const { kind, exchange, symbol } = this.partition;
    return parquetFile(this.#columns, { rows: this.rows, notes: { kind, exchange, symbol, ...owner } });
  }

  #fields(kind: EventKind): WriteFields {
    switch (kind) {
      case "trade":
        return this.#tradeFields(kind, "trade_id");
      case "liquidation":
        return this.#tradeFields(kind, "id");
      case "book_snapshot":
      case "book_delta":
        return this.#bookFields();
      case "book_top":
        return this.#bookTopFields();
      case "quote":
        return this.#numberFields(kind, ["bid_price", "bid_size", "ask_price", "ask_size"]);
      case "ticker":
        return this.#numberFields(kind, ["last", "open", "high", "low", "volume", "quote_volume"]);
      case "candle":
        return this.#candleFields();
      case "derivative_ticker":
        return this.#derivativeFields();
      case "gap":
        return this.#gapFields();
      case "raw":
        return this.#rawFields();
      default:
        return unreachable(kind);
    }
  }

  #tradeFields(kind: "trade" | "liquidation", idName: string): WriteFields {
    const id = this.#text(idName);
    const price = this.#decimal("price", false);
    const size = this.#decimal("size", false);
    const side = this.#word("side", false);
    return (event) => {
      if (event.kind !== "trade" && event.kind !== "liquidation") return wrongKind(event, kind);
      id.append(event.kind === "trade" ? event.trade_id : event.id, 1);
      price(event.price);
      size(event.size);
      side.append(event.side, 1);
      return 1;
    };
  }

  #bookFields(): WriteFields {
    const isSnapshot = new BooleanColumn(false);
    this.#columns.push({ name: "is_snapshot", type: "boolean", nullable: false, column: isSnapshot });
    const side = this.#word("side", true);
    const price = this.#decimal("price", true);
    const size = this.#decimal("size", true);
    const sequence = this.#text("sequence");
    const first = this.#text("first_sequence");
    const last = this.#text("last_sequence");
    const previous = this.#text("previous_sequence");
    const appendLevels = (levels: readonly Level[]) => {
      for (const level of levels) {
        price(level[0]);
        size(level[1]);
      }
    };
    return (event) => {
      if (event.kind !== "book_snapshot" && event.kind !== "book_delta") return wrongKind(event, "book_delta");
      const count = Math.max(1, event.bids.length + event.asks.length);
      if (event.bids.length > 0) side.append("bid", event.bids.length);
      if (event.asks.length > 0) side.append("ask", event.asks.length);
      appendLevels(event.bids);
      appendLevels(event.asks);
      if (event.bids.length + event.asks.length === 0) {
        side.append(null, 1);
        price(null);
        size(null);
      }
      const isDelta = event.kind === "book_delta";
      isSnapshot.append(!isDelta, count);
      sequence.append(isDelta ? null : event.sequence, count);
      first.append(isDelta ? event.first_sequence : null, count);
      last.append(isDelta ? event.last_sequence : null, count);
      previous.append(isDelta ? event.previous_sequence : null, count);
      return count;
    };
  }

  #bookTopFields(): WriteFields {
    const side = this.#word("side", true);
    const rank = this.#integer("level", "integer", true);
    const price = this.#decimal("price", true);
    const size = this.#decimal("size", true);
    const sequence = this.#text("sequence");
    const append = (name: string, levels: readonly Level[]) => {
      levels.forEach((level, index) => {
        side.append(name, 1);
        rank.append(index + 1, 1);
        price(level[0]);
        size(level[1]);
      });
    };
    return (event) => {
      if (event.kind !== "book_top") return wrongKind(event, "book_top");
      append("bid", event.bids);
      append("ask", event.asks);
      const count = event.bids.length + event.asks.length;
      if (count === 0) {
        side.append(null, 1);
        rank.append(null, 1);
        price(null);
        size(null);
      }
      sequence.append(event.sequence, Math.max(1, count));
      return Math.max(1, count);
    };
  }

  #numberFields<K extends "quote" | "ticker">(
    kind: K,
    names: readonly Exclude<keyof Extract<MarketEvent, { kind: K }>, "kind">[],
  ): WriteFields {
    const columns = names.map((name) => ({ name, append: this.#decimal(String(name), true) }));
    const isKind = (event: MarketEvent): event is Extract<MarketEvent, { kind: K }> => event.kind === kind;
    return (event) => {
      if (!isKind(event)) return wrongKind(event, kind);
      for (const { name, append } of columns) {
        const value = event[name];
        append(typeof value === "string" ? value : null);
      }
      return 1;
    };
  }

  #candleFields(): WriteFields {
    const interval = this.#word("interval", true);
    const openTs = this.#integer("open_ts", "timestamp", true);
    const open = this.#decimal("open", false);
    const high = this.#decimal("high", false);
    const low = this.#decimal("low", false);
    const close = this.#decimal("close", false);
    const volume = this.#decimal("volume", true);
    const trades = this.#decimal("trades", true);
    const closed = new BooleanColumn(true);
    this.#columns.push({ name: "closed", type: "boolean", nullable: true, column: closed });
    return (event) => {
      if (event.kind !== "candle") return wrongKind(event, "candle");
      interval.append(event.interval, 1);
      openTs.append(event.open_ts, 1);
      open(event.open);
      high(event.high);
      low(event.low);
      close(event.close);
      volume(event.volume);
      trades(event.trades);
      closed.append(event.closed, 1);
      return 1;
    };
  }

  #derivativeFields(): WriteFields {
    const lastPrice = this.#decimal("last_price", true);
    const markPrice = this.#decimal("mark_price", true);
    const indexPrice = this.#decimal("index_price", true);
    const fundingRate = this.#decimal("funding_rate", true);
    const nextFundingTs = this.#integer("next_funding_ts", "timestamp", true);
    const predicted = this.#decimal("predicted_funding_rate", true);
    const openInterest = this.#decimal("open_interest", true);
    return (event) => {
      if (event.kind !== "derivative_ticker") return wrongKind(event, "derivative_ticker");
      lastPrice(event.last_price);
      markPrice(event.mark_price);
      indexPrice(event.index_price);
      fundingRate(event.funding_rate);
      nextFundingTs.append(event.next_funding_ts, 1);
      predicted(event.predicted_funding_rate);
      openInterest(event.open_interest);
      return 1;
    };
  }

  #gapFields(): WriteFields {
    const gapId = this.#text("gap_id", false);
    const state = this.#word("state", false);
    const stream = this.#word("stream", true);
    const cause = this.#word("cause", false);
    const fromTs = this.#integer("from_ts", "timestamp", true);
    const toTs = this.#integer("to_ts", "timestamp", true);
    const fromSequence = this.#text("from_sequence");
    const toSequence = this.#text("to_sequence");
    const detail = this.#text("detail", false);
    const action = this.#word("action", false);
    return (event) => {
      if (event.kind !== "gap") return wrongKind(event, "gap");
      gapId.append(event.gap_id, 1);
      state.append(event.state, 1);
      stream.append(event.stream, 1);
      cause.append(event.cause, 1);
      fromTs.append(event.from_ts, 1);
      toTs.append(event.to_ts, 1);
      fromSequence.append(event.from_sequence, 1);
      toSequence.append(event.to_sequence, 1);
      detail.append(event.detail, 1);
      action.append(event.action, 1);
      return 1;
    };
  }

  #rawFields(): WriteFields {
    const channel = this.#text("channel");
    const sequence = this.#text("sequence");
    const messageId = this.#text("message_id");
    const payload = this.#text("payload", false);
    return (event) => {
      if (event.kind !== "raw") return wrongKind(event, "raw");
      channel.append(event.channel, 1);
      sequence.append(event.sequence, 1);
      messageId.append(event.message_id, 1);
      payload.append(event.payload, 1);
      return 1;
    };
  }

  #word(name: string, nullable: boolean): WordColumn {
    const column = new WordColumn(nullable);
    this.#columns.push({ name, type: "text", nullable, column });
    return column;
  }

  #text(name: string, nullable = true): TextColumn {
    const column = new TextColumn(nullable);
    this.#columns.push({ name, type: "text", nullable, column });
    return column;
  }

  #integer(name: string, type: "timestamp" | "integer", nullable: boolean): IntegerColumn {
    const column = new IntegerColumn(nullable);
    this.#columns.push({ name, type, nullable, column });
    return column;
  }

  /** A DOUBLE column, and where exact digits are wanted the text beside it. */
  #decimal(name: string, nullable: boolean): (text: string | null) => void {
    const column = new DoubleColumn(nullable);
    this.#columns.push({ name, type: "double", nullable, column });
    if (!this.#exactDigits) return (text) => column.append(text);
    const digits = this.#text(`${name}_text`, nullable);
    return (text) => {
      column.append(text);
      digits.append(text, 1);
    };
  }
}

function wrongKind(event: MarketEvent, kind: EventKind): never {
  throw new Error(`Cannot put a ${event.kind} event into a table of ${kind}`);
}
