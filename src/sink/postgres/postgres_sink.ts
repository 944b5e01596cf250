import { type EventKind, Failure, type Offset } from "../../model/mod.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { FilledTables } from "../filled_tables.ts";
import { rowMaker } from "../table_rows.ts";
import { ColumnBuffer, insertStatement } from "./columns.ts";
import { PostgresConnection, type PostgresEndpoint } from "./connection.ts";
import {
  createHypertable,
  createPositionTable,
  createTable,
  positionTable,
  type PostgresLayout,
  type PostgresTable,
  postgresTable,
  quoted,
} from "./ddl.ts";

/** Options of a PostgreSQL sink. */
export interface PostgresPlan {
  readonly endpoint: PostgresEndpoint;
  readonly layout: PostgresLayout;
  readonly kinds: readonly EventKind[] | null;
  /** Length of a chunk of a hypertable where TimescaleDB is there, such as `1 day`; null: ordinary tables. */
  readonly chunk: string | null;
  readonly batchRows: number;
}

/**
 * Writes rows to PostgreSQL, exactly once. Each transaction first moves the sink's row in `collector_position`, so that
 * rows and position change together. `open` raises the row's epoch: it waits for a transaction under way and fences
 * every earlier object of the same sink, whose next transaction finds no row to move.
 */
export class PostgresSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #plan: PostgresPlan;
  readonly #context: SinkContext;
  readonly #rowsOf: ReturnType<typeof rowMaker>;
  readonly #tables: FilledTables<PostgresTable>;
  #connection: PostgresConnection | null = null;
  #buffers = new Map<PostgresTable, ColumnBuffer>();
  #rows = 0;
  /** The stored position, and the one after the buffered events. */
  #position: Offset = 0;
  #next: Offset = 0;
  #epoch = 0;

  constructor(plan: PostgresPlan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#rowsOf = rowMaker({ collector: context.collector, identity: plan.layout.identity });
    this.#tables = new FilledTables(plan.kinds, (table) => postgresTable(table, plan.layout));
  }

  async open(_committed: Offset, signal: AbortSignal): Promise<Offset> {
    await this.close();
    const connection = await PostgresConnection.open(this.#plan.endpoint, this.#context.host, signal);
    this.#connection = connection;
    await this.#prepareTables(connection, signal);
    const { name, journal, collector } = this.#context;
    const position = this.#positionTable;
    await connection.query(
      `insert into ${position} values ($1, $2, $3, 0, 0, now()) on conflict do nothing`,
      { values: [name, journal, collector ?? ""], signal },
    );
    const { rows: [row] } = await connection.query(
      `update ${position} set epoch = epoch + 1, collector = $3 where sink = $1 and journal = $2 ` +
        "returning next_offset::text as next, epoch::text as epoch",
      { values: [name, journal, collector ?? ""], signal },
    );
    if (row === undefined) throw new Failure("sink", `Cannot open the sink: its row in ${position} is gone`);
    this.#epoch = Number(row.epoch);
    return this.#position = this.#next = Number(row.next);
  }

  async write({ events, next }: SinkBatch, signal: AbortSignal): Promise<void> {
    for (const envelope of events) {
      const buffer = this.#buffer(this.#tables.of(envelope.event.kind));
      for (const row of this.#rowsOf(envelope)) buffer.append(row);
    }
    this.#next = next;
    this.#rows = 0;
    for (const { rows } of this.#buffers.values()) this.#rows += rows;
    if (this.#rows >= this.#plan.batchRows) await this.#commit(signal);
  }

  async flush(next: Offset, signal: AbortSignal): Promise<void> {
    this.#next = next;
    if (this.#rows > 0 || next !== this.#position) await this.#commit(signal);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    this.#buffers = new Map();
    this.#rows = 0;
    await connection?.close();
  }

  /** The table of positions, for statements. */
  get #positionTable(): string {
    const { layout } = this.#plan;
    return `${quoted(layout.schema)}.${quoted(positionTable(layout))}`;
  }

  #buffer(table: PostgresTable): ColumnBuffer {
    let buffer = this.#buffers.get(table);
    if (buffer === undefined) this.#buffers.set(table, buffer = new ColumnBuffer(table));
    return buffer;
  }

  async #commit(signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    if (connection === null) throw new Error("The sink is not open");
    const { schema } = this.#plan.layout;
    const { name, journal } = this.#context;
    await connection.query("begin", { signal });
    const { count } = await connection.query(
      `update ${this.#positionTable} set next_offset = $1, updated_at = now() ` +
        "where sink = $2 and journal = $3 and next_offset = $4 and epoch = $5",
      { name: "position", values: [this.#next, name, journal, this.#position, this.#epoch], signal },
    );
    if (count !== 1) {
      throw new Failure("sink", "Cannot go on: another process has taken over the position of this sink");
    }
    for (const [table, buffer] of this.#buffers) {
      for (const values of buffer.arrays()) {
        await connection.query(insertStatement(table, schema), { name: `insert ${table.table}`, values, signal });
      }
    }
    await connection.query("commit", { signal });
    this.#position = this.#next;
    this.#buffers = new Map();
    this.#rows = 0;
  }

  /**
   * Makes what is absent, and changes nothing that is there: a table without a column of ours is a person's to mend.
   */
  async #prepareTables(connection: PostgresConnection, signal: AbortSignal): Promise<void> {
    const { schema } = this.#plan.layout;
    await connection.query("begin", { signal });
    // Two collectors that begin at the same time make the tables one after the other.
    await connection.query("select pg_advisory_xact_lock(hashtext('crypto-collector tables'))", { signal });
    const there = await this.#columnsThere(connection, signal);
    if (!there.has(positionTable(this.#plan.layout))) {
      await connection.query(createPositionTable(this.#plan.layout), { signal });
    }
    const absent = this.#tables.all.filter(({ name }) => !there.has(name));
    const chunk = absent.length > 0 && await this.#hasTimescale(connection, signal) ? this.#plan.chunk : null;
    for (const table of absent) {
      for (const statement of createTable(table, schema)) await connection.query(statement, { signal });
      if (chunk !== null) await connection.query(createHypertable(table, { schema, chunk }), { signal });
    }
    await connection.query("commit", { signal });
    for (const { name, columns } of this.#tables.all) {
      const found = there.get(name);
      const missing = columns.filter((column) => found !== undefined && !found.has(column.name));
      if (missing.length === 0) continue;
      const names = missing.map((column) => column.name).join(", ");
      throw new Failure("sink", `Cannot write to table ${schema}.${name}: it lacks ${names}`, { retry: false });
    }
  }

  async #columnsThere(connection: PostgresConnection, signal: AbortSignal): Promise<Map<string, Set<string>>> {
    const names = this.#tables.all.map(({ name }) => name);
    const { rows } = await connection.query(
      "select c.relname::text as name, a.attname::text as column from pg_class c join pg_namespace n on " +
        "n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped " +
        "where n.nspname = $1 and c.relname = any($2::text[])",
      { values: [this.#plan.layout.schema, [...names, positionTable(this.#plan.layout)]], signal },
    );
    const there = new Map<string, Set<string>>();
    for (const { name, column } of rows) {
      const columns = there.get(String(name)) ?? new Set();
      there.set(String(name), columns.add(String(column)));
    }
    return there;
  }

  async #hasTimescale(connection: PostgresConnection, signal: AbortSignal): Promise<boolean> {
    const { count } = await connection.query("select 1 from pg_extension where extname = 'timescaledb'", { signal });
    return count > 0;
  }
}
