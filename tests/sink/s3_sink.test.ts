import assert from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { denoHost, type FetchRequest, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure, Secrets, type SinkPlan } from "../../src/model/mod.ts";
import type { SinkContext } from "../../src/sink/mod.ts";
import { JOURNAL, makeSink } from "../support/made_sink.ts";
import { S3_ABSENT, S3Server } from "../support/s3_server.ts";
import { testSink } from "./conformance.ts";
import { numbered as numberedOfOne, SharedServer } from "./server_conformance.ts";

const shared = new SharedServer("s3", S3_ABSENT, () => S3Server.start());
const { ignore } = shared;
const test = (claim: string, body: (prefix: string, server: S3Server) => Promise<void>) =>
  shared.test(claim, (prefix, server) => body(`${prefix}/`, server));

function plan(prefix: string, keys: Readonly<Record<string, unknown>> = {}): SinkPlan {
  return {
    type: "s3",
    name: "lake",
    kinds: null,
    options: { ...shared.running.keys(), prefix, exact_digits: true, ...keys },
  };
}

const HOST = denoHost();
const CONTEXT: Partial<SinkContext> = { collector: "eu-1" };
const make = (prefix: string, keys = {}, host: Host = HOST) => makeSink(plan(prefix, keys), host, CONTEXT);

/** Rows of all parts, by kind and exchange, in the order of offset, index and arrival. */
async function rowsOf(prefix: string): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, { offset: number; index: number; text: string }[]>();
  for (const key of await shared.running.list(`${prefix}kind=`)) {
    const bytes = await shared.running.read(key);
    const rows = await parquetReadObjects({
      file: new Uint8Array(bytes).buffer,
      compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) },
      parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
    });
    const [, kind, exchange] = /kind=([^/]+)\/exchange=([^/]+)/.exec(key) ?? [];
    const group = found.get(`${kind} ${exchange}`) ?? [];
    for (const row of rows) {
      const [offset, index] = [Number(row.offset), Number(row.index)];
      const text = `${row.canonical_symbol} ${row.received_ts} ${row.collector} ${offset}.${index} ${
        row.price_text ?? ""
      }`;
      group.push({ offset, index, text });
    }
    found.set(`${kind} ${exchange}`, group);
  }
  return new Map(
    [...found].map(([group, rows]) => [
      group,
      rows.sort((a, b) => a.offset - b.offset || a.index - b.index).map(({ text }) => text),
    ]),
  );
}

function expectedOf({ event, exchange, symbol, received_ts, offset, index }: Envelope) {
  const prices = "bids" in event
    ? [...event.bids, ...event.asks].map(([price]) => price)
    : ["price" in event ? event.price : ""];
  const list = prices.length === 0 ? [""] : prices;
  return {
    group: `${event.kind} ${exchange}`,
    rows: list.map((price) => `${symbol} ${received_ts} eu-1 ${offset}.${index} ${price}`),
  };
}

async function holds(prefix: string, events: readonly Envelope[]): Promise<void> {
  const expected = new Map<string, string[]>();
  for (const event of events) {
    const { group, rows } = expectedOf(event);
    expected.set(group, [...expected.get(group) ?? [], ...rows]);
  }
  const sorted = (held: ReadonlyMap<string, readonly string[]>) => [...held].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(await rowsOf(prefix)), sorted(expected));
}

/** Trades of two exchanges, one a record, told apart by their prices. */
function numbered(count: number): readonly Envelope[] {
  return numberedOfOne(count).map((trade, at) => ({ ...trade, exchange: at % 3 === 0 ? "beta" : "alpha" }));
}

/** Delivers as the collector does until nothing is left; returns how many lives it took. */
async function deliver(
  prefix: string,
  events: readonly Envelope[],
  { host, batch, flushEvery, onFlush }: {
    readonly host: () => Host;
    readonly batch: number;
    readonly flushEvery: number;
    readonly onFlush?: () => void;
  },
): Promise<void> {
  let last: unknown = null;
  for (let life = 0; life < 20; life++) {
    const sink = make(prefix, {}, host());
    try {
      const stand = await sink.open(0);
      const rest = events.filter(({ offset }) => offset >= stand);
      for (let at = 0; at < rest.length; at += batch) {
        await sink.write(rest.slice(at, at + batch));
        const isDue = (at / batch) % flushEvery === flushEvery - 1 || at + batch >= rest.length;
        const next = rest[Math.min(at + batch, rest.length) - 1].offset + 1;
        if (!isDue || next < (sink.sink.cutsAt ?? 0)) continue;
        await sink.flush();
        onFlush?.();
      }
      return;
    } catch (error) {
      assert.ok(error instanceof Failure && error.retry, String(error));
      last = error;
    } finally {
      await sink.close();
    }
  }
  throw new Error(`It never ends: ${last}`);
}

/** A host whose n-th request of a life fails, before or after the server has acted on it. */
function failing(at: number, when: "before" | "after"): Host {
  let count = 0;
  const fetch = async (request: FetchRequest, signal?: AbortSignal) => {
    const fails = ++count === at;
    if (fails && when === "before") throw new Failure("connect", "Injected");
    const answer = await HOST.fetcher.fetch(request, signal);
    if (fails) throw new Failure("timeout", "Injected");
    return answer;
  };
  return { ...HOST, fetcher: { fetch } };
}

test("starts", () => Promise.resolve());
if (!ignore) {
  testSink({
    type: "s3",
    exactlyOnce: false,
    runs: 4,
    context: CONTEXT,
    plan: (dir) => plan(`${dir.replace(/[^A-Za-z0-9]/g, "").slice(-20)}/`),
    expected: expectedOf,
    read: (dir) => rowsOf(`${dir.replace(/[^A-Za-z0-9]/g, "").slice(-20)}/`),
  });
}

test("holds every event once wherever a request fails, before or after the server has acted on it", async (prefix) => {
  const events = numbered(24);
  let run = 0;
  for (const when of ["before", "after"] as const) {
    for (let at = 1; at <= 11; at++) {
      const own = `${prefix}${run++}/`;
      let life = 0;
      // The first life fails, later ones cut their batches elsewhere.
      const host = () => life++ === 0 ? failing(at, when) : HOST;
      await deliver(own, events, { host, batch: 2 + at % 3, flushEvery: 2 + at % 2 });
      await holds(own, events);
    }
  }
});

test("writes the same objects again after a crash, and replaces none", async (prefix, server) => {
  const events = numbered(12);
  await deliver(prefix, events.slice(0, 6), { host: () => HOST, batch: 3, flushEvery: 1 });
  const before = await server.list(`${prefix}kind=`);
  const bytes = new Map<string, string>();
  for (const key of before) bytes.set(key, (await server.read(key)).toHex());
  await deliver(prefix, events, { host: () => HOST, batch: 5, flushEvery: 1 });
  for (const key of before) assert.equal((await server.read(key)).toHex(), bytes.get(key));
  await holds(prefix, events);
  const [first] = await server.list(`${prefix}kind=trade/exchange=alpha/`);
  assert.equal(first, `${prefix}kind=trade/exchange=alpha/date=2026-11-22/0000000000001002-eu-1.parquet`);
  assert.ok((await server.list(`${prefix}_positions/${JOURNAL}/`)).length === 1);
});

test("sees at its opening that the bucket was emptied", async (prefix, server) => {
  const events = numbered(6);
  await deliver(prefix, events, { host: () => HOST, batch: 3, flushEvery: 1 });
  const again = make(prefix);
  assert.equal(await again.open(0), events[5].offset + 1);
  await again.close();
  for (const key of await server.list(prefix)) await server.remove(key);
  const second = make(prefix);
  assert.equal(await second.open(events[5].offset + 1), 0);
  await second.close();
  await deliver(prefix, events, { host: () => HOST, batch: 3, flushEvery: 1 });
  await holds(prefix, events);
});

test("shuts out an object that another one has followed", async (prefix) => {
  const events = numbered(8);
  const zombie = make(prefix);
  await zombie.open(0);
  await zombie.write(events.slice(0, 3));
  const heir = make(prefix);
  assert.equal(await heir.open(0), 0);
  await assert.rejects(() => zombie.flush(), (error) => error instanceof Failure && error.retry);
  await zombie.close();
  await heir.write(events);
  await heir.flush();
  await heir.close();
  await holds(prefix, events);
});

test("is blocked by an object of another origin in the place of a part", async (prefix, server) => {
  await server.write(`${prefix}kind=trade/exchange=beta/date=2026-11-22/0000000000001000-eu-1.parquet`, "not ours");
  const sink = make(prefix);
  await sink.open(0);
  await sink.write(numbered(1));
  await assert.rejects(
    () => sink.flush(),
    (error) => error instanceof Failure && !error.retry && /origin/.test(error.message),
  );
  await sink.close();
});

test("is blocked by a key that is refused and by a bucket that is not there, and shows no secret", async (prefix) => {
  const secrets = new Secrets();
  secrets.add("{env:SECRET}", "wrong-secret");
  for (const keys of [{ secret_access_key: "wrong-secret" }, { bucket: "nowhere-to-be-found" }]) {
    const sink = make(prefix, keys);
    await assert.rejects(() => sink.open(0), (error) => {
      assert.ok(error instanceof Failure && !error.retry, String(error));
      assert.ok(!error.message.includes("wrong-secret"));
      return true;
    });
    await sink.close();
  }
});

test(
  "gives up a server that hangs when it is told to, and has every event once after it goes on",
  async (prefix, server) => {
    const events = numbered(12);
    await deliver(prefix, events.slice(0, 6), { host: () => HOST, batch: 3, flushEvery: 1 });
    const first = make(prefix);
    await first.open(0);
    await first.write(events.slice(6, 9));
    server.suspend();
    const flushing = first.flush();
    setTimeout(() => first.abort(), 300);
    await assert.rejects(flushing);
    await first.close();
    server.resume();
    await deliver(prefix, events, { host: () => HOST, batch: 4, flushEvery: 1 });
    await holds(prefix, events);
  },
);

test("fails at once when the server is killed, and has every event once after it came back", async (prefix, server) => {
  const events = numbered(12);
  const first = make(prefix);
  await first.open(0);
  await first.write(events.slice(0, 4));
  await first.flush();
  await first.write(events.slice(4, 8));
  await server.kill();
  await assert.rejects(() => first.flush(), (error) => error instanceof Failure && error.retry);
  await first.close();
  await server.start();
  await deliver(prefix, events, { host: () => HOST, batch: 5, flushEvery: 1 });
  await holds(prefix, events);
});

shared.end();
