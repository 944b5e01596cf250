import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure, Secrets, type SinkPlan } from "../../src/model/mod.ts";
import {
  columnsOf,
  type Row,
  type RowIdentity,
  rowMaker,
  type TableName,
  tableOf,
  TABLES,
} from "../../src/sink/table_rows.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { testSink } from "./conformance.ts";

/** A server for tests that can fail in every way. */
export interface TestedServer {
  kill(): Promise<void>;
  start(): Promise<void>;
  suspend(): void | Promise<void>;
  resume(): void | Promise<void>;
  stop(): Promise<void>;
}

/** A sink that writes into tables of a real server. */
export interface TableSinkUnderTest<Server extends TestedServer> {
  readonly type: string;
  /** Why there is no server here; null where there is one. */
  readonly absent: string | null;
  startServer(): Promise<Server>;
  /** Keys beside `table_prefix`, which keeps tests apart. */
  keys(server: Server): Readonly<Record<string, unknown>>;
  /** Rows of a table as `expected` gives them, in the order of offset, index and position; of an absent table none. */
  read(server: Server, table: string, columns: readonly string[]): Promise<readonly string[]>;
  /** How a row reads at the destination. */
  expected(row: Row, table: TableName, identity: RowIdentity): string;
  /** Removes all tables that begin with a prefix, positions too. */
  purge(server: Server, prefix: string): Promise<void>;
  /** Takes one column from the table of trades. */
  dropColumn(server: Server, table: string): Promise<void>;
  /** Keys of a login that is refused. */
  wrongLogin(server: Server): Readonly<Record<string, unknown>>;
  /** Whether an object that was followed by another can no longer write at all. */
  readonly fences: boolean;
  readonly secret: string;
}

/** A prefix of table names made from a folder's name. */
function prefixOf(dir: string): string {
  return `t${dir.replace(/[^A-Za-z0-9]/g, "").slice(-24)}_`;
}

/** Runs the tests that every sink of tables has to pass against its server. */
export function testTableSink<Server extends TestedServer>(sut: TableSinkUnderTest<Server>): void {
  let running: Promise<Server> | null = null;
  const server = () => running ??= sut.startServer();
  const title = sut.absent === null ? `${sut.type} sink` : `${sut.type} sink (ignored: ${sut.absent})`;
  const ignore = sut.absent !== null;
  let started: Server | null = null;
  const plan = (prefix: string, keys: Readonly<Record<string, unknown>> = {}): SinkPlan => {
    if (started === null) throw new Error("The server has not been started");
    return {
      type: sut.type,
      name: "tables",
      kinds: null,
      options: { ...sut.keys(started), table_prefix: prefix, ...keys },
    };
  };
  const test = (claim: string, body: (prefix: string, server: Server) => Promise<void>) =>
    Deno.test({
      name: `${title} ${claim}`,
      ignore,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        started = await server();
        await body(`t${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}_`, started);
      },
    });
  const rowsOf = rowMaker({ collector: "eu-1", identity: "position" });
  const read = (prefix: string, table: TableName) =>
    sut.read(started as Server, `${prefix}${table}`, columnsOf(table, "position").map(({ name }) => name));
  const holds = async (prefix: string, events: readonly Envelope[]) => {
    const expected = new Map<TableName, string[]>();
    for (const event of events) {
      const table = tableOf(event.event.kind);
      const rows = expected.get(table) ?? [];
      rows.push(...rowsOf(event).map((row) => sut.expected(row, table, "position")));
      expected.set(table, rows);
    }
    for (const [table, rows] of expected) {
      const found = await read(prefix, table);
      assert.equal(found.length, rows.length, `rows of ${table}`);
      for (const [at, row] of rows.entries()) assert.equal(found[at], row);
    }
  };
  const host = denoHost();
  const make = (prefix: string, keys?: Readonly<Record<string, unknown>>) => made(plan(prefix, keys), host);

  test("starts", () => Promise.resolve());
  if (!ignore) {
    testSink({
      type: sut.type,
      exactlyOnce: false,
      plan: (dir) => plan(prefixOf(dir)),
      context: { collector: "eu-1" },
      expected: (event) => {
        const table = tableOf(event.event.kind);
        return { group: table, rows: rowsOf(event).map((row) => sut.expected(row, table, "position")) };
      },
      read: async (dir) => {
        const held = new Map<string, readonly string[]>();
        for (const table of TABLES) held.set(table, await read(prefixOf(dir), table));
        return new Map([...held].filter(([, rows]) => rows.length > 0));
      },
      runs: 3,
    });
  }

  test("holds every event once, in order, over ends of the collector between any two calls", async (prefix) => {
    const events = numbered(60);
    let committed = 0;
    let step = 0;
    for (let life = 0; life < 200; life++) {
      // So few rows a request that some are sent before they are flushed.
      const sink = make(prefix, { batch_rows: 3 });
      const stand = await sink.open(committed);
      const rest = events.filter(({ offset }) => offset >= stand);
      if (rest.length === 0) break;
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

  test(
    "fails within seconds when the server is killed, and has every event once after it came back",
    async (prefix, server) => {
      const events = numbered(40);
      const first = make(prefix);
      await first.open(0);
      await first.write(events.slice(0, 10));
      await first.flush();
      await server.kill();
      await assert.rejects(async () => {
        await first.write(events.slice(10, 20));
        await first.flush();
      }, (error) => error instanceof Failure && error.retry);
      await first.close();
      const away = make(prefix);
      await assert.rejects(() => away.open(10), (error) => error instanceof Failure && error.retry);
      await away.close();
      await server.start();
      const second = make(prefix);
      const stand = await second.open(events[9].offset + 1);
      await second.write(events.filter(({ offset }) => offset >= stand));
      await second.flush();
      await second.close();
      await holds(prefix, events);
    },
  );

  test(
    "gives up a server that hangs when it is told to, and has every event once after it goes on",
    async (prefix, server) => {
      const events = numbered(40);
      const first = make(prefix);
      await first.open(0);
      await first.write(events.slice(0, 10));
      await first.flush();
      await server.suspend();
      const writing = (async () => {
        await first.write(events.slice(10, 20));
        await first.flush();
      })();
      setTimeout(() => first.abort(), 300);
      await assert.rejects(writing);
      await first.close();
      await server.resume();
      const second = make(prefix);
      const stand = await second.open(events[9].offset + 1);
      await second.write(events.filter(({ offset }) => offset >= stand));
      await second.flush();
      await second.close();
      await holds(prefix, events);
    },
  );

  test("sees at its opening that the destination was emptied", async (prefix, server) => {
    const events = numbered(10);
    const first = make(prefix);
    assert.equal(await first.open(0), 0);
    await first.write(events);
    await first.flush();
    await first.close();
    const next = events[9].offset + 1;
    const again = make(prefix);
    assert.equal(await again.open(next), next);
    await again.close();
    await sut.purge(server, prefix);
    // As a delivery does: a sink that fails is opened again.
    for (let tries = 1;; tries++) {
      const second = make(prefix);
      const stand = await second.open(next);
      if (tries === 1) assert.equal(stand, 0);
      try {
        await second.write(events.filter(({ offset }) => offset >= stand));
        await second.flush();
        break;
      } catch (error) {
        assert.ok(error instanceof Failure && error.retry && tries < 10, String(error));
      } finally {
        await second.close();
      }
    }
    await holds(prefix, events);
  });

  if (sut.fences) {
    test("shuts out an object that another one has followed", async (prefix) => {
      const events = numbered(8);
      const zombie = make(prefix);
      await zombie.open(0);
      await zombie.write(events.slice(0, 2));
      await zombie.flush();
      const heir = make(prefix);
      const stand = await heir.open(0);
      assert.equal(stand, events[1].offset + 1);
      await assert.rejects(async () => {
        await zombie.write(events.slice(2, 6));
        await zombie.flush();
      }, Failure);
      await zombie.close();
      await heir.write(events.slice(2));
      await heir.flush();
      await heir.close();
      await holds(prefix, events);
    });
  }

  test("is blocked by a table that lacks a column, and names it", async (prefix, server) => {
    const first = make(prefix);
    await first.open(0);
    await first.close();
    await sut.dropColumn(server, `${prefix}trade`);
    const second = make(prefix);
    await assert.rejects(
      () => second.open(0),
      (error) =>
        error instanceof Failure && !error.retry && error.message.includes(`${prefix}trade`) &&
        error.message.includes("price"),
    );
    await second.close();
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

  test("keeps one copy of what two collectors have both seen, where identity is content", async (prefix) => {
    const shared = numbered(20);
    for (const [at, collector] of ["eu-1", "us-1"].entries()) {
      const sink = made(plan(prefix, { identity: "content" }), host, {
        collector,
        journal: `${at + 1}1111111-1111-4111-8111-111111111111`,
      });
      await sink.open(0);
      await sink.write(
        shared.slice(at * 5, at * 5 + 15).map((event) => ({
          ...event,
          offset: event.offset + at * 100,
          received_ts: event.received_ts + at * 1000,
        })),
      );
      await sink.flush();
      await sink.close();
    }
    const trades = await sut.read(started as Server, `${prefix}trade`, ["content_id"]);
    assert.equal(trades.length, 20);
    assert.equal(new Set(trades).size, 20);
  });

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

function made(plan: SinkPlan, host: Host, context: Readonly<Record<string, unknown>> = {}) {
  return makeSink(plan, host, { collector: "eu-1", ...context });
}

/** Trades, one a record, told apart by their prices. */
function numbered(count: number): readonly Envelope[] {
  return Array.from({ length: count }, (_, at) => envelope(1000 + at * 2, trade(`${at + 1}.50`)));
}
