import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { DIALECTS, type Simulator, startSimulator, tradeDigest } from "../../src/simulator/mod.ts";
import { entriesOf } from "../support/journal_contents.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { hasAll } from "../support/demo_streams.ts";
import { type ParquetRow, readParquetFolder } from "../support/stored_events.ts";

const HOST = denoHost();
const { files } = HOST;
const DEMO = new URL("../../config/demo.toml", import.meta.url).pathname;

/** What the files hold of one instrument. */
interface Held {
  /** Kind → how many events. */
  readonly events: Map<string, number>;
  readonly tradeIds: string[];
  digest: number;
}

/** What the files hold, by exchange and native symbol. */
async function readHeld(dir: string): Promise<Map<string, Held>> {
  const held = new Map<string, Held>();
  for await (const { kind, exchange, rows } of readParquetFolder(files, dir)) {
    assert.ok(rows.length > 0);
    const identities = new Map<string, string>();
    for (const row of rows) {
      identities.set(`${row.offset}:${row.index}`, `${exchange} ${row.native_symbol}`);
      if (kind !== "trade") continue;
      const here = heldOf(held, `${exchange} ${row.native_symbol}`);
      here.tradeIds.push(String(row.trade_id));
      here.digest = (here.digest + tradeDigest(tradeOf(row))) >>> 0;
    }
    for (const name of identities.values()) {
      const { events } = heldOf(held, name);
      events.set(kind, (events.get(kind) ?? 0) + 1);
    }
  }
  return held;
}

function heldOf(held: Map<string, Held>, name: string): Held {
  const found = held.get(name) ?? { events: new Map(), tradeIds: [], digest: 0 };
  held.set(name, found);
  return found;
}

function tradeOf(row: ParquetRow) {
  const side = String(row.side);
  assert.ok(side === "buy" || side === "sell", side);
  return { id: String(row.trade_id), price: String(row.price_text), size: String(row.size_text), side } as const;
}

/** How many frames each exchange sent. */
function framesSent(simulators: readonly Simulator[]): Map<string, number> {
  return new Map(simulators.map((simulator) => {
    const { dataFrames, controlFrames } = simulator.statistics();
    return [simulator.dialect, dataFrames + controlFrames];
  }));
}

/** How many frames the collector has received of each exchange. */
async function framesReceived(httpPort: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const lines = text.matchAll(/^collector_frames_received_total\{exchange="([^"]*)"\} (\d+)/gm);
  return new Map([...lines].map(([, exchange, count]) => [exchange, Number(count)]));
}

/**
 * How many changes of a book its image holds, by native symbol: they came before it, or their `u` is not above its
 * `lastUpdateId`. They need not leave as events of their own. Read off the frames with JSON.parse.
 */
async function countHeldByImage(journal: string): Promise<Map<string, number>> {
  const decoder = new TextDecoder();
  const changes = new Map<string, number>();
  const held = new Map<string, number>();
  const images = new Map<string, number>();
  for await (const { record } of entriesOf(files, journal)) {
    if (record.kind === "http") {
      images.set(record.native, JSON.parse(decoder.decode(record.body)).lastUpdateId);
      held.set(record.native, changes.get(record.native) ?? 0);
    }
    if (record.kind !== "frame") continue;
    const text = decoder.decode(record.payload);
    if (!text.includes('"depthUpdate"')) continue;
    const { s: symbol, u } = JSON.parse(text).data;
    changes.set(symbol, (changes.get(symbol) ?? 0) + 1);
    const image = images.get(symbol);
    if (image !== undefined && u <= image) held.set(symbol, (held.get(symbol) ?? 0) + 1);
  }
  return held;
}

Deno.test("run on the demo's exchanges stores exactly what they sent, trade by trade and digit by digit", async () => {
  const dir = await files.makeTempDir("demo");
  const simulators = await Promise.all(DIALECTS.map((dialect) =>
    startSimulator({
      host: HOST,
      dialect,
      port: 0,
      rate: 150,
      symbols: dialect === "kraken" ? ["BTC/USD", "ETH/USD"] : ["BTC/USDT", "ETH/USDT"],
    })
  ));
  try {
    const httpPort = freePort();
    const text = (await files.readText(DEMO) ?? "")
      .replace(/^http_port = .*$/m, `http_port = ${httpPort}`)
      .replaceAll(/\$\{(\w+):-[^}]*\}/g, (_, name: string) => variable(name, simulators, `${dir}/data`));
    const config = `${dir}/demo.toml`;
    const sink = '\n[[sink]]\ntype = "parquet"\nname = "archive"\nexact_digits = true\npart_seconds = 0.5\n';
    await files.writeAtomic(config, new TextEncoder().encode(text + sink));
    await using collector = new CollectorProcess(["run", "--config", config]);
    await collector.until(
      "every exchange has sent",
      () => simulators.every((simulator) => simulator.statistics().dataFrames >= 600),
    );
    for (const simulator of simulators) simulator.freeze();
    await collector.until("every frame that was sent arrived", async () => {
      const sent = framesSent(simulators);
      const received = await framesReceived(httpPort);
      return [...sent].every(([exchange, count]) => (received.get(exchange) ?? 0) >= count);
    });
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.equal(end.code, 0, end.err);
    assert.doesNotMatch(end.err, /"level":"(?:WARN|ERROR)"/);

    const held = await readHeld(`${dir}/data/parquet`);
    const imaged = await countHeldByImage(`${dir}/data/journal`);
    let compared = 0;
    for (const simulator of simulators) {
      for (const { native, events, trades } of simulator.statistics().symbols) {
        const name = `${simulator.dialect} ${native}`;
        const found = heldOf(held, name);
        const { book_delta: stored = 0, book_snapshot: images = 0, gap: gaps, ...rest } = Object.fromEntries(
          found.events,
        );
        assert.equal(gaps, 5, `${name}: the stop opens a gap of each of its streams`);
        const { book_delta: sent = 0, book_snapshot: imagesSent = 0, ...expected } = events;
        assert.deepEqual(rest, expected, name);
        // An image that is asked for may come too early to be joined, and is asked for again.
        const isAskedFor = simulator.dialect === "binance";
        assert.ok(isAskedFor ? images > 0 && images <= imagesSent : images === imagesSent, `${name}: ${images} images`);
        const least = sent - (isAskedFor ? imaged.get(native) ?? 0 : 0);
        assert.ok(
          least <= stored && stored <= sent,
          `${name}: ${stored} book changes, ${sent} sent, ${least} after the image`,
        );
        assert.deepEqual(found.tradeIds.toSorted(), trades.ids.toSorted(), `${name}: trade ids`);
        assert.equal(found.digest, trades.digest, `${name}: ids, prices, sizes and sides of all trades`);
        compared++;
      }
    }
    assert.equal(compared, 6);
    assert.equal(held.size, 6, "nothing is stored of any other instrument");
  } finally {
    await Promise.all(simulators.map((simulator) => simulator.stop()));
    await files.removeTree(dir);
  }
});

/** The value of one of `demo.toml`'s variables. */
function variable(name: string, simulators: readonly Simulator[], dataDir: string): string {
  if (name === "DEMO_DATA_DIR") return dataDir;
  const [, exchange, purpose] = /^([A-Z]+)_([A-Z]+)_URL$/.exec(name) ?? [];
  const simulator = simulators.find(({ dialect }) => dialect.toUpperCase() === exchange);
  assert.ok(simulator !== undefined, name);
  const { ws, rest } = simulator.urls;
  return purpose === "REST" ? rest : ws[purpose.toLowerCase()];
}

Deno.test("demo exits 0 and its files hold exactly what its summary says was collected", async () => {
  const dir = await files.makeTempDir("demo");
  try {
    await using demo = new CollectorProcess(["demo", "--for", "0", "--json", "--data-dir", dir]);
    await demo.until("every stream has shown data", () => hasAll(files, dir));
    demo.kill("SIGINT");
    const end = await demo.end();
    assert.equal(end.code, 0, end.err);
    const summary: {
      readonly complete: boolean;
      readonly balance: readonly { exchange: string; kind: string; sent: number; collected: number }[];
    } = JSON.parse(end.out);
    assert.equal(summary.complete, true);
    const stored = new Map<string, number>();
    for await (const { kind, exchange, rows } of readParquetFolder(files, `${dir}/parquet`)) {
      const events = new Set(rows.map(({ offset, index }) => `${offset}:${index}`)).size;
      stored.set(`${exchange} ${kind}`, (stored.get(`${exchange} ${kind}`) ?? 0) + events);
    }
    // The stop opens a gap of each stream, which no exchange sends.
    for (const exchange of ["binance", "kraken", "okx"]) {
      assert.equal(stored.get(`${exchange} gap`), 10, exchange);
      stored.delete(`${exchange} gap`);
    }
    // All changes of a book may be part of its snapshot: then there is no file of them.
    const counted = summary.balance.filter((row) => row.collected > 0);
    const collected = new Map(counted.map((row) => [`${row.exchange} ${row.kind}`, row.collected]));
    assert.deepEqual(Object.fromEntries([...stored].sort()), Object.fromEntries([...collected].sort()));
  } finally {
    await files.removeTree(dir);
  }
});
