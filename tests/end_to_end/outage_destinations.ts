import { CLICKHOUSE_ABSENT, ClickhouseServer } from "../support/clickhouse_server.ts";
import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { KAFKA_ABSENT, KafkaServer } from "../support/kafka_server.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { QUESTDB_ABSENT, QuestdbServer } from "../support/questdb_server.ts";
import { REDIS_BINARIES, RedisServer } from "../support/redis_server.ts";
import { S3_ABSENT, S3Server } from "../support/s3_server.ts";
import { readParquetBytes } from "../support/stored_events.ts";
import { tableOf } from "../../src/sink/table_rows.ts";
import type { EventKind } from "../../src/model/mod.ts";

/** An event as a destination holds it: a message, or all rows of a table that stand for it. */
export interface HeldEvent {
  readonly offset: number;
  readonly index: number;
  /** Kind, or name of the table. */
  readonly place: string;
  /** Within one group events stand in order; null where a destination has none. */
  readonly group: string | null;
  readonly rows: number;
}

/** A server that can fail, with what is asked of it. */
export interface OutageServer {
  kill(): Promise<void>;
  start(): Promise<void>;
  suspend(): void | Promise<void>;
  resume(): void | Promise<void>;
  stop(): Promise<void>;
  /** TOML of the sink's table beside `name`. */
  readonly toml: string;
  held(): Promise<readonly HeldEvent[]>;
  /** Removes all events and positions, as a server that was set up anew. */
  purge(): Promise<void>;
}

/** A type of sinks to try. */
export interface OutageDestination {
  readonly name: string;
  /** Why it cannot be tried here; null where it can. */
  readonly absent: string | null;
  /** `timeoutMs`: how soon a server that hangs is given up, where that can be set. */
  start(timeoutMs: number): Promise<OutageServer>;
}

/** Messages in order, each with its body's place. */
function heldMessages(messages: readonly { readonly name: string; readonly body: string }[]): readonly HeldEvent[] {
  return messages.map(({ name, body }) => {
    const { kind, offset, index } = JSON.parse(body);
    return { offset, index, place: kind, group: name, rows: 1 };
  });
}

type FailingServer = Pick<OutageServer, "kill" | "start" | "suspend" | "resume" | "stop">;

function withKeys(server: FailingServer, rest: Pick<OutageServer, "toml" | "held" | "purge">): OutageServer {
  return {
    kill: () => server.kill(),
    start: () => server.start(),
    suspend: () => server.suspend(),
    resume: () => server.resume(),
    stop: () => server.stop(),
    ...rest,
  };
}

const TABLES = ["trade", "quote", "book", "gap"];

/** What of the redis binaries is tried: the first that is there. */
const REDIS = REDIS_BINARIES.find(({ absent }) => absent === null) ?? REDIS_BINARIES[0];

/** All that can be tried. */
export const OUTAGE_DESTINATIONS: readonly OutageDestination[] = [
  {
    name: "nats",
    absent: NATS_ABSENT,
    start: async (timeoutMs) => {
      const server = await NatsServer.start();
      return withKeys(server, {
        toml: `type = "nats"\nurl = "${server.url()}"\nstream = "OUT"\ntimeout_ms = ${timeoutMs}`,
        held: async () => heldMessages(await server.read("OUT")),
        purge: async () => void await server.api("STREAM.PURGE.OUT"),
      });
    },
  },
  {
    name: "redis",
    absent: REDIS.absent,
    start: async (timeoutMs) => {
      const server = await RedisServer.start(REDIS.path);
      return withKeys(server, {
        toml: `type = "redis"\nurl = "${server.url()}"\nmax_length = 0\ntimeout_ms = ${timeoutMs}`,
        held: async () => heldMessages(await server.read("md")),
        purge: () => server.purge("md"),
      });
    },
  },
  {
    name: "kafka",
    absent: KAFKA_ABSENT,
    start: async (timeoutMs) => {
      const server = await KafkaServer.start();
      return withKeys(server, {
        toml:
          `type = "kafka"\nurl = "${server.url()}"\nsasl_mechanism = "PLAIN"\npartitions = 1\ntimeout_ms = ${timeoutMs}`,
        held: async () => heldMessages(await server.read("md")),
        purge: () => server.purge("md"),
      });
    },
  },
  {
    name: "postgres",
    absent: POSTGRES_ABSENT,
    start: async () => {
      const server = await PostgresServer.start();
      const tables = async () =>
        (await server.query("select tablename from pg_tables where schemaname = 'public'")).map(({ tablename }) =>
          String(tablename)
        );
      return withKeys(server, {
        toml: `type = "postgres"\nurl = "${server.url()}"`,
        held: async () => {
          const there = await tables();
          const held: HeldEvent[] = [];
          for (const table of TABLES.filter((name) => there.includes(name))) {
            const rows = await server.query(
              `select "offset"::text as o, "index"::text as i, count(*)::text as n from "${table}" group by 1, 2`,
            );
            for (const { o, i, n } of rows) {
              held.push({ offset: Number(o), index: Number(i), place: table, group: null, rows: Number(n) });
            }
          }
          return held;
        },
        purge: async () => {
          for (const table of await tables()) await server.query(`drop table "${table}"`);
        },
      });
    },
  },
  {
    name: "questdb",
    absent: QUESTDB_ABSENT,
    start: async () => {
      const server = await QuestdbServer.start();
      const tables = async () => (await server.query("select table_name from tables()")).map(([name]) => String(name));
      return withKeys(server, {
        toml: `type = "questdb"\nurl = "${server.url()}"`,
        held: async () => {
          await server.applied();
          const there = await tables();
          const held: HeldEvent[] = [];
          for (const table of TABLES.filter((name) => there.includes(name))) {
            const rows = await server.query(
              `select "offset", "index", count() from '${table}' group by "offset", "index"`,
            );
            for (const [offset, index, count] of rows) {
              held.push({
                offset: Number(offset),
                index: Number(index),
                place: table,
                group: null,
                rows: Number(count),
              });
            }
          }
          return held;
        },
        purge: async () => {
          for (const table of await tables()) await server.query(`drop table '${table}'`);
        },
      });
    },
  },
  {
    name: "clickhouse",
    absent: CLICKHOUSE_ABSENT,
    start: async () => {
      const server = await ClickhouseServer.start();
      const lines = async (query: string) => (await server.query(query)).split("\n").filter((line) => line !== "");
      const tables = () => lines("select name from system.tables where database = currentDatabase()");
      return withKeys(server, {
        toml: `type = "clickhouse"\nurl = "${server.url()}"`,
        held: async () => {
          const there = await tables();
          const held: HeldEvent[] = [];
          for (const table of TABLES.filter((name) => there.includes(name))) {
            const query = `select offset, index, count() from ${table} final group by offset, index`;
            for (const line of await lines(query)) {
              const [offset, index, rows] = line.split("\t").map(Number);
              held.push({ offset, index, place: table, group: null, rows });
            }
          }
          return held;
        },
        purge: async () => {
          for (const table of await tables()) await server.query(`drop table ${table} sync`);
        },
      });
    },
  },
  {
    name: "s3",
    absent: S3_ABSENT,
    start: async () => {
      const server = await S3Server.start();
      const keys = Object.entries(server.keys()).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      return withKeys(server, {
        toml: ['type = "s3"', "part_seconds = 1", "files_per_hour = 1000000", ...keys].join("\n"),
        held: async () => {
          const held: HeldEvent[] = [];
          for (const key of await server.list("kind=")) {
            const kind = /kind=([^/]+)/.exec(key)?.[1] as EventKind;
            for (const { offset, index } of await readParquetBytes(await server.read(key))) {
              held.push({ offset: Number(offset), index: Number(index), place: tableOf(kind), group: null, rows: 1 });
            }
          }
          return held;
        },
        purge: async () => {
          for (const key of await server.list("")) await server.remove(key);
        },
      });
    },
  },
];
