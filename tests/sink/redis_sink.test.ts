import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { REDIS_BINARIES, RedisServer } from "../support/redis_server.ts";
import { testBrokerSink } from "./broker_conformance.ts";

for (const { name, path, absent } of REDIS_BINARIES) {
  testBrokerSink<RedisServer>({
    type: "redis",
    server: name,
    absent,
    startServer: () => RedisServer.start(path),
    keys: (server, prefix) => ({
      url: server.url(),
      stream: `${prefix}:{kind}:{exchange}:{symbol}`,
      position_key: `${prefix}:_position:{sink}`,
      max_length: 0,
    }),
    read: (server, prefix) => server.read(prefix),
    purge: (server, prefix) => server.purge(prefix),
    tradeName: (prefix) => `${prefix}:trade:alpha:BTC-USDT`,
    wrongLogin: (server) => ({ url: server.url("wrong-secret") }),
    secret: "wrong-secret",
    fences: true,
    largeBook: 40_000,
  });
}

const [{ path, absent }] = REDIS_BINARIES;

Deno.test({
  name: absent === null ? "redis sink against streams of others" : `redis sink (ignored: ${absent})`,
  ignore: absent !== null,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    const server = await RedisServer.start(path);
    const make = (options: Readonly<Record<string, unknown>>, context = {}) =>
      makeSink({ type: "redis", name: "bus", kinds: null, options: { url: server.url(), ...options } }, denoHost(), {
        collector: "eu-1",
        ...context,
      });
    const writeAs = async (journal: string, options: Readonly<Record<string, unknown>>, offsets: readonly number[]) => {
      const sink = make(options, { collector: journal, journal });
      try {
        await sink.open(0);
        await sink.write(offsets.map((offset) => envelope(offset, trade(String(offset)))));
        await sink.flush();
      } finally {
        await sink.close();
      }
    };
    try {
      await t.step("is blocked by a stream that another collector writes, and says what to do", async () => {
        const options = { stream: "shared:{kind}" };
        await writeAs("one", options, [2000, 2001]);
        await assert.rejects(
          () => writeAs("two", options, [1000, 1001]),
          (error) => error instanceof Failure && !error.retry && /shared:trade.*\{collector\}/.test(error.message),
        );
        assert.equal((await server.read("shared")).length, 2);
      });
      await t.step("gives each collector its own streams where the key says so", async () => {
        const options = { stream: "own:{collector}:{kind}" };
        await writeAs("three", options, [2000, 2001]);
        await writeAs("four", options, [1000, 1001]);
        assert.deepEqual([...new Set((await server.read("own")).map(({ name }) => name))], [
          "own:four:trade",
          "own:three:trade",
        ]);
      });
      await t.step("keeps about as many entries as it is told to", async () => {
        await writeAs(
          "many",
          { stream: "short:{kind}", max_length: 10 },
          Array.from({ length: 500 }, (_, at) => 5000 + at),
        );
        assert.ok((await server.read("short")).length < 200);
      });
      await t.step("is blocked by a key of another type", async () => {
        await server.call("SET", "text:trade", "x");
        await assert.rejects(
          () => writeAs("five", { stream: "text:{kind}" }, [1]),
          (error) => error instanceof Failure && !error.retry && /WRONGTYPE/.test(error.message),
        );
      });
    } finally {
      await server.stop();
    }
  },
});
