import type { Cell } from "./table_rows.ts";

/**
 * Formats the cells of a table for a client. A repeated value of a column, as in most columns of a book's levels, is
 * formatted once.
 */
export class CellTexts<Column> {
  readonly #columns: readonly Column[];
  readonly #textOf: (column: Column, cell: Cell) => string;
  readonly #cells: (Cell | undefined)[];
  readonly #texts: string[];

  constructor(columns: readonly Column[], textOf: (column: Column, cell: Cell) => string) {
    this.#columns = columns;
    this.#textOf = textOf;
    this.#cells = columns.map(() => undefined);
    this.#texts = columns.map(() => "");
  }

  /** Returns the text of a cell of the column at an index. */
  at(place: number, cell: Cell): string {
    if (this.#cells[place] === cell) return this.#texts[place];
    this.#cells[place] = cell;
    return this.#texts[place] = this.#textOf(this.#columns[place], cell);
  }
}
