import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type Envelope, Failure, type Level, Secrets, type SinkPlan } from "../../src/model/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { testSink } from "./conformance.ts";
import type { TestedServer } from "./table_conformance.ts";

/** A message as a reader gets it. */
export interface ReadMessage {
  /** Name of its subject, topic or stream. */
  readonly name: string;
  readonly body: string;
}

/** A sink that gives messages to a real server. */
export interface BrokerSinkUnderTest<Server extends TestedServer> {
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
export function testBrokerSink<Server extends TestedServer>(sut: BrokerSinkUnderTest<Server>): void {
  let running: Promise<Server> | null = null;
  let started: Server | null = null;
  const server = async () => started = await (running ??= sut.startServer());
  const ignore = sut.absent !== null;
  const title = sut.absent === null
    ? `${sut.server ?? sut.type} sink`
    : `${sut.server ?? sut.type} sink (ignored: ${sut.absent})`;
  const running_ = () => {
    if (started === null) throw new Error("The server has not been started");
    return started;
  };
  const plan = (prefix: string, keys: Readonly<Record<string, unknown>> = {}): SinkPlan => ({
    type: sut.type,
    name: "bus",
    kinds: null,
    options: { ...sut.keys(running_(), prefix), ...keys },
  });
  const test = (claim: string, fn: (prefix: string, server: Server) => Promise<void>) =>
    Deno.test({
      name: `${title} ${claim}`,
      ignore,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => await fn(prefixOf(crypto.randomUUID()), await server()),
    });
  const host = denoHost();
  const make = (prefix: string, keys?: Readonly<Record<string, unknown>>) =>
    makeSink(plan(prefix, keys), host, { collector: COLLECTOR });
  const bodies = async (prefix: string) =>
    joined((await sut.read(running_(), prefix)).map(({ body }) => JSON.parse(body))).map((event) =>
      JSON.stringify(event)
    );
  const holds = async (prefix: string, events: readonly Envelope[]) =>
    assert.deepEqual(await bodies(prefix), events.map((event) => eventJson(event, COLLECTOR)));

  test("starts", () => Promise.resolve());
  if (!ignore) {
    testSink({
      type: sut.server ?? sut.type,
      exactlyOnce: false,
      plan: (dir) => plan(prefixOf(dir)),
      context: { collector: COLLECTOR },
      expected: (event) => ({ group: event.event.kind, rows: [eventJson(event, COLLECTOR)] }),
      read: async (dir) => {
        const held = new Map<string, string[]>();
        const read = await sut.read(running_(), prefixOf(dir));
        const events = joined(read.map(({ body }) => JSON.parse(body)));
        for (const event of events.sort(byPlace)) {
          held.set(String(event.kind), [...held.get(String(event.kind)) ?? [], JSON.stringify(event)]);
        }
        return held;
      },
      runs: sut.runs ?? 5,
    });
  }

  test("names messages as its template says", async (prefix) => {
    const sink = make(prefix);
    await sink.open(0);
    await sink.write([envelope(5, trade("1.5"))]);
    await sink.flush();
    await sink.close();
    assert.deepEqual((await sut.read(running_(), prefix)).map(({ name }) => name), [sut.tradeName(prefix)]);
  });

  test("holds every event once, in order, over ends of the collector between any two calls", async (prefix) => {
    const events = numbered(60);
    let committed = 0;
    let step = 0;
    for (let life = 0; life < 200; life++) {
      const sink = make(prefix, { batch_rows: 3 });
      const stand = await sink.open(committed);
      const rest = events.filter(({ offset }) => offset >= stand);
      if (rest.length === 0) {
        await sink.close();
        break;
      }
      for (let at = 0; at < rest.length; at += 4) {
        const batch = rest.slice(at, at + 4);
        await sink.write(batch);
        if (++step % 3 === 0) break; // Written and not flushed.
        await sink.flush();
        if (step % 5 === 0) break; // Flushed and not committed.
        committed = batch[batch.length - 1].offset + 1;
      }
      await sink.close();
    }
    await holds(prefix, events);
  });

  test("goes on within a record whose events were stored in part", async (prefix) => {
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

  test("fails within seconds when the server is killed, and has every event once after it came back", async (prefix) => {
    const events = numbered(40);
    const first = make(prefix);
    await first.open(0);
    await first.write(events.slice(0, 10));
    await first.flush();
    await running_().kill();
    const isAway = (error: unknown) => error instanceof Failure && error.retry;
    await assert.rejects(async () => {
      await first.write(events.slice(10, 20));
      await first.flush();
    }, isAway);
    await first.close();
    const away = make(prefix);
    await assert.rejects(() => away.open(10), isAway);
    await away.close();
    await running_().start();
    await resume(prefix, events);
    await holds(prefix, events);
  });

  test("says that a server which hangs does not answer, and has every event once after it goes on", async (prefix) => {
    const events = numbered(40);
    const first = make(prefix, { timeout_ms: 300 });
    await first.open(0);
    await first.write(events.slice(0, 10));
    await first.flush();
    await running_().suspend();
    await assert.rejects(async () => {
      await first.write(events.slice(10, 20));
      await first.flush();
    }, (error) => error instanceof Failure && error.retry);
    await first.close();
    await running_().resume();
    await resume(prefix, events);
    await holds(prefix, events);
  });

  test(
    "stands at 0 where the destination was emptied, and tells it of what it is given again",
    async (prefix, server) => {
      const events = numbered(10);
      await resume(prefix, events);
      await sut.purge(server, prefix);
      const sink = make(prefix);
      assert.equal(await sink.open(9999), 0);
      await sink.close();
      await resume(prefix, events);
      await holds(prefix, events);
    },
  );

  test("moves its position on where nothing of it was wanted", async (prefix) => {
    const sink = make(prefix);
    await sink.open(0);
    await sink.flush(5000);
    await sink.close();
    const next = make(prefix);
    assert.equal(await next.open(5000), 5000);
    await next.close();
    assert.deepEqual(await bodies(prefix), []);
  });

  if (sut.fences) {
    test("shuts out an object that another one has followed", async (prefix) => {
      const events = numbered(8);
      const zombie = make(prefix);
      await zombie.open(0);
      await zombie.write(events.slice(0, 2));
      await zombie.flush();
      await resume(prefix, events.slice(0, 4));
      await assert.rejects(async () => {
        await zombie.write(events.slice(2, 6));
        await zombie.flush();
      }, Failure);
      await zombie.close();
      await resume(prefix, events);
      await holds(prefix, events);
    });
  }

  test("splits what is above the server's limit into parts that say so", async (prefix) => {
    const levels = Array.from({ length: sut.largeBook }, (_, at) => [`${at + 1}.50`, `0.${at + 1}`] as const);
    const book = envelope(7, { kind: "book_snapshot", bids: levels, asks: levels.slice(1), sequence: "7" });
    await resume(prefix, [book]);
    const parts = (await sut.read(running_(), prefix)).map(({ body }) => JSON.parse(body));
    assert.ok(parts.length > 1);
    assert.deepEqual(parts.map(({ part }) => part), parts.map((_, at) => at));
    assert.ok(parts.every((part) => part.parts === parts.length));
    await holds(prefix, [book]);
  });

  test("is blocked by a login that is refused, and shows no secret", async (prefix, server) => {
    const secrets = new Secrets();
    secrets.add("{env:PASSWORD}", sut.secret);
    const sink = make(prefix, sut.wrongLogin(server));
    await assert.rejects(() => sink.open(0), (error) => {
      assert.ok(error instanceof Failure && !error.retry, String(error));
      assert.ok(!error.message.includes(sut.secret), error.message);
      return true;
    });
    await sink.close();
  });

  /** Opens a sink as a delivery does and gives it what it lacks. */
  async function resume(prefix: string, events: readonly Envelope[]): Promise<void> {
    for (let tries = 1;; tries++) {
      const sink = make(prefix);
      try {
        const stand = await sink.open(0);
        await sink.write(events.filter(({ offset }) => offset >= stand));
        await sink.flush(events[events.length - 1].offset + 1);
        return;
      } catch (error) {
        if (!(error instanceof Failure && error.retry) || tries === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      } finally {
        await sink.close();
      }
    }
  }

  Deno.test({
    name: `${title} leaves no server behind`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await (await running)?.stop();
      running = null;
    },
  });
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

/** A prefix of names made from a folder's name or an id. */
function prefixOf(text: string): string {
  return `t${text.replace(/[^A-Za-z0-9]/g, "").slice(-20)}`;
}

/** Trades, one a record, told apart by their prices. */
function numbered(count: number): readonly Envelope[] {
  return Array.from({ length: count }, (_, at) => envelope(1000 + at * 2, trade(`${at + 1}.50`)));
}
