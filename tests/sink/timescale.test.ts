import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";

/**
 * Stands in for TimescaleDB, which no registry here gives for this PostgreSQL: the extension's entry, and its function with
 * what it demands: https://docs.timescale.com/api/latest/hypertable/create_hypertable_old/
 */
const STAND_IN = `
  insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    select 99999, 'timescaledb', 10, oid, false, 'stand-in' from pg_namespace where nspname = 'public';
  create table public.hypertables (name text, time_column text, chunk interval);
  grant insert on public.hypertables to collector;
  create function public.create_hypertable(relation regclass, time_column_name name, chunk_time_interval interval)
  returns void language plpgsql as $$
  declare
    held bigint;
  begin
    execute format('select count(*) from %s', relation) into held;
    if held > 0 then raise exception 'table "%" is not empty', relation; end if;
    if exists (
      select from pg_index i where i.indrelid = relation and i.indisunique and not exists (
        select from pg_attribute a where a.attrelid = relation and a.attname = time_column_name
          and a.attnum = any (i.indkey::int2[]) and a.attnotnull
      )
    ) then raise exception 'cannot create a unique index without the column "%"', time_column_name; end if;
    insert into public.hypertables values (relation::text, time_column_name, chunk_time_interval);
  end $$`;

const ABSENT = POSTGRES_ABSENT === null ? "" : ` (ignored: ${POSTGRES_ABSENT})`;

Deno.test({
  name: `postgres makes hypertables where the extension is, once (PostgreSQL with a stand-in for TimescaleDB)${ABSENT}`,
  ignore: POSTGRES_ABSENT !== null,
  fn: async () => {
    const server = await PostgresServer.start();
    try {
      await server.query(STAND_IN);
      for (const [prefix, identity] of [["own_", "position"], ["all_", "content"]] as const) {
        const options = { url: server.url(), table_prefix: prefix, identity, chunk: "6 hours" };
        const plan = { type: "postgres", name: "ts", kinds: ["trade", "book_delta"] as const, options };
        for (const offset of [5, 6]) {
          const sink = makeSink(plan, denoHost());
          await sink.open(0);
          await sink.write([envelope(offset, trade())]);
          await sink.flush();
          await sink.close();
        }
      }
      const made = await server.query("select name, time_column, chunk::text from hypertables order by name");
      assert.deepEqual(made.map(({ name, time_column, chunk }) => [name, time_column, chunk]), [
        ["all_book", "event_ts", "06:00:00"],
        ["all_trade", "event_ts", "06:00:00"],
        ["own_book", "received_ts", "06:00:00"],
        ["own_trade", "received_ts", "06:00:00"],
      ]);
      assert.deepEqual(await server.query('select "offset" from own_trade order by 1'), [
        { offset: "5" },
        { offset: "6" },
      ]);
    } finally {
      await server.stop();
    }
  },
});
