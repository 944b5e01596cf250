import assert from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { denoHost, type Host } from "../../src/host/mod.ts";
import type { Envelope, SinkPlan } from "../../src/model/mod.ts";
import { exchangePart, pathPart } from "../../src/sink/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { filesBelow, testSink } from "./conformance.ts";

const TIMES = new Set(["exchange_ts", "received_ts", "open_ts", "next_funding_ts", "from_ts", "to_ts"]);
const NUMBERS = new Set([
  ...["price", "size", "bid_price", "bid_size", "ask_price", "ask_size"],
  ...["last", "open", "high", "low", "close", "volume", "quote_volume", "trades"],
  ...["last_price", "mark_price", "index_price", "funding_rate", "predicted_funding_rate", "open_interest"],
]);

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

testSink({
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
});

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

Deno.test("parquet sink leaves files that are not its parts alone when it opens", async () => {
  await withDir(async (dir, host) => {
    const folder = `${dir}/kind=trade/exchange=alpha/symbol=BTC-USDT/date=2026-11-22`;
    await host.files.makeDir(folder);
    const names = [
      "notes.parquet",
      "0000000000000004.parquet",
      "0000000000000005.parquet",
      "0000000000000003.parquet.tmp",
    ];
    for (const name of names) await host.files.writeAtomic(`${folder}/${name}`, new Uint8Array([1]));
    await host.files.writeAtomic(`${dir}/0000000000000009.parquet`, new Uint8Array([1]));
    const sink = makeSink(plan(dir), host);
    await sink.open(5);
    assert.deepEqual((await filesBelow(dir, host)).map((path) => path.slice(path.lastIndexOf("/") + 1)), [
      "0000000000000009.parquet",
      "0000000000000004.parquet",
      "notes.parquet",
    ]);
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
