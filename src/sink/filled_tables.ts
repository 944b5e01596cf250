import type { EventKind } from "../model/mod.ts";
import { type TableName, tableOf, tablesOf } from "./table_rows.ts";

/** The tables of a sink: those of the kinds it receives; of all kinds if that is null. */
export class FilledTables<Table> {
  readonly #tables: ReadonlyMap<TableName, Table>;

  /** `make` returns an engine's form of a table. */
  constructor(kinds: readonly EventKind[] | null, make: (table: TableName) => Table) {
    this.#tables = new Map(tablesOf(kinds).map((table) => [table, make(table)]));
  }

  get all(): readonly Table[] {
    return [...this.#tables.values()];
  }

  /** Returns the table of an event's kind. Throws if the sink does not receive that kind. */
  of(kind: EventKind): Table {
    const table = this.#tables.get(tableOf(kind));
    if (table === undefined) throw new Error(`The sink is given no events of kind ${kind}`);
    return table;
  }
}
