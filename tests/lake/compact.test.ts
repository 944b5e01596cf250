import assert from "node:assert/strict";
import { denoHost, type Files, type Host } from "../../src/host/mod.ts";
import {
  ArchiveKeeper,
  compactArchive,
  type CompactResult,
  openSource,
  type ParquetSource,
} from "../../src/lake/mod.ts";
import { type Envelope, Failure, type MarketEvent, type Observation } from "../../src/model/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { FaultyFiles } from "../support/faulty_files.ts";
import { makeSink } from "../support/made_sink.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { seeded } from "../support/seeded.ts";
import { listFiles, readParquet } from "../support/stored_events.ts";

const HOUR = 3_600_000_000;
const FOLDER = "kind=trade/exchange=alpha/date=2026-11-22";

function plan(dir: string, options: Readonly<Record<string, unknown>> = {}) {
  return { type: "parquet", name: "archive", kinds: null, options: { dir, exact_digits: true, ...options } };
}

async function withDir(body: (dir: string, host: Host) => Promise<void>): Promise<void> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("lake");
  try {
    await body(`${dir}/out`, host);
  } finally {
    await host.files.removeTree(dir);
  }
}

/** Writes a part for each list of events; the last two flushes stay uncommitted in the manifest, so two more follow. */
async function writeParts(
  dir: string,
  host: Host,
  parts: readonly (readonly Envelope[])[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const sink = makeSink(plan(dir, options), host);
  const first = parts.flat().reduce((least, { offset }) => Math.min(least, offset), Infinity);
  await sink.open(Math.min(first, 1_000_000));
  for (const events of parts) {
    await sink.write(events);
    await sink.flush();
  }
  const last = parts.flat().at(-1)?.offset ?? 0;
  for (const at of [1, 2]) {
    await sink.write([envelope(last + at, trade(), { exchange: "other" })]);
    await sink.flush();
  }
  await sink.close();
}

function delta(at: number): MarketEvent {
  const sequences = { first_sequence: String(at), last_sequence: null, previous_sequence: null };
  return { kind: "book_delta", bids: [["1.50", "0"], ["1.40", "2"]], asks: [["3", String(at)]], ...sequences };
}

/** Parts of trades and deltas of three symbols, some a minute apart. */
function someParts(count: number, startTs = DAY_START): readonly (readonly Envelope[])[] {
  const symbols = ["ETH/USDT", "BTC/USDT", "ADA/USDT:USDT"];
  return Array.from({ length: count }, (_, part) =>
    Array.from({ length: 9 }, (_, at) => {
      const offset = part * 9 + at;
      const received_ts = startTs + part * 60_000_000 + at;
      const event = at % 3 === 0 ? delta(offset) : trade(`${offset}.50`);
      return envelope(offset, event, { symbol: symbols[offset % 2 + (at === 5 ? 1 : 0)], received_ts });
    }));
}

function compact(dir: string, host: Host, options: { files?: Files; at?: number; told?: string[] } = {}) {
  const { files = host.files, at = DAY_START + 48 * HOUR, told = [] } = options;
  return compactArchive({
    host: { files, clock: new ManualClock(at / 1000) },
    dir,
    pause: () => Promise.resolve(),
    tell: (text) => told.push(text),
  });
}

/** Finished files of an archive below its folder. */
async function partsIn(dir: string, host: Host): Promise<readonly string[]> {
  return (await listFiles(host.files, dir)).map((path) => path.slice(dir.length + 1))
    .filter((path) => !path.startsWith("_") && !path.includes("exchange=other"));
}

/** All rows of an archive as text, with their folder, sorted. */
async function rowsIn(dir: string, host: Host): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const path of await partsIn(dir, host)) {
    if (!path.endsWith(".parquet")) continue;
    for (const row of await readParquet(host.files, `${dir}/${path}`)) {
      rows.push(`${path.slice(0, path.lastIndexOf("/"))} ${rowText(row)}`);
    }
  }
  return rows.sort();
}

function rowText(row: Readonly<Record<string, unknown>>): string {
  return Object.keys(row).sort().map((name) => `${name}=${row[name] ?? "null"}`).join(" | ");
}

Deno.test("compactArchive makes one sorted file of each folder of a closed day, with the same rows", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(12));
    const before = await rowsIn(dir, host);
    const result = await compact(dir, host);
    assert.deepEqual([result.groups, result.filesBefore, result.filesAfter], [2, 24, 2]);
    assert.deepEqual(await partsIn(dir, host), [
      "kind=book_delta/exchange=alpha/date=2026-11-22/0000000000000000.parquet",
      `${FOLDER}/0000000000000001.parquet`,
    ]);
    assert.deepEqual(await rowsIn(dir, host), before);
    const rows = await readParquet(host.files, `${dir}/${FOLDER}/0000000000000001.parquet`);
    const keys = rows.map(({ symbol, offset }) => `${symbol} ${String(offset).padStart(16, "0")}`);
    assert.deepEqual(keys, [...keys].sort());
    const levels = await readParquet(
      host.files,
      `${dir}/kind=book_delta/exchange=alpha/date=2026-11-22/0000000000000000.parquet`,
    );
    assert.deepEqual(levels.slice(0, 3).map(({ side, price_text }) => `${side} ${price_text}`), [
      "bid 1.50",
      "bid 1.40",
      "ask 3",
    ]);
  });
});

Deno.test("compactArchive changes nothing the second time, and takes parts in that came late", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(4));
    await compact(dir, host);
    const files = await partsIn(dir, host);
    assert.equal((await compact(dir, host)).groups, 0);
    assert.deepEqual(await partsIn(dir, host), files);
    const late = [[envelope(1000, trade("7"))]];
    await writeParts(dir, host, late);
    const before = await rowsIn(dir, host);
    assert.equal(
      (await compact(dir, host)).groups,
      2,
      "and parts of the other exchange that were not committed before",
    );
    assert.deepEqual(await rowsIn(dir, host), before);
    assert.deepEqual(await partsIn(dir, host), files);
  });
});

Deno.test("compactArchive merges closed hours of a day that is not over, and leaves the open hour", async () => {
  await withDir(async (dir, host) => {
    const parts = [0, 1, 2].flatMap((hour) =>
      someParts(3, DAY_START + hour * HOUR).map((events) =>
        events.map((event) => ({ ...event, offset: event.offset + hour * 100 }))
      )
    );
    await writeParts(dir, host, parts);
    const before = await rowsIn(dir, host);
    assert.equal((await compact(dir, host, { at: DAY_START + 2.6 * HOUR })).groups, 4);
    const names = (await partsIn(dir, host)).filter((path) => path.startsWith(FOLDER)).map((path) =>
      path.slice(-21, -8)
    );
    assert.deepEqual(names, ["0000000000001", "0000000000101", "0000000000201", "0000000000210", "0000000000219"]);
    assert.deepEqual(await rowsIn(dir, host), before);
    assert.equal((await compact(dir, host)).groups, 2);
    assert.equal((await partsIn(dir, host)).length, 2);
    assert.deepEqual(await rowsIn(dir, host), before);
  });
});

Deno.test("compactArchive merges many parts of a closed day by hours first, and then to one file", async () => {
  await withDir(async (dir, host) => {
    const parts = [0, 1].flatMap((hour) =>
      someParts(8, DAY_START + hour * HOUR).map((events) =>
        events.map((event) => ({ ...event, offset: event.offset + hour * 100 }))
      )
    );
    await writeParts(dir, host, parts);
    const before = await rowsIn(dir, host);
    const result = await compact(dir, host);
    assert.equal(result.groups, 6, "two hours and a day of trades, and of deltas");
    assert.equal((await partsIn(dir, host)).length, 2);
    assert.deepEqual(await rowsIn(dir, host), before);
    assert.equal((await compact(dir, host)).groups, 0);
  });
});

Deno.test("archiveKeeper merges what is over while a collector runs, and gives up at once when it stops", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(4));
    const before = await rowsIn(dir, host);
    const clock = new ManualClock(DAY_START / 1000 + 48 * 3_600_000);
    const seen: Observation[] = [];
    const archives = [{ sink: "archive", dir, compacts: true }, { sink: "unborn", dir: `${dir}-none`, compacts: true }];
    const keeper = new ArchiveKeeper({ files: host.files, clock }, { archives, observe: (each) => seen.push(each) });
    keeper.start();
    for (let turn = 0; seen.length === 0 && turn < 200_000; turn++) {
      clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.deepEqual(seen, [{ kind: "sink_notice", sink: "archive", text: `merged 8 files of ${dir} into 2` }]);
    assert.deepEqual(await rowsIn(dir, host), before);
    await keeper.stop();
    assert.equal(clock.timers, 0);
  });
});

Deno.test("compactArchive leaves parts that the sink may take back", async () => {
  await withDir(async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    for (const offset of [1, 2, 3, 4]) {
      await sink.write([envelope(offset, trade())]);
      await sink.flush();
    }
    assert.equal((await compact(dir, host)).filesBefore, 2, "those of the last two flushes stay");
    await sink.close();
    const again = makeSink(plan(dir), host);
    assert.equal(await again.open(3), 4);
    await again.write([envelope(4, trade())]);
    await again.flush();
    await again.close();
    const offsets = (await rowsIn(dir, host)).map((row) => /offset=(\d+)/.exec(row)?.[1]);
    assert.deepEqual(offsets, ["1", "2", "3", "4"]);
  });
});

Deno.test("compactArchive merges folders by symbol and files of other columns apart from each other", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(4), { layout: "symbol" });
    await writeParts(
      dir,
      host,
      someParts(2).map((part) => part.map((each) => ({ ...each, offset: each.offset + 500 }))),
      {
        exact_digits: false,
      },
    );
    const before = await rowsIn(dir, host);
    await compact(dir, host);
    assert.deepEqual(await rowsIn(dir, host), before);
    const folders = (await partsIn(dir, host)).map((path) => path.slice(0, path.lastIndexOf("/")));
    assert.equal(new Set(folders).size, 5);
    assert.equal(folders.length, 10, folders.join());
  });
});

Deno.test("compactArchive tells of damaged and foreign files, leaves them and merges the others", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(5));
    const [first, second] = (await partsIn(dir, host)).filter((path) => path.startsWith(FOLDER));
    const bytes = await host.files.readBytes(`${dir}/${first}`) ?? new Uint8Array();
    await host.files.writeAtomic(`${dir}/${first}`, bytes.subarray(0, bytes.length - 7));
    const inner = await host.files.readBytes(`${dir}/${second}`) ?? new Uint8Array();
    inner.fill(0, 60, 160);
    await host.files.writeAtomic(`${dir}/${second}`, inner);
    await host.files.writeAtomic(`${dir}/${FOLDER}/0000000000000777.parquet`, new Uint8Array([1, 2, 3]));
    await host.files.writeAtomic(`${dir}/${FOLDER}/mine.parquet`, inner);
    const told: string[] = [];
    const result = await compact(dir, host, { told });
    assert.equal(result.left, 3);
    assert.equal(told.length, 3);
    for (const path of [first, second, "0000000000000777.parquet"]) {
      assert.ok(told.some((text) => text.includes(path)), `${path} in ${told.join("\n")}`);
    }
    assert.deepEqual((await partsIn(dir, host)).filter((path) => path.startsWith(FOLDER)).length, 5);
    assert.deepEqual(await host.files.readBytes(`${dir}/${second}`), inner);
  });
});

Deno.test("compactArchive is refused while another runs, and says where there is nothing", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(1));
    const lock = await host.files.lock(`${dir}/_compaction.lock`);
    await assert.rejects(compact(dir, host), { code: "busy" });
    await lock.release();
    await assert.rejects(compact(`${dir}-none`, host), { code: "file", retry: false });
    for (const text of ["{", '{"format":2}', '{"format":1,"puts":["../x.parquet"],"removes":[]}']) {
      await host.files.writeAtomic(`${dir}/_compaction.json`, new TextEncoder().encode(text));
      await assert.rejects(compact(dir, host), { code: "corrupt" });
    }
  });
});

Deno.test("compactArchive loses no row and doubles none, wherever it ends", async () => {
  await withDir(async (dir, host) => {
    const trades = (part: readonly Envelope[]) => part.filter(({ event }) => event.kind === "trade").slice(0, 3);
    await writeParts(dir, host, someParts(3).map(trades));
    const before = await rowsIn(dir, host);
    const clean = await copyOf(dir, `${dir}-0`, host);
    const counting = new FaultyFiles(host.files);
    await compact(clean, host, { files: counting });
    await counting.end();
    const random = seeded(1);
    for (let at = 1; at <= counting.operations; at++) {
      for (const kind of ["before", "half", "after"] as const) {
        if (kind === "half" && !counting.log[at - 1].startsWith("append")) continue;
        const where = `${kind} operation ${at} (${counting.log[at - 1]})`;
        const copy = await copyOf(dir, `${dir}-${at}-${kind}`, host);
        const files = new FaultyFiles(host.files, { at, kind });
        await compact(copy, host, { files }).catch((error) => assert.ok(error instanceof Failure, where));
        await files.end();
        const distinct = new Set(await rowsIn(copy, host));
        assert.deepEqual([...distinct].sort(), before, `no row is missing ${where}`);
        if (kind !== "half") await files.powerCut(random);
        else await files.discard();
        await compact(copy, host);
        assert.deepEqual(await rowsIn(copy, host), before, where);
        assert.equal((await listFiles(host.files, copy)).some((path) => path.endsWith(".merging")), false, where);
        await host.files.removeTree(copy);
      }
    }
  });
});

Deno.test("compactArchive reports a full disk at any operation and merges when there is room again", async () => {
  await withDir(async (dir, host) => {
    await writeParts(dir, host, someParts(2));
    const before = await rowsIn(dir, host);
    let failed = 0;
    for (let at = 1; at < 200; at++) {
      const files = new FaultyFiles(host.files, { at, kind: "short", code: "disk_full" });
      const result: CompactResult | Failure = await compact(dir, host, { files }).catch((error: Failure) => error);
      await files.discard();
      if (!(result instanceof Failure)) break;
      assert.equal(result.code, "disk_full");
      failed++;
      assert.deepEqual([...new Set(await rowsIn(dir, host))].sort(), before);
    }
    assert.ok(failed > 3);
    await compact(dir, host);
    assert.deepEqual(await rowsIn(dir, host), before);
  });
});

Deno.test("compactArchive holds few rows of a large symbol at a time and keeps their order over row groups", async () => {
  await withDir(async (dir, host) => {
    const parts = Array.from({ length: 3 }, (_, part) =>
      Array.from({ length: 100_000 }, (_, at) => {
        const offset = part * 100_000 + at;
        return envelope(offset, trade(), {
          received_ts: DAY_START + offset,
          symbol: at % 50 === 0 ? "ETH/USDT" : "BTC/USDT",
        });
      }));
    await writeParts(dir, host, parts, { exact_digits: false });
    await compact(dir, host);
    const [path, ...more] = (await partsIn(dir, host)).filter((each) => each.startsWith(FOLDER));
    assert.deepEqual(more, []);
    const source: ParquetSource = await openSource(host.files, `${dir}/${path}`);
    let last = -1;
    let symbol = "";
    let rows = 0;
    for (const group of source.groups) {
      const [offsets, symbols] = [await source.read(group, "offset"), await source.read(group, "symbol")];
      for (let at = 0; at < offsets.length; at++) {
        if (symbols[at] !== symbol) last = -1;
        symbol = String(symbols[at]);
        assert.ok(Number(offsets[at]) > last);
        last = Number(offsets[at]);
        rows++;
      }
    }
    await source.close();
    assert.equal(rows, 300_000);
    assert.equal(symbol, "ETH/USDT");
  });
});

async function copyOf(dir: string, to: string, host: Host): Promise<string> {
  for (const path of await listFiles(host.files, dir)) {
    const target = `${to}${path.slice(dir.length)}`;
    await host.files.makeDir(target.slice(0, target.lastIndexOf("/")));
    await host.files.writeAtomic(target, await host.files.readBytes(path) ?? new Uint8Array());
  }
  return to;
}
