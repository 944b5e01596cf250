import { questdbTable } from "../../src/sink/questdb/ddl.ts";
import type { TableName } from "../../src/sink/table_rows.ts";
import { QUESTDB_ABSENT, QuestdbServer } from "../support/questdb_server.ts";
import { testTableSink } from "./table_conformance.ts";

const LAYOUT = {
  identity: "position",
  exact_digits: true,
  partition_by: "day",
  table_prefix: "",
  table_names: {},
} as const;

/** Rows are compared by all that QuestDB holds of them, exact digits beside each number. */
const columnsOf = (table: TableName) => questdbTable(table, LAYOUT).columns;

testTableSink<QuestdbServer>({
  type: "questdb",
  absent: QUESTDB_ABSENT,
  startServer: () => QuestdbServer.start(),
  keys: (server) => ({ url: server.url(), exact_digits: true }),
  fences: false,
  secret: "wrong-secret",
  wrongLogin: (server) => ({ url: server.url("wrong-secret") }),
  expected: (row, table) =>
    JSON.stringify(
      columnsOf(table).map(({ type, at }) => {
        const cell = row[at];
        if (cell === null) return null;
        if (type === "DOUBLE") return String(Number(cell));
        return String(cell);
      }),
    ),
  read: async (server, table, columns) => {
    await server.applied();
    const there = await server.query(`select "column", type from table_columns('${table}')`);
    if (there.length === 0) return [];
    const kept = columns[0] === "content_id" ? there.filter(([name]) => name === "content_id") : there;
    const list = kept.map(([name, type]) => type === "TIMESTAMP" ? `cast("${name}" as long)` : `"${name}"`);
    const order = there.some(([name]) => name === "position") ? ', "position"' : "";
    const rows = await server.query(`select ${list.join(", ")} from '${table}' order by "offset", "index"${order}`);
    return rows.map((row) => JSON.stringify(row.map((cell) => cell === null ? null : String(cell))));
  },
  purge: async (server, prefix) => {
    for (const [name] of await server.query("select table_name from tables()")) {
      if (String(name).startsWith(prefix)) await server.query(`drop table '${name}'`);
    }
  },
  dropColumn: async (server, table) => {
    await server.query(`alter table '${table}' drop column price`);
    await server.applied();
  },
});
