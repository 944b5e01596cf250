import type { Host } from "../host/mod.ts";
import { PostgresConnection } from "../sink/mod.ts";
import {
  type EngineOptions,
  ENTRY_AGE_MS_MAX,
  type GroupEngine,
  noteKey,
  prepared,
  type StoredEntries,
  type UnpreparedEngine,
} from "./engine.ts";

const TABLE = "collector_group";

/** Connects, and makes the table if there is none. */
export async function openPostgresEngine({ plan, host, timeoutMs }: EngineOptions): Promise<GroupEngine> {
  const { url, caPath, name } = plan;
  const connection = await bounded(host, timeoutMs, (signal) => PostgresConnection.open({ url, caPath }, host, signal));
  return await prepared(new PostgresEngine(connection, { group: name, host, timeoutMs }));
}

/** Keeps one row per entry. Every statement is its own transaction; all times are the server's. */
class PostgresEngine implements UnpreparedEngine {
  readonly #connection: PostgresConnection;
  readonly #group: string;
  readonly #host: Host;
  readonly #timeoutMs: number;

  constructor(
    connection: PostgresConnection,
    options: { readonly group: string; readonly host: Host; readonly timeoutMs: number },
  ) {
    this.#connection = connection;
    this.#group = options.group;
    this.#host = options.host;
    this.#timeoutMs = options.timeoutMs;
  }

  async prepare(): Promise<void> {
    // The role may be allowed to use the table but not to make it.
    const [{ found }] = await this.#query(`select to_regclass('${TABLE}') is not null as found`, []);
    if (found !== true) {
      await this.#query(
        `create table if not exists ${TABLE} (
  group_name text not null,
  member text not null,
  value text not null,
  epoch bigint not null,
  stored_at timestamptz not null,
  primary key (group_name, member)
)`,
        [],
      );
    }
    const old = `delete from ${TABLE} where stored_at < clock_timestamp() - $1 * interval '1 millisecond'`;
    await this.#query(old, [ENTRY_AGE_MS_MAX]);
  }

  async put(key: string, value: string, expected: number): Promise<number | null> {
    const rows = expected === 0
      ? await this.#query(
        `insert into ${TABLE} (group_name, member, value, epoch, stored_at) values ($1, $2, $3, 1, clock_timestamp())
on conflict (group_name, member) do nothing returning epoch`,
        [this.#group, key, value],
      )
      : await this.#query(
        `update ${TABLE} set value = $3, epoch = epoch + 1, stored_at = clock_timestamp()
where group_name = $1 and member = $2 and epoch = $4 returning epoch`,
        [this.#group, key, value, expected],
      );
    return rows.length === 0 ? null : Number(rows[0].epoch);
  }

  async list(): Promise<StoredEntries> {
    const rows = await this.#query(
      `select member, value, epoch, ${micros("stored_at")} as stored_at, ${micros("now")} as now
from (select clock_timestamp() as now) as here left join ${TABLE} on group_name = $1 and position('.' in member) = 0`,
      [this.#group],
    );
    const entries = rows.filter(({ member }) => member !== null).map((row) => ({
      key: String(row.member),
      value: String(row.value),
      revision: Number(row.epoch),
      storedAt: Number(row.stored_at),
    }));
    return { now: Number(rows[0]?.now ?? 0), entries };
  }

  async putNote(key: string, text: string): Promise<void> {
    await this.#query(
      `insert into ${TABLE} (group_name, member, value, epoch, stored_at) values ($1, $2, $3, 1, clock_timestamp())
on conflict (group_name, member) do update
set value = $3, epoch = ${TABLE}.epoch + 1, stored_at = clock_timestamp()`,
      [this.#group, noteKey(key), text],
    );
  }

  async note(key: string): Promise<string | null> {
    const rows = await this.#query(`select value from ${TABLE} where group_name = $1 and member = $2`, [
      this.#group,
      noteKey(key),
    ]);
    return rows.length === 0 ? null : String(rows[0].value);
  }

  async close(): Promise<void> {
    // The connection is given up; an error changes nothing.
    await this.#connection.close().catch(() => {});
  }

  async #query(text: string, values: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { rows } = await bounded(
      this.#host,
      this.#timeoutMs,
      (signal) => this.#connection.query(text, { values, signal }),
    );
    return rows;
  }
}

function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`;
}

/** Runs a call and aborts it at a deadline. */
async function bounded<T>(host: Host, timeoutMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const timer = host.clock.after(timeoutMs, () => over.abort());
  try {
    return await call(over.signal);
  } finally {
    timer.cancel();
  }
}
