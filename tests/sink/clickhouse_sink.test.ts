import { clickhouseTable } from "../../src/sink/clickhouse/ddl.ts";
import type { TableName } from "../../src/sink/table_rows.ts";
import { CLICKHOUSE_ABSENT, ClickhouseServer } from "../support/clickhouse_server.ts";
import { testTableSink } from "./table_conformance.ts";

const LAYOUT = {
  identity: "position",
  exact_digits: true,
  partition_by: "day",
  engine: "ReplacingMergeTree",
  table_prefix: "",
  table_names: {},
} as const;

/** Rows are compared by all that ClickHouse holds of them, exact digits beside each number. */
const columnsOf = (table: TableName) => clickhouseTable(table, LAYOUT).columns;

testTableSink<ClickhouseServer>({
  type: "clickhouse",
  absent: CLICKHOUSE_ABSENT,
  startServer: () => ClickhouseServer.start(),
  keys: (server) => ({ url: server.url(), exact_digits: true }),
  fences: false,
  secret: "wrong-secret",
  wrongLogin: (server) => ({ url: server.url("wrong-secret") }),
  expected: (row, table) =>
    JSON.stringify(
      columnsOf(table).map(({ holds, at }) => {
        const cell = row[at];
        if (cell === null) return null;
        return holds === "double" ? String(Number(cell)) : String(cell);
      }),
    ),
  read: async (server, table, columns) => {
    const described = await server.query(
      `select name, type from system.columns where database = currentDatabase() and table = '${table}' order by position`,
    );
    const there = described.split("\n").filter((line) => line !== "").map((line) => line.split("\t"));
    if (there.length === 0) return [];
    const kept = columns[0] === "content_id" ? there.filter(([name]) => name === "content_id") : there;
    const list = kept.map(([name, type]) => {
      if (type.includes("DateTime64")) return `toString(toUnixTimestamp64Micro(\`${name}\`))`;
      return type.includes("Float64") ? `\`${name}\`` : `toString(\`${name}\`)`;
    });
    const order = there.some(([name]) => name === "position") ? ", `position`" : "";
    const text = await server.query(
      `select ${
        list.join(", ")
      } from \`${table}\` final order by \`offset\`, \`index\`${order} format JSONCompactEachRow`,
    );
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const cells: readonly (string | number | null)[] = JSON.parse(line);
      return JSON.stringify(cells.map((cell) => cell === null ? null : String(cell)));
    });
  },
  purge: async (server, prefix) => {
    const names = await server.query("select name from system.tables where database = currentDatabase()");
    for (const name of names.split("\n")) {
      if (name.startsWith(prefix)) await server.query(`drop table \`${name}\` sync`);
    }
  },
  dropColumn: async (server, table) => {
    await server.query(`alter table \`${table}\` drop column price`);
  },
});
