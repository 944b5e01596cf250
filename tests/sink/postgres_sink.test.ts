import { columnsOf } from "../../src/sink/table_rows.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { testTableSink } from "./table_conformance.ts";

testTableSink<PostgresServer>({
  type: "postgres",
  absent: POSTGRES_ABSENT,
  startServer: () => PostgresServer.start(),
  keys: (server) => ({ url: server.url() }),
  fences: true,
  secret: "wrong-secret",
  wrongLogin: (server) => ({ url: server.url("collector", "wrong-secret") }),
  expected: (row, table, identity) =>
    JSON.stringify(
      row.map((cell, at) => {
        if (cell === null) return null;
        const { type } = columnsOf(table, identity)[at];
        return type === "text" || type === "word" ? String(cell).replaceAll("\0", "\uFFFD") : String(cell);
      }),
    ),
  read: async (server, table, columns) => {
    const there = await server.query(
      `select column_name as c, data_type as t from information_schema.columns where table_name = '${table}'`,
    );
    if (there.length === 0) return [];
    const times = new Set(there.filter(({ t }) => String(t).startsWith("timestamp")).map(({ c }) => String(c)));
    const list = columns.map((name) =>
      times.has(name) ? `((extract(epoch from "${name}") * 1000000)::bigint)::text as "${name}"` : `"${name}"::text`
    );
    const order = there.some(({ c }) => c === "position") ? ', t."position"' : "";
    const rows = await server.query(
      `select ${list.join(", ")} from "${table}" t order by t."offset", t."index"${order}`,
    );
    return rows.map((row) => JSON.stringify(columns.map((name) => row[name])));
  },
  purge: async (server, prefix) => {
    const tables = await server.query(`select tablename as t from pg_tables where tablename like '${prefix}%'`);
    for (const { t } of tables) await server.query(`drop table "${t}"`);
  },
  dropColumn: async (server, table) => {
    await server.query(`alter table "${table}" drop column price`);
  },
});
