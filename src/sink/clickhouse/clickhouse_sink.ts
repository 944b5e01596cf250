import { type EventKind, Failure, type Offset } from "../../model/mod.ts";
import { type HttpEndpoint, SinkHttp } from "../http_client.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { FilledTables } from "../filled_tables.ts";
import { rowMaker } from "../table_rows.ts";
import {
  type ClickhouseLayout,
  type ClickhouseTable,
  clickhouseTable,
  createPositionTable,
  createTable,
  literal,
  partitionExpression,
  positionTable,
  quoted,
} from "./ddl.ts";
import { clickhouseFailure } from "./failure.ts";
import { InsertBuffer } from "./insert_buffer.ts";

/** Options of a ClickHouse sink. */
export interface ClickhousePlan {
  readonly endpoint: HttpEndpoint;
  readonly database: string | null;
  readonly layout: ClickhouseLayout;
  readonly kinds: readonly EventKind[] | null;
  readonly batchRows: number;
}

const POSITION_COLUMNS = ["sink", "journal", "collector", "next_offset", "updated_at"];

/**
 * Writes rows to ClickHouse, exactly once. An insert is one block of one partition of one table, which ClickHouse
 * applies atomically. The position is a row inserted after the rows before it. After a crash, `open` finds rows past
 * the position in each partition, and they are not sent again. Rows that an interrupted insert adds later have the same
 * sorting key, so that `ReplacingMergeTree` keeps one copy.
 */
export class ClickhouseSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #plan: ClickhousePlan;
  readonly #context: SinkContext;
  readonly #http: SinkHttp;
  readonly #rowsOf: ReturnType<typeof rowMaker>;
  readonly #tables: FilledTables<ClickhouseTable>;
  #buffer: InsertBuffer;
  #position: Offset = 0;
  #inserts = 0;

  constructor(plan: ClickhousePlan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#http = new SinkHttp(plan.endpoint, context.host);
    this.#rowsOf = rowMaker({ collector: context.collector, identity: plan.layout.identity });
    this.#buffer = new InsertBuffer(plan.layout.partition_by);
    this.#tables = new FilledTables(plan.kinds, (table) => clickhouseTable(table, plan.layout));
  }

  async open(_committed: Offset, signal: AbortSignal): Promise<Offset> {
    this.#buffer = new InsertBuffer(this.#plan.layout.partition_by);
    await this.#prepareTables(signal);
    await this.#killInserts(signal);
    const { name, journal } = this.#context;
    const [row] = await this.#select(
      `SELECT max(next_offset) FROM ${quoted(positionTable(this.#plan.layout))} WHERE sink = ${literal(name)} AND ` +
        `journal = ${literal(journal)} SETTINGS select_sequential_consistency = 1`,
      signal,
    );
    this.#position = Number(row?.[0] ?? 0);
    await this.#findInserted(signal);
    return this.#position;
  }

  async write({ events }: SinkBatch, signal: AbortSignal): Promise<void> {
    for (const envelope of events) {
      this.#buffer.append(this.#tables.of(envelope.event.kind), this.#rowsOf(envelope), envelope);
      if (this.#buffer.isFull) await this.#send(signal);
    }
    if (this.#buffer.rows >= this.#plan.batchRows) await this.#send(signal);
  }

  async flush(next: Offset, signal: AbortSignal): Promise<void> {
    await this.#send(signal);
    if (next === this.#position) return;
    const { name, journal, collector, host } = this.#context;
    const row = [name, journal, collector ?? "", next, (host.clock.nowMicros() / 1e6).toFixed(6)];
    await this.#insert({ table: positionTable(this.#plan.layout), columns: POSITION_COLUMNS, token: null }, {
      body: `${JSON.stringify(row)}\n`,
      signal,
    });
    this.#position = next;
  }

  close(): Promise<void> {
    this.#buffer = new InsertBuffer(this.#plan.layout.partition_by);
    return Promise.resolve();
  }

  async #send(signal: AbortSignal): Promise<void> {
    for (const { table, partition, first, last, body } of this.#buffer.drain()) {
      const { name, journal } = this.#context;
      const token = `${journal}/${name}/${table.name}/${partition}/${first}-${last}`;
      const columns = table.columns.map((column) => column.name);
      await this.#insert({ table: table.name, columns, token }, { body, signal });
    }
  }

  async #insert(
    { table, columns, token }: {
      readonly table: string;
      readonly columns: readonly string[];
      readonly token: string | null;
    },
    { body, signal }: { readonly body: string; readonly signal: AbortSignal },
  ): Promise<void> {
    // Asynchronous inserts, the default since 26.3, would answer before anything is safe, and forget tokens.
    const settings = [
      "async_insert = 0",
      ...(token === null ? [] : [`insert_deduplication_token = ${literal(token)}`]),
    ];
    const query = `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(", ")}) SETTINGS ${settings.join(", ")} ` +
      "FORMAT JSONCompactEachRow";
    await this.#call("Cannot write to ClickHouse", { query, body, signal });
  }

  /** Returns the rows of an answer; texts are not unescaped, which suffices for names and numbers. */
  async #select(query: string, signal: AbortSignal): Promise<readonly (readonly string[])[]> {
    const text = await this.#call("Cannot open tables in ClickHouse", { body: query, signal });
    return text.split("\n").filter((line) => line !== "").map((line) => line.split("\t"));
  }

  async #call(
    what: string,
    { query, body, signal }: { readonly query?: string; readonly body: string; readonly signal: AbortSignal },
  ): Promise<string> {
    const { database } = this.#plan;
    const answer = await this.#http.call({
      path: "/",
      query: {
        query_id: `${this.#queryPrefix}${this.#context.host.random.uuid().slice(0, 8)}-${++this.#inserts}`,
        ...(database === null ? {} : { database }),
        ...(query === undefined ? {} : { query }),
      },
      body,
      signal,
    });
    if (answer.status !== 200) throw clickhouseFailure(what, answer);
    return new TextDecoder().decode(answer.body);
  }

  get #queryPrefix(): string {
    const { name, journal } = this.#context;
    return `crypto-collector/${journal}/${name}/`;
  }

  /**
   * Ends inserts that an earlier object may have left under way. If the user lacks the right, reports that: the sorting
   * key then removes repeats.
   */
  async #killInserts(signal: AbortSignal): Promise<void> {
    const { name, observe } = this.#context;
    const query = `KILL QUERY WHERE user = currentUser() AND query_kind = 'Insert' AND startsWith(query_id, ${
      literal(this.#queryPrefix)
    }) SYNC`;
    try {
      await this.#call("Cannot end earlier inserts", { body: query, signal });
    } catch (error) {
      if (!(error instanceof Failure) || error.retry) throw error;
      observe({ kind: "sink_notice", sink: name, text: error.message });
    }
  }

  /** Makes missing tables, and changes no existing one. Throws a `Failure` if a table lacks a column. */
  async #prepareTables(signal: AbortSignal): Promise<void> {
    const { layout } = this.#plan;
    const wanted = [
      ...this.#tables.all.map((table) => ({
        name: table.name,
        columns: table.columns.map(({ name }) => name),
        create: createTable(table, layout),
      })),
      { name: positionTable(layout), columns: POSITION_COLUMNS, create: createPositionTable(layout) },
    ];
    const names = wanted.map(({ name }) => literal(name)).join(", ");
    const there = new Map<string, Set<string>>();
    const found = await this.#select(
      `SELECT table, name FROM system.columns WHERE database = currentDatabase() AND table IN (${names})`,
      signal,
    );
    for (const [table, column] of found) there.set(table, (there.get(table) ?? new Set()).add(column));
    for (const { name, columns, create } of wanted) {
      const known = there.get(name);
      if (known === undefined) {
        await this.#call("Cannot make a table in ClickHouse", { body: create, signal });
        continue;
      }
      const missing = columns.filter((column) => !known.has(column));
      if (missing.length === 0) continue;
      throw new Failure("sink", `Cannot write to table ${name}: it lacks ${missing.join(", ")}`, { retry: false });
    }
  }

  /** Notes what of each table is there past the position: one question for all, which takes as long as the slowest. */
  async #findInserted(signal: AbortSignal): Promise<void> {
    const { collector } = this.#context;
    const questions = this.#tables.all.map((table) =>
      `SELECT ${literal(table.name)} AS name, ${partitionExpression(table, this.#plan.layout)} AS p, ` +
      `max((\`offset\`, \`index\`)) AS m, m.1, m.2 FROM ${
        quoted(table.name)
      } WHERE \`offset\` >= ${this.#position} AND ` +
      `collector = ${literal(collector ?? "")} GROUP BY p SETTINGS select_sequential_consistency = 1`
    );
    const found = await this.#select(questions.join(" UNION ALL "), signal);
    for (const table of this.#tables.all) {
      for (const [name, partition, , offset, index] of found) {
        if (name === table.name) {
          this.#buffer.skipTo(table, partition, { offset: Number(offset), index: Number(index) });
        }
      }
    }
  }
}
