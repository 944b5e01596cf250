import assert from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Envelope, EVENT_KINDS, fieldsOf, type FieldType, type SinkPlan } from "../../src/model/mod.ts";
import { exchangePart, pathPart } from "../../src/sink/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
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
      held.set(partition, [...held.get(partition) ?? [], ...(await readRows(path, host)).map(rowText)]);
    }
    return held;
  },
};
testSink(SINK);
testFolderSink(SINK);

function group({ event, exchange, symbol, received_ts }: Envelope): string {
  const date = new Date(received_ts / 1000).toISOString().slice(0, 10);
  return `kind=${event.kind}/exchange=${exchangePart(exchange)}/symbol=${pathPart(symbol)}/date=${date}`;
}

function expectedRows(envelope: Envelope): readonly Readonly<Record<string, unknown>>[] {
  const { event, symbol: canonical_symbol, native_symbol, exchange_ts, received_ts, session, offset, index } = envelope;
  const common = { canonical_symbol, native_symbol, exchange_ts, received_ts, session, offset, index };
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
      "kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22/0000000000000001.parquet",
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

Deno.test("parquet sink asks for a flush when large payloads fill the memory", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    const payload = "x".repeat(20_000);
    const events = Array.from(
      { length: 2048 },
      (_, at) => envelope(at, { kind: "raw", channel: null, sequence: null, message_id: null, payload }),
    );
    await sink.write(events);
    assert.equal(sink.wantsFlush, true);
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
    assert.deepEqual(looked.filter((path) => path.includes("kind=")).map((path) => /symbol=([^/]+)/.exec(path)?.[1]), [
      "S19-USDT",
    ]);
    assert.equal((await filesBelow(dir, host)).length, 19, "the uncommitted part is taken back");
  });
});

Deno.test("parquet sink never writes over a file that stands where a part has to go", async () => {
  await withDir(async (dir, host) => {
    const folder = `${dir}/kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22`;
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
