import {
  type ChoiceColumn,
  type DigitsColumn,
  EVENT_KINDS,
  type EventBatch,
  type EventKind,
  type FieldColumn,
  fieldsOf,
  type FieldSpec,
  type FlatKind,
  type LevelsColumn,
  type NumberColumn,
  unreachable,
} from "../../model/mod.ts";
import { BooleanColumn, DoubleColumn, IntegerColumn } from "./columns.ts";
import { encodeColumns, type NamedColumn, type RowGroup } from "./parquet_file.ts";
import { TextColumn, WordColumn } from "./text_columns.ts";

/** Adds the fields of the event in a row of its kind's table; returns how many rows it makes. */
type WriteFields = (batch: EventBatch, row: number) => number;
/** Adds the value in a row of a column of events. */
type WriteField = (from: FieldColumn, row: number) => void;

/** What a table has beside the columns of its kind. */
export interface TableOptions {
  /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
  readonly exactDigits: boolean;
  /** Begins with `symbol`; not where the path says it. */
  readonly symbolColumn: boolean;
  /** Value of `collector`; null if it is not known. */
  readonly collector: string | null;
}

/**
 * Events of one kind as columns. All kinds begin with `symbol`, `canonical_symbol` (the same, under its earlier name),
 * `native_symbol`, `exchange_ts`, `received_ts`, `collector`, `session`, `offset`, `index`, `backfilled`; `kind`,
 * `exchange` and `date` are in the path. A book event is one row a level, bids first; one without levels is one row
 * whose `side`, `price` and `size` are null, so that it does not vanish.
 */
export class ParquetTable {
  readonly kind: EventKind;
  rows = 0;
  readonly #columns: NamedColumn[] = [];
  readonly #exactDigits: boolean;
  readonly #collectorName: string | null;
  readonly #symbol: WordColumn | null;
  readonly #nativeSymbol: WordColumn;
  readonly #canonicalSymbol: WordColumn;
  readonly #exchangeTs: IntegerColumn;
  readonly #receivedTs: IntegerColumn;
  readonly #collector: WordColumn;
  readonly #session: IntegerColumn;
  readonly #offset: IntegerColumn;
  readonly #index: IntegerColumn;
  readonly #backfilled: BooleanColumn;
  readonly #write: WriteFields;

  constructor(kind: EventKind, { exactDigits, symbolColumn, collector }: TableOptions) {
    this.#collectorName = collector;
    this.kind = kind;
    this.#exactDigits = exactDigits;
    this.#symbol = symbolColumn ? this.#word("symbol", false) : null;
    this.#canonicalSymbol = this.#word("canonical_symbol", false);
    this.#nativeSymbol = this.#word("native_symbol", false);
    this.#exchangeTs = this.#integer("exchange_ts", "timestamp", true);
    this.#receivedTs = this.#integer("received_ts", "timestamp", false);
    this.#collector = this.#word("collector", true);
    this.#session = this.#integer("session", "integer", false);
    this.#offset = this.#integer("offset", "integer", false);
    this.#index = this.#integer("index", "integer", false);
    this.#backfilled = new BooleanColumn(false);
    this.#columns.push({ name: "backfilled", type: "boolean", nullable: false, column: this.#backfilled });
    this.#write = this.#fields(kind);
  }

  /** Adds an event of the kind; returns how many rows it made. */
  append(batch: EventBatch, event: number): number {
    const count = this.#write(batch, batch.rows[event]);
    this.#symbol?.append(batch.symbols[event], count);
    this.#canonicalSymbol.append(batch.symbols[event], count);
    this.#nativeSymbol.append(batch.nativeSymbols[event], count);
    this.#exchangeTs.append(batch.exchangeTs.values[event], count);
    this.#receivedTs.append(batch.receivedTs.values[event], count);
    this.#collector.append(batch.seenBy(event)?.[0].collector ?? this.#collectorName, count);
    this.#session.append(batch.sessions.values[event], count);
    this.#offset.append(batch.offsets.values[event], count);
    this.#index.append(batch.indexes.values[event], count);
    this.#backfilled.append(batch.isBackfilled(event), count);
    this.rows += count;
    return count;
  }

  /** Memory it holds, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const { column } of this.#columns) bytes += column.bytes;
    return bytes;
  }

  get columns(): readonly NamedColumn[] {
    return this.#columns;
  }

  /** Forgets all rows and keeps the room. */
  clear(): void {
    for (const { column } of this.#columns) column.clear();
    this.rows = 0;
  }

  /** Encodes what it holds, a column a slice. */
  encode(): Generator<number, RowGroup, undefined> {
    return encodeColumns(this.#columns, this.rows);
  }

  #fields(kind: EventKind): WriteFields {
    switch (kind) {
      case "book_snapshot":
      case "book_delta":
        return this.#bookFields(kind);
      case "book_top":
        return this.#bookTopFields();
      default:
        return this.#flatFields(kind);
    }
  }

  /** Columns of a kind whose fields are one value each. */
  #flatFields(kind: FlatKind): WriteFields {
    const writers = fieldsOf(kind).map(([name, spec]) => this.#column(name, spec));
    const place = EVENT_KINDS.indexOf(kind);
    return (batch, row) => {
      const columns = batch.columnsOf(place);
      for (let i = 0; i < writers.length; i++) writers[i](columns[i], row);
      return 1;
    };
  }

  /** Adds the column of a field and returns what appends a value of the field's type. */
  #column(name: string, { type, nullable }: FieldSpec): WriteField {
    switch (type) {
      case "id":
      case "text":
      case "payload": {
        const column = this.#text(name, nullable);
        return (from, row) => column.appendDigits(from as DigitsColumn, row, 1);
      }
      case "word": {
        const column = this.#word(name, nullable);
        return (from, row) => column.append((from as DigitsColumn).text(row), 1);
      }
      case "side":
      case "channel":
      case "gap_state":
      case "gap_cause": {
        const column = this.#word(name, nullable);
        return (from, row) => column.append((from as ChoiceColumn<string>).get(row), 1);
      }
      case "decimal":
        return this.#decimal(name, nullable) as WriteField;
      case "micros": {
        const column = this.#integer(name, "timestamp", nullable);
        return (from, row) => column.append((from as NumberColumn).values[row], 1);
      }
      case "boolean": {
        const column = new BooleanColumn(nullable);
        this.#columns.push({ name, type: "boolean", nullable, column });
        return (from, row) => column.append((from as ChoiceColumn<boolean>).get(row), 1);
      }
      case "levels":
        throw new Error(`Cannot put levels into one column: ${name}`);
      default:
        return unreachable(type);
    }
  }

  #bookFields(kind: "book_snapshot" | "book_delta"): WriteFields {
    const isSnapshot = new BooleanColumn(false);
    this.#columns.push({ name: "is_snapshot", type: "boolean", nullable: false, column: isSnapshot });
    const side = this.#word("side", true);
    const price = this.#decimal("price", true);
    const size = this.#decimal("size", true);
    const sequence = this.#text("sequence");
    const first = this.#text("first_sequence");
    const last = this.#text("last_sequence");
    const previous = this.#text("previous_sequence");
    const appendSide = (name: "bid" | "ask", list: LevelsColumn, row: number) => {
      const count = list.count(row);
      if (count > 0) side.append(name, count);
      const { prices, sizes } = list.levels;
      const end = list.ends[row];
      for (let level = list.starts[row]; level < end; level++) {
        price(prices, level);
        size(sizes, level);
      }
      return count;
    };
    const appendLevels = (bids: LevelsColumn, asks: LevelsColumn, row: number) => {
      const count = appendSide("bid", bids, row) + appendSide("ask", asks, row);
      if (count > 0) return count;
      side.append(null, 1);
      price(null, 0);
      size(null, 0);
      return 1;
    };
    if (kind === "book_snapshot") {
      return (batch, row) => {
        const { bids, asks, sequence: number } = batch.table("book_snapshot");
        const count = appendLevels(bids, asks, row);
        isSnapshot.append(true, count);
        sequence.appendDigits(number, row, count);
        for (const none of [first, last, previous]) none.append(null, count);
        return count;
      };
    }
    return (batch, row) => {
      const { bids, asks, first_sequence, last_sequence, previous_sequence } = batch.table("book_delta");
      const count = appendLevels(bids, asks, row);
      isSnapshot.append(false, count);
      sequence.append(null, count);
      first.appendDigits(first_sequence, row, count);
      last.appendDigits(last_sequence, row, count);
      previous.appendDigits(previous_sequence, row, count);
      return count;
    };
  }

  #bookTopFields(): WriteFields {
    const side = this.#word("side", true);
    const rank = this.#integer("level", "integer", true);
    const price = this.#decimal("price", true);
    const size = this.#decimal("size", true);
    const sequence = this.#text("sequence");
    const append = (name: "bid" | "ask", list: LevelsColumn, row: number) => {
      const start = list.starts[row];
      for (let level = start; level < list.ends[row]; level++) {
        side.append(name, 1);
        rank.append(level - start + 1, 1);
        price(list.levels.prices, level);
        size(list.levels.sizes, level);
      }
      return list.count(row);
    };
    return (batch, row) => {
      const top = batch.table("book_top");
      const count = append("bid", top.bids, row) + append("ask", top.asks, row);
      if (count === 0) {
        side.append(null, 1);
        rank.append(null, 1);
        price(null, 0);
        size(null, 0);
      }
      sequence.appendDigits(top.sequence, row, Math.max(1, count));
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

  /** A DOUBLE column, and where exact digits are wanted the text beside it. Without a column the value is null. */
  #decimal(name: string, nullable: boolean): (from: DigitsColumn | null, row: number) => void {
    const column = new DoubleColumn(nullable);
    this.#columns.push({ name, type: "double", nullable, column });
    if (!this.#exactDigits) return (from, row) => column.append(from === null ? NaN : from.double(row));
    const digits = this.#text(`${name}_text`, nullable);
    return (from, row) => {
      column.append(from === null ? NaN : from.double(row));
      if (from === null) digits.append(null, 1);
      else digits.appendDigits(from, row, 1);
    };
  }
}
