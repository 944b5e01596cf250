import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { covers } from "../../src/sink/nats/stream.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { testBrokerSink } from "./broker_conformance.ts";

testBrokerSink<NatsServer>({
  type: "nats",
  absent: NATS_ABSENT,
  startServer: () => NatsServer.start(),
  keys: (server, prefix) => ({
    url: server.url(),
    stream: prefix,
    subject: `${prefix}.{kind}.{exchange}.{symbol}`,
    timeout_ms: 5000,
  }),
  read: (server, prefix) => server.read(prefix),
  purge: async (server, prefix) => void await server.api(`STREAM.PURGE.${prefix}`),
  tradeName: (prefix) => `${prefix}.trade.alpha.BTC-USDT`,
  wrongLogin: (server) => ({ url: server.url("wrong-secret") }),
  secret: "wrong-secret",
  fences: true,
  largeBook: 40_000,
});

Deno.test("covers() tells which subjects a stream takes", () => {
  assert.ok(covers(["md.>"], "md.>"));
  assert.ok(covers(["md.*.a", ">"], "x.>"));
  assert.ok(!covers(["md.*"], "md.>"));
  assert.ok(!covers(["other.>"], "md.>"));
});

Deno.test({
  name: NATS_ABSENT === null ? "nats sink against streams of others" : `nats sink (ignored: ${NATS_ABSENT})`,
  ignore: NATS_ABSENT !== null,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    const server = await NatsServer.start();
    const make = (options: Readonly<Record<string, unknown>>, context = {}) =>
      makeSink({ type: "nats", name: "bus", kinds: null, options: { url: server.url(), ...options } }, denoHost(), {
        collector: "eu-1",
        ...context,
      });
    const isBlocked = (part: RegExp) => (error: unknown) =>
      error instanceof Failure && !error.retry && part.test(error.message);
    try {
      await t.step("is blocked by a stream that takes no atomic batches, and says what to do", async () => {
        await server.api("STREAM.CREATE.PLAIN", { name: "PLAIN", subjects: ["plain.>"] });
        const sink = make({ stream: "PLAIN", subject: "plain.{kind}" });
        await assert.rejects(() => sink.open(0), isBlocked(/allow_atomic.*content_id/));
        await sink.close();
      });
      await t.step("is blocked by a stream that does not take its subjects", async () => {
        const sink = make({ stream: "PLAIN", subject: "other.{kind}", mode: "content_id" });
        await assert.rejects(() => sink.open(0), isBlocked(/does not take the subjects other\.>/));
        await sink.close();
      });
      await t.step("is blocked by another stream with the same subjects", async () => {
        const sink = make({ stream: "NEW", subject: "plain.{kind}" });
        await assert.rejects(() => sink.open(0), isBlocked(/overlap/));
        await sink.close();
      });
      await t.step("keeps one copy of what two collectors have both seen, by content", async () => {
        const shared = Array.from({ length: 30 }, (_, at) => envelope(1000 + at, trade(`${at + 1}`)));
        for (const [at, collector] of ["eu-1", "us-1"].entries()) {
          const sink = make({ stream: "HOT", subject: "hot.{kind}", mode: "content_id", max_in_flight: 7 }, {
            collector,
            journal: `${at}1111111-1111-4111-8111-111111111111`,
          });
          await sink.open(0);
          await sink.write(
            shared.slice(at * 10, at * 10 + 20).map((event) => ({ ...event, offset: event.offset + at * 500 })),
          );
          await sink.flush();
          await sink.close();
        }
        const prices = (await server.read("HOT")).map(({ body }) => JSON.parse(body).price);
        assert.deepEqual(prices.sort((a, b) => a - b), shared.map((_, at) => `${at + 1}`));
      });
    } finally {
      await server.stop();
    }
  },
});
