import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { ArchiveEvents, type ArchiveSelection, compactArchive, WHOLE_ARCHIVE } from "../../src/lake/mod.ts";
import { joinedEvents } from "../../src/lake/parquet_events.ts";
import type { Envelope, MarketEvent } from "../../src/model/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { listFiles } from "../support/stored_events.ts";

const SYMBOLS = ["ETH/USDT", "BTC/USDT", "ADA/USDT:USDT"];
const PARTS = 6;
const EVENTS = 40;

function delta(at: number): MarketEvent {
  const levels = Array.from({ length: 20 }, (_, level) => [String(100 + level), String(at + 1)] as const);
  const sequences = { first_sequence: String(at), last_sequence: null, previous_sequence: null };
  return { kind: "book_delta", bids: levels, asks: [["900", "1"]], ...sequences };
}

function eventAt(offset: number): Envelope {
  return envelope(offset, offset % 2 === 0 ? delta(offset) : trade(`${offset}.50`), {
    exchange: offset % 7 === 0 ? "beta" : "alpha",
    symbol: SYMBOLS[offset % 3],
    received_ts: DAY_START + offset * 1_000_000,
  });
}

async function withArchive(test: (dir: string, host: Host, events: readonly Envelope[]) => Promise<void>) {
  const host = denoHost();
  const dir = await host.files.makeTempDir("archive");
  try {
    const options = { dir, exact_digits: true };
    const sink = makeSink({ type: "parquet", name: "archive", kinds: null, options }, host);
    await sink.open(1);
    const events = Array.from({ length: PARTS * EVENTS }, (_, at) => eventAt(at + 1));
    for (let part = 0; part < PARTS; part++) {
      await sink.write(events.slice(part * EVENTS, (part + 1) * EVENTS));
      await sink.flush();
    }
    await sink.close();
    await test(dir, host, events);
  } finally {
    await host.files.removeTree(dir);
  }
}

async function read(dir: string, host: Host, wanted: Partial<ArchiveSelection> = {}) {
  const paths = (await listFiles(host.files, dir)).filter((path) => path.endsWith(".parquet"));
  const shares = new Map<string, number>();
  const reader = new ArchiveEvents(host.files, {
    ...{ paths, wanted: { ...WHOLE_ARCHIVE, ...wanted } },
    onRead: (path, share) => shares.set(path, (shares.get(path) ?? 0) + share),
  });
  const envelopes: Envelope[] = [];
  for await (const event of reader.read()) envelopes.push(event.envelope);
  assert.deepEqual([...shares.values()].map((share) => share.toFixed(6)), paths.map(() => "1.000000"));
  return envelopes;
}

Deno.test("ArchiveEvents gives the events of all files in the order of their records, before and after files are merged", async () => {
  await withArchive(async (dir, host, events) => {
    assert.deepEqual(await read(dir, host), events);
    const clock = new ManualClock(DAY_START / 1000 + 48 * 3_600_000);
    const pause = () => Promise.resolve();
    const { groups } = await compactArchive({ host: { files: host.files, clock }, dir, pause, tell: () => {} });
    assert.ok(groups > 0);
    assert.deepEqual(await read(dir, host), events);
  });
});

Deno.test("ArchiveEvents gives the exchange, symbols and times that are wanted alone", async () => {
  await withArchive(async (dir, host, events) => {
    const until = DAY_START + 150 * 1_000_000;
    const from = DAY_START + 20 * 1_000_000;
    assert.deepEqual(
      await read(dir, host, { exchange: "beta", symbols: new Set(["BTC/USDT"]), from, until }),
      events.filter(({ exchange, symbol, received_ts }) =>
        exchange === "beta" && symbol === "BTC/USDT" && received_ts >= from && received_ts < until
      ),
    );
    assert.deepEqual(await read(dir, host, { from: DAY_START + 86_400_000_000 }), []);
    assert.deepEqual(await read(dir, host, { symbols: new Set(["XRP/USDT"]) }), []);
  });
});

Deno.test("joinedEvents makes one event of the levels of an event that stand apart, and none of two events", () => {
  const whole = envelope(7, delta(7));
  assert.ok("bids" in whole.event);
  const part = (from: number, to: number) => {
    const event = { ...whole.event, bids: "bids" in whole.event ? whole.event.bids.slice(from, to) : [], asks: [] };
    return { collector: null, envelope: { ...whole, event } as Envelope };
  };
  const last = { collector: null, envelope: { ...whole, event: { ...whole.event, bids: [] } } };
  const joined = joinedEvents(part(0, 8), part(8, 20));
  assert.ok(joined !== null);
  assert.deepEqual(joinedEvents(joined, last)?.envelope, whole);
  assert.equal(joinedEvents(part(0, 20), { collector: null, envelope: envelope(8, delta(7)) }), null);
  assert.equal(joinedEvents({ collector: null, envelope: envelope(7, trade()) }, part(0, 20)), null);
});
