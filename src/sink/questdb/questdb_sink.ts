import { type EventKind, Failure, type Offset } from "../../model/mod.ts";
import { type HttpEndpoint, SinkHttp, statusFailure } from "../http_client.ts";
import type { Sink, SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { FilledTables } from "../filled_tables.ts";
import { type Row, rowMaker } from "../table_rows.ts";
import {
  createPositionTable,
  createTable,
  positionTable,
  type QuestdbLayout,
  type QuestdbTable,
  questdbTable,
} from "./ddl.ts";
import { linesOf, textField } from "./lines.ts";

/** Options of a QuestDB sink. */
export interface QuestdbPlan {
  readonly endpoint: HttpEndpoint;
  readonly layout: QuestdbLayout;
  readonly kinds: readonly EventKind[] | null;
  readonly batchRows: number;
}

/** A table with what spells its rows. */
type FilledTable = QuestdbTable & { readonly lineOf: (row: Row) => string };

/** Length of one request's body, in UTF-16 units, from which the next one is begun. */
const REQUEST_CHARS = 4 * 1024 * 1024;
/** How often the write-ahead log is looked at while an opening waits for it, in ms. */
const APPLIED_POLL_MS = 50;
const POSITION_COLUMNS = ["sink", "journal", "collector", "next_offset", "updated_at", "ts"];

/**
 * Writes rows to QuestDB by its line protocol over HTTP, exactly once: the tables deduplicate by journal offset and
 * place, so that repeated rows, even from an earlier object, replace themselves. The position is a row written after
 * the rows before it; it shows whether the destination was emptied.
 */
export class QuestdbSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #plan: QuestdbPlan;
  readonly #context: SinkContext;
  readonly #http: SinkHttp;
  readonly #rowsOf: ReturnType<typeof rowMaker>;
  readonly #tables: FilledTables<FilledTable>;
  #lines: string[] = [];
  #chars = 0;
  #rows = 0;
  /** Tables with unsent lines. */
  #names = new Set<string>();
  /** Transactions of each table's log at the last look, and requests that have added to it since. */
  #transactions = new Map<string, number>();
  #requests = new Map<string, number>();
  #position: Offset = 0;

  constructor(plan: QuestdbPlan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#http = new SinkHttp(plan.endpoint, context.host);
    this.#rowsOf = rowMaker({ collector: context.collector, identity: plan.layout.identity });
    this.#tables = new FilledTables(plan.kinds, (name) => {
      const table = questdbTable(name, plan.layout);
      return { ...table, lineOf: linesOf(table) };
    });
  }

  async open(_committed: Offset, signal: AbortSignal): Promise<Offset> {
    this.#forget();
    await this.#prepareTables(signal);
    await this.#waitUntilApplied(signal);
    const { name, journal } = this.#context;
    const [row] = await this.#exec(
      `select next_offset from '${positionTable(this.#plan.layout)}' where sink = ${literal(name)} and ` +
        `journal = ${literal(journal)}`,
      signal,
    );
    return this.#position = Number(row?.[0] ?? 0);
  }

  async write({ events }: SinkBatch, signal: AbortSignal): Promise<void> {
    for (const envelope of events) {
      const table = this.#tables.of(envelope.event.kind);
      this.#names.add(table.name);
      for (const row of this.#rowsOf(envelope)) {
        const line = table.lineOf(row);
        this.#lines.push(line);
        this.#chars += line.length;
        this.#rows++;
        if (this.#chars >= REQUEST_CHARS) await this.#send(signal);
      }
    }
    if (this.#rows >= this.#plan.batchRows) await this.#send(signal);
  }

  async flush(next: Offset, signal: AbortSignal): Promise<void> {
    await this.#send(signal);
    await this.#checkTaken(signal);
    if (next === this.#position) return;
    const { name, journal, collector, host } = this.#context;
    const line = `${positionTable(this.#plan.layout)} sink=${textField(name)},journal=${textField(journal)},` +
      `collector=${textField(collector ?? "")},next_offset=${next}i,updated_at=${host.clock.nowMicros()}t 0\n`;
    this.#names.add(positionTable(this.#plan.layout));
    await this.#post(line, signal);
    this.#position = next;
  }

  close(): Promise<void> {
    this.#forget();
    return Promise.resolve();
  }

  #clear(): void {
    this.#lines = [];
    this.#chars = 0;
    this.#rows = 0;
  }

  #forget(): void {
    this.#clear();
    this.#names.clear();
    this.#requests.clear();
    this.#transactions.clear();
  }

  async #send(signal: AbortSignal): Promise<void> {
    if (this.#rows === 0) return;
    const body = this.#lines.join("");
    this.#clear();
    await this.#post(body, signal);
  }

  async #post(body: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.call({ path: "/write", query: { precision: "u" }, body, signal });
    if (answer.status !== 204 && answer.status !== 200) {
      throw statusFailure(`Cannot write to QuestDB: ${errorText(answer)}`, answer.status);
    }
    for (const name of this.#names) this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1);
    this.#names.clear();
  }

  /**
   * Compares what was acknowledged with the transactions that each table's log has got. Where a table was dropped and
   * made again, QuestDB 9.3 acknowledges the first request after that and keeps nothing of it.
   */
  async #checkTaken(signal: AbortSignal): Promise<void> {
    if (this.#requests.size === 0) return;
    const logs = new Map(
      (await this.#exec("select name, sequencerTxn from wal_tables()", signal)).map((
        [name, last],
      ) => [name, Number(last)]),
    );
    for (const [name, requests] of this.#requests) {
      const last = logs.get(name) ?? 0;
      if (last - (this.#transactions.get(name) ?? 0) < requests) {
        throw new Failure(
          "sink",
          `Cannot rely on QuestDB: rows of table ${name} were acknowledged and are not in its log`,
        );
      }
      this.#transactions.set(name, last);
    }
    this.#requests.clear();
  }

  async #exec(query: string, signal: AbortSignal): Promise<readonly (readonly unknown[])[]> {
    const answer = await this.#http.call({ path: "/exec", query: { query }, body: null, signal });
    if (answer.status !== 200) {
      throw statusFailure(`Cannot open tables in QuestDB: ${errorText(answer)}`, answer.status);
    }
    const { dataset = [] }: { readonly dataset?: readonly (readonly unknown[])[] } = JSON.parse(
      new TextDecoder().decode(answer.body),
    );
    return dataset;
  }

  /**
   * Makes what is absent, and changes nothing that is there. The line protocol would add columns of ours to a table
   * that lacks them, without the deduplication that a restart relies on: that is a person's to decide.
   */
  async #prepareTables(signal: AbortSignal): Promise<void> {
    const { layout } = this.#plan;
    const there = new Map(
      (await this.#exec("select table_name, dedup from tables()", signal)).map((
        [name, dedup],
      ) => [name, dedup === true]),
    );
    const wanted = [
      ...this.#tables.all.map((table) => ({
        name: table.name,
        columns: table.columns.map(({ name }) => name),
        create: createTable(table, layout),
      })),
      { name: positionTable(layout), columns: POSITION_COLUMNS, create: createPositionTable(layout) },
    ];
    for (const { name, columns, create } of wanted) {
      if (!there.has(name)) {
        await this.#exec(create, signal);
        continue;
      }
      const found = await this.#exec(`select "column" from table_columns('${name}')`, signal);
      const known = new Set(found.map(([column]) => column));
      const missing = columns.filter((column) => !known.has(column));
      const lack = missing.length > 0 ? missing.join(", ") : there.get(name) === true ? null : "DEDUP UPSERT KEYS";
      if (lack === null) continue;
      throw new Failure("sink", `Cannot write to table ${name}: it lacks ${lack}`, { retry: false });
    }
  }

  /** Waits until what was acknowledged can be read: else the position might be an earlier one, or none. */
  async #waitUntilApplied(signal: AbortSignal): Promise<void> {
    const names = new Set([...this.#tables.all.map(({ name }) => name), positionTable(this.#plan.layout)]);
    for (;;) {
      const logs = await this.#exec("select name, suspended, writerTxn, sequencerTxn from wal_tables()", signal);
      const ours = logs.filter(([name]) => typeof name === "string" && names.has(name));
      const suspended = ours.filter(([, isSuspended]) => isSuspended === true).map(([name]) => name);
      if (suspended.length > 0) {
        const text =
          `Cannot go on: QuestDB has suspended the write-ahead log of ${suspended.join(", ")}: it takes rows ` +
          "and shows none until alter table … resume wal";
        throw new Failure("sink", text, { retry: false });
      }
      for (const [name, , , last] of ours) this.#transactions.set(String(name), Number(last));
      const position = ours.find(([name]) => name === positionTable(this.#plan.layout));
      if (position === undefined || Number(position[2]) >= Number(position[3])) return;
      await this.#context.host.clock.sleep(APPLIED_POLL_MS, signal);
      signal.throwIfAborted();
    }
  }
}

function errorText({ status, body }: { readonly status: number; readonly body: Uint8Array }): string {
  const text = new TextDecoder().decode(body.subarray(0, 2000)).trim();
  const said = /"(?:message|error)":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]?.replaceAll("\\n", " ") ?? text;
  return said === "" ? `status ${status}` : `status ${status}: ${said}`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
