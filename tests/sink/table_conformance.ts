import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure, type SinkPlan } from "../../src/model/mod.ts";
import {
  columnsOf,
  type Row,
  type RowIdentity,
  rowMaker,
  type TableName,
  tableOf,
  TABLES,
} from "../../src/sink/table_rows.ts";
import { makeSink } from "../support/made_sink.ts";
import type { TestServer } from "../support/server_process.ts";
import { testSink } from "./conformance.ts";
import { numbered, prefixOf, SharedServer, testServerSink } from "./server_conformance.ts";

/** A sink that writes into tables of a real server. */
export interface TableSinkUnderTest<Server extends TestServer> {
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

/** Runs the tests that every sink of tables has to pass against its server. */
export function testTableSink<Server extends TestServer>(sut: TableSinkUnderTest<Server>): void {
  const shared = new SharedServer(sut.type, sut.absent, () => sut.startServer());
  const plan = (prefix: string, keys: Readonly<Record<string, unknown>> = {}): SinkPlan => ({
    type: sut.type,
    name: "tables",
    kinds: null,
    options: { ...sut.keys(shared.running), table_prefix: prefix, ...keys },
  });
  const rowsOf = rowMaker({ collector: "eu-1", identity: "position" });
  const read = (prefix: string, table: TableName) =>
    sut.read(shared.running, `${prefix}${table}`, columnsOf(table, "position").map(({ name }) => name));
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

  shared.test("starts", () => Promise.resolve());
  if (!shared.ignore) {
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

  shared.test("sees at its opening that the destination was emptied", async (prefix, server) => {
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

  shared.test("is blocked by a table that lacks a column, and names it", async (prefix, server) => {
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

  shared.test("keeps one copy of what two collectors have both seen, where identity is content", async (prefix) => {
    const events = numbered(20);
    for (const [at, collector] of ["eu-1", "us-1"].entries()) {
      const sink = made(plan(prefix, { identity: "content" }), host, {
        collector,
        journal: `${at + 1}1111111-1111-4111-8111-111111111111`,
      });
      await sink.open(0);
      await sink.write(
        events.slice(at * 5, at * 5 + 15).map((event) => ({
          ...event,
          offset: event.offset + at * 100,
          received_ts: event.received_ts + at * 1000,
        })),
      );
      await sink.flush();
      await sink.close();
    }
    const trades = await sut.read(shared.running, `${prefix}trade`, ["content_id"]);
    assert.equal(trades.length, 20);
    assert.equal(new Set(trades).size, 20);
  });

  testServerSink(shared, {
    make,
    holds,
    impatience: null,
    wrongLogin: () => sut.wrongLogin(shared.running),
    secret: sut.secret,
    fences: sut.fences ? "open" : null,
  });
  shared.end();
}

function made(plan: SinkPlan, host: Host, context: Readonly<Record<string, unknown>> = {}) {
  return makeSink(plan, host, { collector: "eu-1", ...context });
}
