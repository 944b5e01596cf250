import assert from "node:assert/strict";
import {
  type ArchiveFormat,
  type Certificate,
  certifyArchive,
  checkCertificates,
  type CheckResult,
  notePlans,
  proofsOf,
  readCertificates,
  readSigningKey,
  type SigningKey,
} from "../../src/certificate/mod.ts";
import { readPlanNotes } from "../../src/certificate/plan_notes.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { ArchiveKeeper, compactArchive } from "../../src/lake/mod.ts";
import type { Envelope, Gap, MarketEvent, Micros } from "../../src/model/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { framePlan } from "../support/frame_plan.ts";
import { JOURNAL, makeSink } from "../support/made_sink.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { listFiles } from "../support/stored_events.ts";

const SECOND = 1_000_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const DATE = "2026-11-22";
const pause = () => Promise.resolve();

async function withDir(body: (dir: string, host: Host) => Promise<void>): Promise<void> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("certificates");
  try {
    await body(`${dir}/out`, host);
  } finally {
    await host.files.removeTree(dir);
  }
}

/** Writes events with a sink, a flush for each list. */
async function write(
  dir: string,
  host: Host,
  options: {
    readonly type?: ArchiveFormat;
    readonly lists: readonly (readonly Envelope[])[];
    readonly journal?: string;
  },
): Promise<void> {
  const { type = "parquet", lists, journal = JOURNAL } = options;
  const sink = makeSink({ type, name: "archive", kinds: null, options: { dir } }, host, { journal });
  await sink.open(Math.min(...lists.flat().map(({ offset }) => offset)));
  for (const events of lists) {
    await sink.write(events);
    await sink.flush();
  }
  await sink.close();
}

interface Told {
  readonly id: string;
  readonly state: Gap["state"];
  readonly from: Micros | null;
  readonly to: Micros | null;
  readonly stream?: Gap["stream"];
  readonly action?: string;
}

function gap({ id, state, from, to, stream = "trades", action = "none" }: Told): MarketEvent {
  return {
    ...{ kind: "gap", gap_id: id, state, stream, cause: "disconnect", from_ts: from, to_ts: to },
    ...{ from_sequence: null, to_sequence: null, detail: 'code 1006, "going away"\nsoon', action },
  };
}

/** Events as they come: a trade each minute of the first day from 10:00 to 12:00 and from 13:00 on into the second. */
function someEvents(): readonly Envelope[] {
  const events: Envelope[] = [];
  const at = (ts: Micros, event: MarketEvent, rest: Partial<Envelope> = {}) =>
    events.push(envelope(events.length, event, { received_ts: DAY_START + ts, exchange_ts: null, ...rest }));
  for (let minute = 600; minute <= 720; minute++) at(minute * 60 * SECOND, trade());
  const [from, to] = [DAY_START + 12 * HOUR, DAY_START + 13 * HOUR];
  at(12 * HOUR + SECOND, gap({ id: "121-0", state: "opened", from, to: null }));
  at(13 * HOUR, gap({ id: "121-0", state: "closed", from, to, action: "reconnected" }));
  for (let minute = 780; minute <= 1500; minute++) at(minute * 60 * SECOND, trade());
  at(25 * HOUR, trade("1"), { backfilled: true });
  at(25 * HOUR, gap({ id: "121-0", state: "filled", from, to, action: "filled" }));
  const levels = { bids: [["1", "2"], ["0.9", "1"]], asks: [["3", "4"]] } as const;
  at(25 * HOUR + 1, { kind: "book_snapshot", ...levels, sequence: "1" }, { symbol: 'ETH,"x"\n/USDT' });
  return events.map((event, offset) => ({ ...event, offset }));
}

function certify(
  dir: string,
  host: Host,
  options: { readonly at?: Micros; readonly key?: SigningKey | null; readonly isKept?: boolean } = {},
) {
  const { at = DAY_START + 3 * DAY, key = null, isKept = false } = options;
  return certifyArchive({
    host: { files: host.files, clock: new ManualClock(at / 1000) },
    ...{ dir, key, journalDir: null, onlyNews: isKept, onlySafe: isKept, pause },
    tell: (text) => assert.fail(text),
  });
}

function check(dir: string, host: Host, publicKey: string | null = null): Promise<CheckResult> {
  const clock = new ManualClock((DAY_START + 3 * DAY) / 1000);
  return checkCertificates({ host: { files: host.files, clock }, dir, journalDir: null, publicKey, pause });
}

async function certificateOf(dir: string, host: Host, date = DATE, exchange = "alpha"): Promise<Certificate> {
  const found = (await readCertificates(host.files, dir)).find((each) =>
    each.date === date && each.exchange === exchange
  );
  assert.ok(found !== undefined, `there is a certificate of ${exchange} on ${date}`);
  return found;
}

function streamOf({ streams }: Certificate, channel = "trades", symbol = "BTC/USDT") {
  const found = streams.find((stream) => stream.channel === channel && stream.symbol === symbol);
  assert.ok(found !== undefined, `there is a stream ${channel} ${symbol}`);
  return found;
}

/** Coverage in hours of the first day. */
function hoursOf(certificate: Certificate, channel = "trades", symbol = "BTC/USDT"): readonly (readonly number[])[] {
  const { coverage } = streamOf(certificate, channel, symbol);
  return coverage.map(({ from_ts, to_ts }) => [(from_ts - DAY_START) / HOUR, (to_ts - DAY_START) / HOUR]);
}

async function newKey(): Promise<SigningKey> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  assert.ok("privateKey" in pair);
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...der))}\n-----END PRIVATE KEY-----\n`;
  return await readSigningKey(pem, "key.pem");
}

for (const type of ["parquet", "ndjson", "csv"] as const) {
  Deno.test(`certifyArchive covers a ${type} archive from event to event but for its gaps, over midnight too`, async () => {
    await withDir(async (dir, host) => {
      const events = someEvents();
      await write(dir, host, { type, lists: [events.slice(0, 500), events.slice(500)] });
      const { written, failed } = await certify(dir, host);
      assert.deepEqual([written, failed], [2, 0]);
      const first = await certificateOf(dir, host);
      assert.deepEqual(hoursOf(first), [[10, 12], [13, 24]], "filled gaps stay gaps, and say so");
      const stream = streamOf(first);
      assert.deepEqual([stream.first_ts, stream.last_ts], [DAY_START + 10 * HOUR, DAY_START + DAY - 60 * SECOND]);
      assert.deepEqual(stream.counts, { trade: { events: 781, rows: 781, backfilled: 0 } });
      assert.equal(stream.covered_us, 13 * HOUR);
      assert.deepEqual(stream.gaps.map(({ gap_id, fate, detail }) => [gap_id, fate, detail]), [
        ["121-0", "filled", 'code 1006, "going away"\nsoon'],
      ]);
      assert.deepEqual([first.is_closed, first.is_settled, first.tells_gaps], [true, true, true]);
      const second = await certificateOf(dir, host, "2026-11-23");
      assert.deepEqual(hoursOf(second), [[24, 25]]);
      assert.deepEqual(streamOf(second).counts.trade, { events: 62, rows: 62, backfilled: 1 });
      const book = streamOf(second, "book", 'ETH,"x"\n/USDT');
      assert.deepEqual(book.counts.book_snapshot, {
        events: type === "csv" ? null : 1,
        rows: type === "ndjson" ? 1 : 3,
        backfilled: 0,
      });
      assert.deepEqual((await check(dir, host)).differences, []);
    });
  });
}

Deno.test("certifyArchive covers nothing behind a gap that is open, nor the next day until data come again", async () => {
  await withDir(async (dir, host) => {
    const at = (ts: Micros) => ({ received_ts: DAY_START + ts });
    const from = DAY_START + 10 * HOUR;
    const reopened = DAY_START + 50 * HOUR;
    await write(dir, host, {
      lists: [[
        envelope(1, trade(), at(9 * HOUR)),
        envelope(2, trade(), at(10 * HOUR)),
        envelope(3, gap({ id: "3-0", state: "opened", from, to: null }), at(11 * HOUR)),
        envelope(4, trade(), { ...at(30 * HOUR), symbol: "ETH/USDT" }),
        envelope(5, gap({ id: "3-0", state: "closed", from, to: reopened }), at(50 * HOUR)),
        envelope(6, trade(), at(50 * HOUR)),
      ]],
    });
    await certify(dir, host, { at: DAY_START + 5 * DAY });
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), [[9, 10]]);
    assert.equal(streamOf(await certificateOf(dir, host)).gaps[0].fate, "open", "as the next day knows it");
    const quiet = await certificateOf(dir, host, "2026-11-23");
    assert.deepEqual(hoursOf(quiet), [], "a day without an event lies in the gap");
    assert.equal(streamOf(quiet).gaps.length, 1);
    assert.deepEqual(hoursOf(await certificateOf(dir, host, "2026-11-24")), [[50, 50]]);
  });
});

Deno.test("certifyArchive covers a quiet day between two events, and nothing between two journals", async () => {
  await withDir(async (dir, host) => {
    const at = (ts: Micros) => ({ received_ts: DAY_START + ts });
    const told = gap({ id: "9-0", state: "closed", from: DAY_START, to: DAY_START });
    await write(dir, host, {
      lists: [[
        envelope(1, trade(), at(9 * HOUR)),
        envelope(2, told, { ...at(10 * HOUR), symbol: "ADA/USDT" }),
        envelope(3, trade(), { ...at(30 * HOUR), symbol: "ETH/USDT" }),
        envelope(4, trade(), at(50 * HOUR)),
      ]],
    });
    const other = "22222222-2222-4222-8222-222222222222";
    await host.files.remove(`${dir}/_owner.json`);
    await write(dir, host, {
      journal: other,
      lists: [[envelope(9, trade(), at(60 * HOUR)), envelope(10, trade(), at(61 * HOUR))]],
    });
    await certify(dir, host, { at: DAY_START + 5 * DAY });
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), [[9, 9]], "the next day has no event of it");
    assert.deepEqual(hoursOf(await certificateOf(dir, host, "2026-11-23")), [[24, 48]]);
    const third = await certificateOf(dir, host, "2026-11-24");
    assert.deepEqual(hoursOf(third), [[48, 50], [60, 61]]);
    assert.deepEqual(third.journals, [JOURNAL, other]);
  });
});

Deno.test("a gap of a whole connection is one of every stream of its exchange, one of an unknown exchange of all", async () => {
  await withDir(async (dir, host) => {
    const at = (ts: Micros, rest: Partial<Envelope> = {}) => ({ received_ts: DAY_START + ts, ...rest });
    const told = (id: string, hour: number) =>
      gap({ id, state: "closed", stream: null, from: DAY_START + hour * HOUR, to: DAY_START + (hour + 1) * HOUR });
    await write(dir, host, {
      lists: [[
        ...["alpha", "beta"].map((exchange, at_) => envelope(at_, trade(), at(0, { exchange }))),
        envelope(5, told("5-0", 3), at(4 * HOUR, { symbol: "", native_symbol: "" })),
        envelope(6, told("6-0", 6), at(7 * HOUR, { symbol: "", native_symbol: "", exchange: "unknown" })),
        ...["alpha", "beta"].map((exchange, at_) => envelope(8 + at_, trade(), at(9 * HOUR, { exchange }))),
      ]],
    });
    await certify(dir, host);
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), [[0, 3], [4, 6], [7, 9]]);
    assert.deepEqual(hoursOf(await certificateOf(dir, host, DATE, "beta")), [[0, 6], [7, 9]]);
    assert.deepEqual((await check(dir, host)).differences, []);
  });
});

Deno.test("checkCertificates names every file, signature and certificate that is not as it was", async () => {
  await withDir(async (dir, host) => {
    const [key, other] = [await newKey(), await newKey()];
    await write(dir, host, { lists: [someEvents()] });
    await certify(dir, host, { key });
    const fine = await check(dir, host, key.publicKey);
    assert.deepEqual([fine.differences, fine.signed], [[], 2]);
    assert.match((await check(dir, host, other.publicKey)).differences.join("\n"), /signed with another key/);
    const parts = (await listFiles(host.files, dir)).filter((path) => path.endsWith(".parquet"));
    for (const path of parts) {
      const bytes = await host.files.readBytes(path);
      assert.ok(bytes !== null);
      const changed = Uint8Array.from(bytes);
      changed[changed.length >> 1] ^= 1;
      await host.files.writeAtomic(path, changed);
      const [difference, ...more] = (await check(dir, host)).differences;
      assert.match(difference, new RegExp(`^${path.slice(dir.length + 1)}: its SHA-256 is`));
      assert.deepEqual(more.filter((text) => !text.startsWith(path.slice(dir.length + 1))), []);
      await host.files.remove(path);
      assert.match((await check(dir, host)).differences[0], /it is gone/);
      await host.files.writeAtomic(path, bytes);
    }
    await host.files.writeAtomic(
      `${dir}/kind=trade/exchange=beta/date=${DATE}/0000000000000001.parquet`,
      new Uint8Array(9),
    )
      .catch(async () => {
        await host.files.makeDir(`${dir}/kind=trade/exchange=beta/date=${DATE}`);
        await host.files.writeAtomic(
          `${dir}/kind=trade/exchange=beta/date=${DATE}/0000000000000001.parquet`,
          new Uint8Array(9),
        );
      });
    assert.match((await check(dir, host)).differences.join(), /no certificate names it/);
    await host.files.removeTree(`${dir}/kind=trade/exchange=beta`);
    const path = `${dir}/_certificates/alpha/${DATE}.json`;
    const text = await host.files.readText(path) ?? "";
    for (
      const [from, to] of [['"covered_us":46800000000', '"covered_us":86400000000'], [
        '"fate":"filled"',
        '"fate":"closed"',
      ]]
    ) {
      assert.ok(text.includes(from));
      await host.files.writeAtomic(path, new TextEncoder().encode(text.replace(from, to)));
      assert.deepEqual((await check(dir, host)).differences, [
        `_certificates/alpha/${DATE}.json: its signature does not match its content`,
      ]);
    }
    for (const broken of ["", "{", "[]", '{"format":2}', text.replaceAll("kind=trade", "../../kind")]) {
      await host.files.writeAtomic(path, new TextEncoder().encode(broken));
      assert.match((await check(dir, host)).differences.join("\n"), /Cannot read .*2026-11-22\.json/);
    }
  });
});

Deno.test("certificates that a collector keeps are renewed when files were merged or the next day is over, else left", async () => {
  await withDir(async (dir, host) => {
    const events = someEvents();
    const pieces = [0, 1, 2, 3, 4].map((piece) => events.filter(({ offset }) => Math.floor(offset / 200) === piece));
    const end = events.at(-1)?.offset ?? 0;
    const later = [1, 2].map((
      more,
    ) => [envelope(end + more, trade(), { exchange: "other", received_ts: DAY_START + 30 * HOUR })]);
    await write(dir, host, { lists: [...pieces, ...later] });
    const at = DAY_START + 25 * HOUR;
    const kept = (now: Micros) => certify(dir, host, { at: now, isKept: true });
    assert.deepEqual((await kept(at)).days, [{ exchange: "alpha", date: DATE }]);
    assert.equal((await certificateOf(dir, host)).is_settled, false);
    assert.equal((await kept(at)).written, 0, "nothing has changed");
    const clock = new ManualClock(at / 1000);
    const { groups } = await compactArchive({
      host: { files: host.files, clock },
      dir,
      pause,
      tell: (text) => assert.fail(text),
    });
    assert.ok(groups > 0);
    const merged = await checkCertificates({
      host: { files: host.files, clock },
      dir,
      journalDir: null,
      publicKey: null,
      pause,
    });
    assert.notDeepEqual(merged.differences, [], "merged files are not those that were certified");
    assert.equal((await kept(at)).written, 1);
    const again = await checkCertificates({
      host: { files: host.files, clock },
      dir,
      journalDir: null,
      publicKey: null,
      pause,
    });
    assert.deepEqual(again.differences, []);
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), [[10, 12], [13, 24]]);
    assert.ok((await kept(DAY_START + 2 * DAY + HOUR)).days.some(({ date }) => date === DATE), "the next day is over");
    assert.equal((await certificateOf(dir, host)).is_settled, true);
    assert.equal((await kept(DAY_START + 2 * DAY + HOUR)).written, 0);
  });
});

Deno.test("an archive without gaps proves nothing, unless it is known to be given them", async () => {
  await withDir(async (dir, host) => {
    await write(dir, host, { lists: [[envelope(1, trade()), envelope(2, trade())]] });
    const told: string[] = [];
    const options = {
      host,
      dir,
      key: null,
      journalDir: null,
      ...{ onlyNews: false, onlySafe: false },
      pause,
      tell: (text: string) => void told.push(text),
    };
    await certifyArchive(options);
    assert.match(told.join(), /holds no gap at all/);
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), []);
    const proofs = proofsOf(framePlan({ tradeIds: "consecutive" }));
    const note = {
      at: DAY_START - 5,
      exchange: "alpha",
      hash: "abc",
      proofs: { ...proofs, trades: ["sequence"] as const },
    };
    await notePlans(host.files, dir, [{ ...note, tellsGaps: true }]);
    await certifyArchive(options);
    const certificate = await certificateOf(dir, host);
    assert.equal(streamOf(certificate).coverage.length, 1);
    assert.deepEqual(streamOf(certificate).proved_by, ["sequence"]);
    assert.deepEqual(certificate.plans, [{ hash: "abc", from_ts: DAY_START - 5 }]);
    await notePlans(host.files, dir, [{ ...note, tellsGaps: false }]);
    await certifyArchive(options);
    assert.deepEqual(hoursOf(await certificateOf(dir, host)), [], "a sink without gaps");
  });
});

Deno.test("notePlans() writes each plan once, however often it is told of a run's earlier ones", async () => {
  await withDir(async (dir, host) => {
    const note = (at: number, exchange: string, hash: string) => ({ at, exchange, hash, proofs: {}, tellsGaps: true });
    const told = [note(1, "alpha", "a"), note(2, "alpha", "b"), note(2, "beta", "a"), note(3, "alpha", "a")];
    for (let look = 0; look < 3; look++) await notePlans(host.files, dir, told);
    assert.deepEqual(await readPlanNotes(host.files, dir), told);
  });
});

Deno.test("an ArchiveKeeper does what follows the merging at every look, and what is last before it ends", async () => {
  await withDir(async (dir, host) => {
    await host.files.makeDir(dir);
    const clock = new ManualClock(DAY_START / 1000);
    const done: string[] = [];
    const looked = Promise.withResolvers<void>();
    const archive = {
      ...{ sink: "lines", dir, compacts: false },
      afterwards: () => {
        done.push("look");
        looked.resolve();
        return Promise.resolve();
      },
      atEnd: () => Promise.resolve(void done.push("end")),
    };
    const keeper = new ArchiveKeeper({ files: host.files, clock }, {
      archives: [archive],
      observe: (seen) => assert.fail(JSON.stringify(seen)),
    });
    keeper.start();
    clock.advance(600_000);
    await looked.promise;
    await keeper.stop();
    assert.deepEqual(done, ["look", "end"]);
  });
});
