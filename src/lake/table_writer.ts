import {
  BooleanColumn,
  type ColumnSchema,
  DoubleColumn,
  encodeRowGroup,
  IntegerColumn,
  type NamedColumn,
  type RowGroup,
  TextColumn,
  WordColumn,
} from "../sink/mod.ts";
import type { Value } from "./parquet_source.ts";

/** Builds the columns of a table, value by value. */
export class TableWriter {
  readonly #columns: readonly NamedColumn[];
  readonly #append: ReadonlyMap<string, (value: Value) => void>;

  /** `words`: names of the text columns with a dictionary. */
  constructor(schema: readonly ColumnSchema[], words: ReadonlySet<string>) {
    const append = new Map<string, (value: Value) => void>();
    this.#columns = schema.map((column) => {
      const made = makeColumn(column, words.has(column.name));
      append.set(column.name, made.append);
      return { ...column, column: made.column };
    });
    this.#append = append;
  }

  /** Adds values to a column, in order. */
  append(column: string, values: Iterable<Value>): void {
    const append = this.#append.get(column);
    if (append === undefined) throw new Error(`No column ${column}`);
    for (const value of values) append(value);
  }

  /** Encodes the added values as one row group. `rows`: number of rows. */
  encode(rows: number): RowGroup {
    return encodeRowGroup(this.#columns, rows);
  }
}

function makeColumn({ type, nullable }: ColumnSchema, isWord: boolean): {
  readonly column: NamedColumn["column"];
  readonly append: (value: Value) => void;
} {
  switch (type) {
    case "timestamp":
    case "integer": {
      const column = new IntegerColumn(nullable);
      return { column, append: (value) => column.append(value as number | null, 1) };
    }
    case "double": {
      const column = new DoubleColumn(nullable);
      return { column, append: (value) => column.append(value === null ? NaN : value as number) };
    }
    case "boolean": {
      const column = new BooleanColumn(nullable);
      return { column, append: (value) => column.append(value as boolean | null, 1) };
    }
    case "text": {
      const column = isWord ? new WordColumn(nullable) : new TextColumn(nullable);
      return { column, append: (value) => column.append(value as string | null, 1) };
    }
  }
}
