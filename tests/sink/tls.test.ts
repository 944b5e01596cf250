import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { CLICKHOUSE_ABSENT, ClickhouseServer } from "../support/clickhouse_server.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { KAFKA_ABSENT, KafkaServer } from "../support/kafka_server.ts";
import { makeSink } from "../support/made_sink.ts";
import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { QUESTDB_ABSENT, QuestdbServer } from "../support/questdb_server.ts";
import { REDIS_BINARIES, RedisServer } from "../support/redis_server.ts";
import { S3_ABSENT, S3Server } from "../support/s3_server.ts";
import { type TestServer, TLS_FILES } from "../support/server_process.ts";
import { startTlsFront } from "../support/tls_front.ts";

/** A server that is spoken to over TLS. */
interface Secured<Server extends TestServer & { readonly port: number }> {
  readonly type: string;
  readonly absent: string | null;
  start(): Promise<Server>;
  /** Whether TLS is a front before the server, as it often is; else the server's own. */
  readonly behindFront: boolean;
  /** Keys of the sink; `port` is the one that speaks TLS. */
  keys(server: Server, port: number): Readonly<Record<string, unknown>>;
  /** Trades that the server holds. */
  trades(server: Server): Promise<number>;
}

function testTls<Server extends TestServer & { readonly port: number }>(sut: Secured<Server>): void {
  const { type, absent } = sut;
  Deno.test({
    name: `${type} sink over TLS${absent === null ? "" : ` (ignored: ${absent})`}`,
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      const server = await sut.start();
      const front = sut.behindFront ? await startTlsFront(server.port) : null;
      const make = (options: Readonly<Record<string, unknown>>) => {
        const keys = sut.keys(server, front?.port ?? server.port);
        return makeSink({ type, name: "bus", kinds: ["trade"], options: { ...keys, ...options } }, denoHost(), {
          collector: "eu-1",
        });
      };
      const isRefused = (pattern: RegExp) => (error: unknown) => {
        assert.ok(error instanceof Failure, String(error));
        assert.deepEqual([error.code, error.retry], ["tls", false], error.message);
        assert.match(error.message, pattern);
        return true;
      };
      try {
        await t.step("writes where the authority of `ca_path` signed the certificate", async () => {
          const sink = make({ ca_path: TLS_FILES.ca });
          await sink.open(0);
          await sink.write([envelope(5, trade("1.5"))]);
          await sink.flush();
          await sink.close();
          assert.equal(await sut.trades(server), 1);
        });
        await t.step("is blocked where nobody it trusts signed the certificate", async () => {
          // A certificate that signed something else.
          const sink = make({ ca_path: TLS_FILES.other });
          await assert.rejects(() => sink.open(0), isRefused(/certificate/i));
          await sink.close();
        });
        await t.step("is blocked by authorities that cannot be read, and names the file", async () => {
          for (const path of ["/nowhere/ca.pem", TLS_FILES.key]) {
            const sink = make({ ca_path: path });
            await assert.rejects(() => sink.open(0), isRefused(new RegExp(path.replaceAll(".", "\\."))));
            await sink.close();
          }
        });
      } finally {
        await front?.[Symbol.asyncDispose]();
        await server.stop();
      }
    },
  });
}

testTls({
  type: "nats",
  absent: NATS_ABSENT,
  start: () => NatsServer.start({ tls: true }),
  behindFront: false,
  keys: (server) => ({ url: server.url() }),
  trades: async (server) => (await server.read("CRYPTO")).length,
});

testTls({
  type: "kafka",
  absent: KAFKA_ABSENT,
  start: () => KafkaServer.start({ tls: true }),
  behindFront: false,
  keys: (server) => ({ url: server.url(), sasl_mechanism: "PLAIN", partitions: 1 }),
  trades: async (server) => (await server.read("md.trade")).length,
});

testTls({
  type: "postgres",
  absent: POSTGRES_ABSENT,
  start: () => PostgresServer.start({ tls: true }),
  behindFront: false,
  keys: (server) => ({ url: server.url() }),
  trades: async (server) => (await server.query("select * from trade")).length,
});

const [{ path, absent }] = REDIS_BINARIES;
testTls({
  type: "redis",
  absent,
  start: () => RedisServer.start(path),
  behindFront: true,
  keys: (server, port) => ({ url: over("rediss", server.url(), port) }),
  trades: async (server) => (await server.read("md")).length,
});

testTls({
  type: "clickhouse",
  absent: CLICKHOUSE_ABSENT,
  start: () => ClickhouseServer.start(),
  behindFront: true,
  keys: (server, port) => ({ url: over("https", server.url(), port) }),
  trades: async (server) => Number(await server.query("select count() from trade")),
});

testTls({
  type: "questdb",
  absent: QUESTDB_ABSENT,
  start: () => QuestdbServer.start(),
  behindFront: true,
  keys: (server, port) => ({ url: over("https", server.url(), port) }),
  trades: async (server) => {
    await server.applied();
    return (await server.query("select * from trade")).length;
  },
});

testTls({
  type: "s3",
  absent: S3_ABSENT,
  start: () => S3Server.start(),
  behindFront: true,
  keys: (server, port) => ({ ...server.keys(), url: `https://127.0.0.1:${port}`, prefix: "tls/" }),
  trades: async (server) => (await server.list("tls/")).filter((key) => key.includes("trade")).length,
});

function over(scheme: string, url: string, port: number): string {
  return url.replace(/^\w+:/, `${scheme}:`).replace(/:\d+$/, `:${port}`);
}
