import { CLICKHOUSE_ABSENT, ClickhouseServer } from "../support/clickhouse_server.ts";
import { KAFKA_ABSENT, KafkaServer } from "../support/kafka_server.ts";
import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { QUESTDB_ABSENT, QuestdbServer } from "../support/questdb_server.ts";
import { REDIS_BINARIES, RedisServer } from "../support/redis_server.ts";
import { S3_ABSENT, S3Server } from "../support/s3_server.ts";

/** A sink to measure, on a server of its own where it needs one. */
export interface SinkTarget {
  /** What the table of results calls it. */
  readonly name: string;
  readonly type: string;
  /** Why it cannot be measured here; null where it can. */
  readonly absent: string | null;
  /** Makes its server ready, in a folder of its own; returns the sink's keys and what ends the server. */
  start(dir: string): Promise<{ readonly keys: Readonly<Record<string, unknown>>; stop(): Promise<void> }>;
}

function folderTarget(type: string): SinkTarget {
  const stop = () => Promise.resolve();
  return { name: type, type, absent: null, start: (dir) => Promise.resolve({ keys: { dir }, stop }) };
}

/** Sinks in the order of the table. The first is what the others are compared with. */
export const SINK_TARGETS: readonly SinkTarget[] = [
  folderTarget("parquet"),
  folderTarget("ndjson"),
  folderTarget("csv"),
  {
    name: "postgres",
    type: "postgres",
    absent: POSTGRES_ABSENT,
    start: async () => {
      const server = await PostgresServer.start();
      return { keys: { url: server.url() }, stop: () => server.stop() };
    },
  },
  {
    name: "postgres, by content",
    type: "postgres",
    absent: POSTGRES_ABSENT,
    start: async () => {
      const server = await PostgresServer.start();
      return { keys: { url: server.url(), identity: "content" }, stop: () => server.stop() };
    },
  },
  {
    name: "questdb",
    type: "questdb",
    absent: QUESTDB_ABSENT,
    start: async () => {
      const server = await QuestdbServer.start();
      return { keys: { url: server.url() }, stop: () => server.stop() };
    },
  },
  {
    name: "clickhouse (engine)",
    type: "clickhouse",
    absent: CLICKHOUSE_ABSENT,
    start: async () => {
      const server = await ClickhouseServer.start();
      return { keys: { url: server.url() }, stop: () => server.stop() };
    },
  },
  {
    name: "s3",
    type: "s3",
    absent: S3_ABSENT,
    start: async () => {
      const server = await S3Server.start();
      return { keys: server.keys(), stop: () => server.stop() };
    },
  },
  {
    name: "nats",
    type: "nats",
    absent: NATS_ABSENT,
    start: async () => {
      const server = await NatsServer.start();
      return { keys: { url: server.url() }, stop: () => server.stop() };
    },
  },
  {
    name: "redis",
    type: "redis",
    absent: REDIS_BINARIES[0].absent,
    start: async () => {
      const server = await RedisServer.start(REDIS_BINARIES[0].path);
      return { keys: { url: server.url() }, stop: () => server.stop() };
    },
  },
  {
    name: "kafka",
    type: "kafka",
    absent: KAFKA_ABSENT,
    start: async () => {
      const server = await KafkaServer.start();
      const keys = { url: server.url(), sasl_mechanism: "PLAIN", partitions: 1 };
      return { keys, stop: () => server.stop() };
    },
  },
];
