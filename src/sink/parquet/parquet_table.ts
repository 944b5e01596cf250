import {
  type Envelope,
  type EventKind,
  fieldsOf,
  type FieldSpec,
  type FlatKind,
  type Level,
  type MarketEvent,
  type Offset,
  unreachable,
} from "../../model/mod.ts";
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
      case "book_snapshot":
      case "book_delta":
        return this.#bookFields();
      case "book_top":
        return this.#bookTopFields();
      default:
        return this.#flatFields(kind);
    }
  }

  /** Columns of a kind whose fields are one value each. */
  #flatFields(kind: FlatKind): WriteFields {
    const columns = fieldsOf(kind).map(([name, spec]) => ({ name, append: this.#column(name, spec) }));
    return (event) => {
      if (event.kind !== kind) return wrongKind(event, kind);
      const fields: Readonly<Record<string, unknown>> = event;
      for (const { name, append } of columns) append(fields[name]);
      return 1;
    };
  }

  /** Adds the column of a field and returns what appends a value of the field's type. */
  #column(name: string, { type, nullable }: FieldSpec): (value: unknown) => void {
    switch (type) {
      case "id":
      case "text":
      case "payload": {
        const column = this.#text(name, nullable);
        return (value) => column.append(value as string | null, 1);
      }
      case "word":
      case "side":
      case "channel":
      case "gap_state":
      case "gap_cause": {
        const column = this.#word(name, nullable);
        return (value) => column.append(value as string | null, 1);
      }
      case "decimal":
        return this.#decimal(name, nullable) as (value: unknown) => void;
      case "micros": {
        const column = this.#integer(name, "timestamp", nullable);
        return (value) => column.append(value as number | null, 1);
      }
      case "boolean": {
        const column = new BooleanColumn(nullable);
        this.#columns.push({ name, type: "boolean", nullable, column });
        return (value) => column.append(value as boolean | null, 1);
      }
      case "levels":
        throw new Error(`Cannot put levels into one column: ${name}`);
      default:
        return unreachable(type);
    }
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
