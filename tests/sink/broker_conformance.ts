import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type Envelope, type Level, type SinkPlan } from "../../src/model/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import type { TestServer } from "../support/server_process.ts";
import { testSink } from "./conformance.ts";
import { numbered, prefixOf, resume, SharedServer, testServerSink } from "./server_conformance.ts";

/** A message as a reader gets it. */
export interface ReadMessage {
  /** Name of its subject, topic or stream. */
  readonly name: string;
  readonly body: string;
}

/** A sink that gives messages to a real server. */
export interface BrokerSinkUnderTest<Server extends TestServer> {
  readonly type: string;
  /** Name of the server, where it is not the type's. */
  readonly server?: string;
  /** Why there is no server here; null where there is one. */
  readonly absent: string | null;
  startServer(): Promise<Server>;
  /** Keys that keep tests apart by a prefix. */
  keys(server: Server, prefix: string): Readonly<Record<string, unknown>>;
  /** All messages below a prefix, those of one name in order. */
  read(server: Server, prefix: string): Promise<readonly ReadMessage[]>;
  /** Removes all messages below a prefix, the position too. */
  purge(server: Server, prefix: string): Promise<void>;
  /** Name that a trade of `alpha` in BTC/USDT has below a prefix. */
  tradeName(prefix: string): string;
  /** Keys of a login that is refused. */
  wrongLogin(server: Server): Readonly<Record<string, unknown>>;
  readonly secret: string;
  /** Whether an object that was followed by another can no longer write. */
  readonly fences: boolean;
  /** Levels of a book that is above the server's limit. */
  readonly largeBook: number;
  readonly runs?: number;
}

const COLLECTOR = "eu-1";

/** Runs the tests that every sink of messages has to pass against its server. */
export function testBrokerSink<Server extends TestServer>(sut: BrokerSinkUnderTest<Server>): void {
  const shared = new SharedServer(sut.server ?? sut.type, sut.absent, () => sut.startServer());
  const plan = (prefix: string, keys: Readonly<Record<string, unknown>> = {}): SinkPlan => ({
    type: sut.type,
    name: "bus",
    kinds: null,
    options: { ...sut.keys(shared.running, prefix), ...keys },
  });
  const host = denoHost();
  const make = (prefix: string, keys?: Readonly<Record<string, unknown>>) =>
    makeSink(plan(prefix, keys), host, { collector: COLLECTOR });
  const bodies = async (prefix: string) =>
    joined((await sut.read(shared.running, prefix)).map(({ body }) => JSON.parse(body))).map((event) =>
      JSON.stringify(event)
    );
  const holds = async (prefix: string, events: readonly Envelope[]) =>
    assert.deepEqual(await bodies(prefix), events.map((event) => eventJson(event, COLLECTOR)));

  shared.test("starts", () => Promise.resolve());
  if (!shared.ignore) {
    testSink({
      type: sut.server ?? sut.type,
      exactlyOnce: false,
      plan: (dir) => plan(prefixOf(dir)),
      context: { collector: COLLECTOR },
      expected: (event) => ({ group: event.event.kind, rows: [eventJson(event, COLLECTOR)] }),
      read: async (dir) => {
        const held = new Map<string, string[]>();
        const read = await sut.read(shared.running, prefixOf(dir));
        const events = joined(read.map(({ body }) => JSON.parse(body)));
        for (const event of events.sort(byPlace)) {
          held.set(String(event.kind), [...held.get(String(event.kind)) ?? [], JSON.stringify(event)]);
        }
        return held;
      },
      runs: sut.runs ?? 5,
    });
  }

  shared.test("names messages as its template says", async (prefix) => {
    const sink = make(prefix);
    await sink.open(0);
    await sink.write([envelope(5, trade("1.5"))]);
    await sink.flush();
    await sink.close();
    assert.deepEqual((await sut.read(shared.running, prefix)).map(({ name }) => name), [sut.tradeName(prefix)]);
  });

  shared.test("goes on within a record whose events were stored in part", async (prefix) => {
    const events = Array.from({ length: 10 }, (_, index) => ({ ...envelope(1000, trade(`${index + 1}`)), index }));
    const first = make(prefix, { batch_rows: 3 });
    await first.open(0);
    await first.write(events);
    await first.close();
    const stored = await bodies(prefix);
    assert.ok(stored.length > 0 && stored.length < 10, `${stored.length} of 10 are stored before the flush`);
    const second = make(prefix);
    assert.equal(await second.open(0), 1000);
    await second.write(events);
    await second.flush();
    await second.close();
    await holds(prefix, events);
  });

  shared.test(
    "stands at 0 where the destination was emptied, and tells it of what it is given again",
    async (prefix, server) => {
      const events = numbered(10);
      await resume({ make }, prefix, events);
      await sut.purge(server, prefix);
      const sink = make(prefix);
      assert.equal(await sink.open(9999), 0);
      await sink.close();
      await resume({ make }, prefix, events);
      await holds(prefix, events);
    },
  );

  shared.test("moves its position on where nothing of it was wanted", async (prefix) => {
    const sink = make(prefix);
    await sink.open(0);
    await sink.flush(5000);
    await sink.close();
    const next = make(prefix);
    assert.equal(await next.open(5000), 5000);
    await next.close();
    assert.deepEqual(await bodies(prefix), []);
  });

  shared.test("splits what is above the server's limit into parts that say so", async (prefix) => {
    const levels = Array.from({ length: sut.largeBook }, (_, at) => [`${at + 1}.50`, `0.${at + 1}`] as const);
    const book = envelope(7, { kind: "book_snapshot", bids: levels, asks: levels.slice(1), sequence: "7" });
    await resume({ make }, prefix, [book]);
    const parts = (await sut.read(shared.running, prefix)).map(({ body }) => JSON.parse(body));
    assert.ok(parts.length > 1);
    assert.deepEqual(parts.map(({ part }) => part), parts.map((_, at) => at));
    assert.ok(parts.every((part) => part.parts === parts.length));
    await holds(prefix, [book]);
  });

  testServerSink(shared, {
    make,
    holds,
    impatience: { timeout_ms: 300 },
    wrongLogin: () => sut.wrongLogin(shared.running),
    secret: sut.secret,
    fences: sut.fences ? "write" : null,
  });
  shared.end();
}

type Body = Record<string, unknown> & { readonly offset: number; readonly index: number };

function byPlace(a: Body, b: Body): number {
  return a.offset - b.offset || a.index - b.index;
}

/** Messages with the parts of an event put together, as the documentation tells readers to. */
function joined(messages: readonly Body[]): Body[] {
  const events: Body[] = [];
  for (const { part, parts, ...body } of messages) {
    if (parts === undefined || part === 0) {
      events.push(body as Body);
      continue;
    }
    const event = events[events.length - 1];
    for (const [name, value] of Object.entries(body)) {
      if (Array.isArray(value)) event[name] = [...event[name] as readonly Level[], ...value];
      else if (typeof value === "string" && value !== event[name]) event[name] = `${event[name]}${value}`;
    }
  }
  return events;
}
