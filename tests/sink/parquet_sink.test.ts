import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { denoHost, type Host } from "../../src/host/mod.ts";
import {
  type Envelope,
  EVENT_KINDS,
  fieldsOf,
  type FieldType,
  type MarketEvent,
  type SinkPlan,
} from "../../src/model/mod.ts";
import { exchangePart } from "../../src/sink/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { JOURNAL, makeSink } from "../support/made_sink.ts";
import { filesBelow, type SinkUnderTest, testSink } from "./conformance.ts";
import { testFolderSink } from "./folder_conformance.ts";

const TIMES = new Set(["exchange_ts", "received_ts", ...namesOf("micros")]);
const NUMBERS = new Set(["price", "size", ...namesOf("decimal")]);

/** Names of the fields of a type, of all kinds. */
function namesOf(type: FieldType): readonly string[] {
  return EVENT_KINDS.flatMap((kind) => fieldsOf(kind).flatMap(([name, spec]) => spec.type === type ? [name] : []));
}

function plan(dir: string, options: Readonly<Record<string, unknown>> = {}): SinkPlan {
  return {
    type: "parquet",
    name: "archive",
    kinds: null,
    options: { dir, part_seconds: 60, exact_digits: true, ...options },
  };
}

async function readRows(path: string, host: Host): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const bytes = await host.files.readBytes(path) ?? new Uint8Array();
  return await parquetReadObjects({
    file: new Uint8Array(bytes).buffer,
    compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) },
    // Times below the millisecond survive only as integers.
    parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
  });
}

/** Rows as text: bigints and booleans by value, columns in alphabetical order. */
function rowText(row: Readonly<Record<string, unknown>>): string {
  return Object.keys(row).sort().map((name) => `${name}=${row[name] ?? "null"}`).join(" | ");
}

const SINK: SinkUnderTest = {
  type: "parquet",
  exactlyOnce: true,
  plan: (dir) => plan(dir),
  expected: (event) => ({ group: group(event), rows: expectedRows(event).map(rowText) }),
  read: async (dir, host) => {
    const held = new Map<string, string[]>();
    for (const path of await filesBelow(dir, host)) {
      assert.ok(path.endsWith(".parquet"), `${path} is a finished part`);
      const partition = path.slice(dir.length + 1, path.lastIndexOf("/"));
      for (const row of await readRows(path, host)) {
        const key = `${partition} ${row.symbol}`;
        held.set(key, [...held.get(key) ?? [], rowText(row)]);
      }
    }
    return held;
  },
};
testSink(SINK);
testFolderSink(SINK);

/** The folder of an event; parts that are read one after the other hold each symbol in its order, so it is told apart. */
function group({ event, exchange, symbol, received_ts }: Envelope): string {
  const date = new Date(received_ts / 1000).toISOString().slice(0, 10);
  return `kind=${event.kind}/exchange=${exchangePart(exchange)}/date=${date} ${symbol}`;
}

function expectedRows(envelope: Envelope): readonly Readonly<Record<string, unknown>>[] {
  const { event, symbol: canonical_symbol, native_symbol, exchange_ts, received_ts, session, offset, index } = envelope;
  const common = {
    symbol: canonical_symbol,
    canonical_symbol,
    native_symbol,
    exchange_ts,
    received_ts,
    collector: null,
    session,
    offset,
    index,
    backfilled: envelope.backfilled === true,
  };
  if (event.kind === "book_top") {
    const { bids, asks, sequence } = event;
    const head = { ...common, sequence };
    if (bids.length + asks.length === 0) {
      return [withDigits({ ...head, side: null, level: null, price: null, size: null })];
    }
    const ranked = (side: string, list: typeof bids) =>
      list.map(([price, size], rank) => withDigits({ ...head, side, level: BigInt(rank + 1), price, size }));
    return [...ranked("bid", bids), ...ranked("ask", asks)];
  }
  if (event.kind !== "book_snapshot" && event.kind !== "book_delta") {
    const { kind: _kind, ...fields } = event;
    return [withDigits({ ...common, ...fields })];
  }
  const { kind, bids, asks, ...sequences } = event;
  const head = {
    ...common,
    is_snapshot: kind === "book_snapshot",
    sequence: null,
    first_sequence: null,
    last_sequence: null,
    previous_sequence: null,
    ...sequences,
  };
  if (bids.length + asks.length === 0) return [withDigits({ ...head, side: null, price: null, size: null })];
  return [
    ...bids.map(([price, size]) => withDigits({ ...head, side: "bid", price, size })),
    ...asks.map(([price, size]) => withDigits({ ...head, side: "ask", price, size })),
  ];
}

function withDigits(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (TIMES.has(name)) result[name] = value === null ? null : BigInt(Number(value));
    else if (NUMBERS.has(name)) {
      result[name] = value === null ? null : Number(value);
      result[`${name}_text`] = value;
    } else result[name] = value;
  }
  return result;
}

function quote(): MarketEvent {
  return { kind: "quote", bid_price: "1", bid_size: "2", ask_price: "3", ask_size: "4" };
}

function delta(): MarketEvent {
  const sequences = { first_sequence: "1", last_sequence: "2", previous_sequence: null };
  return { kind: "book_delta", bids: [["1", "2"]], asks: [["3", "4"]], ...sequences };
}

function ticker(): MarketEvent {
  const none = { open: null, high: null, low: null, volume: null, quote_volume: null };
  return { kind: "ticker", last: "1", ...none };
}

function liquidation(): MarketEvent {
  return { kind: "liquidation", id: null, price: "1", size: "2", side: "buy" };
}

async function withDir(body: (dir: string, host: Host) => Promise<void>): Promise<void> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("sink");
  try {
    await body(dir, host);
  } finally {
    await host.files.removeTree(dir);
  }
}

Deno.test("parquet sink writes the documented path, types, compression and bounds", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir, { exact_digits: false }), host);
    await sink.open(0);
    await sink.write([envelope(1, trade("60000.10")), envelope(2, trade("-0.5"))]);
    await sink.flush();
    assert.equal(sink.files, 1);
    const [path] = await filesBelow(dir, host);
    assert.equal(
      path.slice(dir.length + 1),
      "kind=trade/exchange=alpha/date=2026-11-22/0000000000000001.parquet",
    );
    const bytes = await host.files.readBytes(path) ?? new Uint8Array();
    const { schema, row_groups, num_rows } = parquetMetadata(new Uint8Array(bytes).buffer);
    const received = schema.find(({ name }) => name === "received_ts");
    assert.equal(num_rows, 2n);
    assert.deepEqual(received?.logical_type, { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" });
    assert.equal(schema.find(({ name }) => name === "price")?.type, "DOUBLE");
    assert.equal(schema.some(({ name }) => name === "price_text"), false);
    const price = row_groups[0].columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === "price")?.meta_data;
    assert.equal(price?.codec, "ZSTD");
    assert.equal(price?.statistics?.min_value, -0.5);
    assert.equal(price?.statistics?.max_value, 60000.1);
    await sink.close();
  });
});

Deno.test("parquet sink asks for a flush by rows over all partitions", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir, { part_rows: 3 }), host);
    await sink.open(0);
    await sink.write([envelope(1, trade()), envelope(2, trade(), { symbol: "ETH/USDT" })]);
    assert.equal(sink.wantsFlush, false);
    await sink.write([envelope(3, trade(), { symbol: "SOL/USDT" })]);
    assert.equal(sink.wantsFlush, true);
    await sink.flush();
    assert.equal(sink.wantsFlush, false);
    await sink.close();
  });
});

Deno.test("parquet sink writes its largest parts early when encoded rows fill the memory, and takes them back", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    const payload = () => randomBytes(384 * 1024).toString("base64");
    await sink.write([envelope(0, trade())]);
    for (let batch = 0; sink.files === 0; batch++) {
      assert.ok(batch < 100, "memory is bounded");
      const raw = { kind: "raw", channel: null, sequence: null, message_id: null } as const;
      const events = Array.from({ length: 8 }, (_, at) => ({ ...raw, payload: payload(), at }));
      await sink.write(events.map(({ at, ...event }) => envelope(1 + batch * 8 + at, event)));
    }
    const early = await filesBelow(dir, host);
    assert.deepEqual(early.map((path) => /kind=([a-z]+)/.exec(path)?.[1]), ["raw"], "the small part waits");
    await sink.close();
    const again = makeSink(plan(dir), host);
    assert.equal(await again.open(0), 0);
    await again.close();
    assert.deepEqual(await filesBelow(dir, host), [], "what was not flushed is written again");
  });
});

Deno.test("parquet sink keeps parts that were written early once the flush after them is committed", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    for (const offset of [1, 2, 3]) {
      await sink.write([envelope(offset, trade())]);
      await sink.flush();
    }
    await sink.close();
    const again = makeSink(plan(dir), host);
    assert.equal(await again.open(3), 3);
    await again.close();
    assert.equal((await filesBelow(dir, host)).length, 2);
  });
});

Deno.test("parquet sink sorts a part by symbol and says in its bounds which symbols a row group holds", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir, { exact_digits: false }), host);
    await sink.open(0);
    const symbols = ["SOL/USDT", "BTC/USDT", "ÄTH/USDT", "ETH/USDT:USDT-260327-60000-C"];
    const events = Array.from(
      { length: 40_000 },
      (_, at) => envelope(at, trade(), { symbol: symbols[at % 4], native_symbol: symbols[at % 4] }),
    );
    for (let at = 0; at < events.length; at += 5000) await sink.write(events.slice(at, at + 5000));
    await sink.flush();
    await sink.close();
    const [path, ...more] = await filesBelow(dir, host);
    assert.deepEqual(more, []);
    const bytes = await host.files.readBytes(path) ?? new Uint8Array();
    const { row_groups } = parquetMetadata(new Uint8Array(bytes).buffer);
    const bounds = row_groups.map(({ columns }) => {
      const found = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === "symbol")?.meta_data?.statistics;
      return [found?.min_value, found?.max_value];
    });
    for (const symbol of symbols) {
      const holding = bounds.filter(([min, max]) => String(min) <= symbol && symbol <= String(max));
      assert.ok(holding.length < bounds.length / 2, `${symbol} is in few of ${JSON.stringify(bounds)}`);
    }
    const rows = await readRows(path, host);
    const keys = rows.map(({ symbol, offset }) => `${symbol} ${String(offset).padStart(9, "0")}`);
    assert.equal(rows.length, events.length);
    for (const symbol of symbols) {
      const own = keys.filter((key) => key.startsWith(`${symbol} `));
      assert.equal(own.length, 10_000);
      assert.deepEqual(own, [...own].sort());
    }
  });
});

Deno.test("parquet sink goes on by symbol in a folder that was begun so, until it is told otherwise", async () => {
  await withDir(async (dir, host) => {
    const first = makeSink(plan(dir, { layout: "symbol" }), host);
    await first.open(0);
    await first.write([envelope(1, trade()), envelope(2, trade(), { symbol: "ETH/USDT" })]);
    await first.flush();
    await first.close();
    const path = `${dir}/_parts.json`;
    const { layout: _layout, ...earlier } = JSON.parse(await host.files.readText(path) ?? "");
    await host.files.writeAtomic(path, new TextEncoder().encode(JSON.stringify(earlier)));
    const next = makeSink(plan(dir), host);
    await next.open(3);
    await next.write([envelope(3, trade())]);
    await next.flush();
    await next.close();
    assert.deepEqual(next.seen, []);
    assert.deepEqual((await filesBelow(dir, host)).map((file) => file.slice(dir.length + 1)), [
      "kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22/0000000000000001.parquet",
      "kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22/0000000000000003.parquet",
      "kind=trade/exchange=alpha/symbol=ETH-USDT/date=2026-11-22/0000000000000002.parquet",
    ]);
    const [row] = await readRows((await filesBelow(dir, host))[0], host);
    assert.equal("symbol" in row, false, "the path says it");
    const told = makeSink(plan(dir, { layout: "exchange" }), host);
    await told.open(4);
    await told.write([envelope(4, trade())]);
    await told.flush();
    await told.close();
    assert.equal(told.seen.length, 1);
    assert.ok(
      (await filesBelow(dir, host)).some((file) =>
        file.endsWith("exchange=alpha/date=2026-11-22/0000000000000004.parquet")
      ),
    );
  });
});

Deno.test("parquet sink keeps to its files of an hour with a thousand instruments, and writes something at once", async () => {
  await withDir(async (dir, host) => {
    const clock = new ManualClock();
    let written = 0;
    const files = { ...host.files };
    files.writeAtomic = (path, bytes) => {
      if (!path.endsWith(".parquet")) return host.files.writeAtomic(path, bytes);
      written++;
      return Promise.resolve();
    };
    const sink = makeSink(
      { ...plan(dir), options: { dir } },
      {
        ...host,
        clock,
        files: { ...files, stat: (path) => path.endsWith(".parquet") ? Promise.resolve(null) : host.files.stat(path) },
      },
    );
    await sink.open(0);
    const streams: Pick<Envelope, "exchange" | "symbol" | "event">[] = [];
    const kinds = [trade(), quote(), delta(), ticker(), liquidation()];
    for (let exchange = 0; exchange < 25; exchange++) {
      for (let symbol = 0; symbol < 40; symbol++) {
        for (const event of kinds) streams.push({ exchange: `e${exchange}`, symbol: `S${symbol}/USDT`, event });
      }
    }
    for (let second = 0; second < 1500; second += 4) {
      // Each kind of each exchange has an event, of one symbol after the other.
      const now = Array.from({ length: 125 }, (_, at) => {
        const stream = streams[Math.floor(at / 5) * 200 + (second / 4 % 40) * 5 + at % 5];
        return envelope(second * 500 + at, stream.event, stream);
      });
      await sink.write(now);
      if (sink.wantsFlush) await sink.flush();
      clock.advance(4000);
      if (second === 8) assert.equal(sink.files, 125, "first parts within seconds");
    }
    assert.equal(written, sink.files);
    assert.ok(written <= 2000 / 4 + 2000 * 3 / 4 * 1500 / 3600, `${written} files in 25 minutes`);
    assert.ok(written > 600, `parts do not wait much longer than their age: ${written} files in 25 minutes`);
    await sink.close();
  });
});

Deno.test("parquet sink adopts a folder without a mark: it deletes nothing and puts aside what it will write again", async () => {
  await withDir(async (dir, host) => {
    const folder = `${dir}/kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22`;
    await host.files.makeDir(folder);
    const names = [
      "notes.parquet",
      "0000000000000004.parquet",
      "0000000000000005.parquet",
      "0000000000000003.parquet.tmp",
      "0000000000000900.parquet",
    ];
    for (const name of names) await host.files.writeAtomic(`${folder}/${name}`, new Uint8Array([1]));
    await host.files.writeAtomic(`${dir}/0000000000000009.parquet`, new Uint8Array([1]));
    const sink = makeSink(plan(dir), host, { end: () => 100 });
    assert.equal(await sink.open(5), 5);
    await sink.write([envelope(5, trade())]);
    await sink.flush();
    await sink.close();
    assert.deepEqual((await filesBelow(dir, host)).map((path) => path.slice(path.lastIndexOf("/") + 1)), [
      "0000000000000009.parquet",
      "0000000000000003.parquet.tmp",
      "0000000000000004.parquet",
      "0000000000000005.parquet",
      "0000000000000005.parquet.kept",
      "0000000000000900.parquet",
      "notes.parquet",
    ]);
    assert.equal(sink.seen.length, 1);
    const again = makeSink(plan(dir), host, { end: () => 100 });
    assert.equal(await again.open(6), 6);
    assert.deepEqual(again.seen, []);
    await again.close();
  });
});

Deno.test("parquet sink looks at no part but those of its latest flushes when it opens", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    for (let offset = 0; offset < 20; offset++) {
      await sink.write([envelope(offset, trade(), { symbol: `S${offset}/USDT` })]);
      await sink.flush();
    }
    await sink.close();
    const looked: string[] = [];
    const files = { ...host.files };
    files.list = (path) => host.files.list(path).finally(() => looked.push(path));
    files.stat = (path) => host.files.stat(path).finally(() => looked.push(path));
    files.readBytes = (path) => host.files.readBytes(path).finally(() => looked.push(path));
    const again = makeSink(plan(dir), { ...host, files });
    assert.equal(await again.open(19), 19);
    await again.close();
    assert.deepEqual(looked.filter((path) => path.includes("kind=")).map((path) => /\d{16}/.exec(path)?.[0]), [
      "0000000000000019",
    ]);
    assert.equal((await filesBelow(dir, host)).length, 19, "the uncommitted part is taken back");
  });
});

Deno.test("parquet sink never writes over a file that stands where a part has to go", async () => {
  await withDir(async (dir, host) => {
    const folder = `${dir}/kind=trade/exchange=alpha/date=2026-11-22`;
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await host.files.makeDir(folder);
    await host.files.writeAtomic(`${folder}/0000000000000001.parquet`, new Uint8Array([1]));
    await sink.write([envelope(1, trade())]);
    await sink.flush();
    await sink.close();
    assert.deepEqual(await host.files.readBytes(`${folder}/0000000000000001.parquet`), new Uint8Array([1]));
    assert.equal((await readRows(`${folder}/0000000000000001-2.parquet`, host)).length, 1);
    const again = makeSink(plan(dir), host);
    await again.open(1);
    await again.close();
    const left = (await filesBelow(dir, host)).map((path) => path.slice(path.lastIndexOf("/") + 1));
    assert.deepEqual(left, ["0000000000000001.parquet"], "only its own part is taken back");
  });
});

Deno.test("parquet sink takes back no file that its manifest names and that does not say whose it is", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await sink.write([envelope(1, trade())]);
    await sink.flush();
    await sink.close();
    const [path] = await filesBelow(dir, host);
    await host.files.writeAtomic(path, new TextEncoder().encode("a file of somebody else, put in the place of a part"));
    const again = makeSink(plan(dir), host);
    await again.open(0);
    await again.close();
    assert.deepEqual(await filesBelow(dir, host), [path]);
    assert.equal(again.seen.length, 1);
  });
});

Deno.test("parquet sink removes nothing outside of its folder, whatever its manifest says", async () => {
  await withDir(async (dir, host) => {
    const victim = `${dir}/kind=trade/exchange=a/symbol=b/date=2026-11-22/0000000000000001.parquet`;
    await host.files.makeDir(victim.slice(0, victim.lastIndexOf("/")));
    await host.files.writeAtomic(victim, new Uint8Array([1]));
    const sink = makeSink(plan(`${dir}/out`), host);
    await sink.open(0);
    await sink.close();
    for (
      const part of [
        "../kind=trade/exchange=a/symbol=b/date=2026-11-22/0000000000000001.parquet",
        "kind=../exchange=a/symbol=b/date=2026-11-22/../0000000000000001.parquet",
        victim,
      ]
    ) {
      const manifest = { format: 1, journal: JOURNAL, next: 0, flushes: [{ first: 1, parts: [part] }] };
      await host.files.writeAtomic(`${dir}/out/_parts.json`, new TextEncoder().encode(JSON.stringify(manifest)));
      await assert.rejects(sink.open(0), { code: "corrupt", retry: false });
      await sink.close();
    }
    assert.notEqual(await host.files.stat(victim), null);
  });
});

Deno.test("parquet sink keeps a quiet NaN, infinities and negative times as they are", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await sink.write([envelope(1, trade("1e999"), { exchange_ts: -1, received_ts: DAY_START })]);
    await sink.flush();
    const [row] = await readRows((await filesBelow(dir, host))[0], host);
    assert.equal(row.price, Infinity);
    assert.equal(row.price_text, "1e999");
    assert.equal(row.exchange_ts, -1n);
    await sink.close();
  });
});
