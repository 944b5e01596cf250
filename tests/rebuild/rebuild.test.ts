import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Pipeline } from "../../src/derive/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { openJournal, readJournal } from "../../src/journal/mod.ts";
import { compactArchive } from "../../src/lake/mod.ts";
import { buildDerivation, type Envelope, type FramePlan, type SinkPlan, writeDerivation } from "../../src/model/mod.ts";
import { type PlanVersions, rebuildArchive, type RebuildResult } from "../../src/rebuild/mod.ts";
import { DAY_START } from "../support/envelopes.ts";
import { type Fault, FaultyFiles } from "../support/faulty_files.ts";
import { eventRule, field, framePlan } from "../support/frame_plan.ts";
import { makeSink } from "../support/made_sink.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { listFiles, readParquet } from "../support/stored_events.ts";

const HOUR = 3_600_000_000;
const RUN = { dedup: { enabled: false, windowSeconds: 1, keysMax: 1 }, bookTops: null };
const DATE = "2026-11-22";
const pause = () => Promise.resolve();

/** Trades whose price stands under a pointer. */
function plan(price = "/p"): FramePlan {
  return framePlan({
    exchange: "alpha",
    connections: [{ ...framePlan().connections[0], canonical: { BTCUSDT: "BTC/USDT", ETHUSDT: "ETH/USDT" } }],
    events: [eventRule("trade", {
      fields: { trade_id: "/i", price: field(price), size: "/q", side: field("/m", { map: { b: "buy", s: "sell" } }) },
    })],
  });
}

interface Rig {
  readonly host: Host;
  readonly dir: string;
  /** The archive that was written live, and its sink. */
  readonly archive: string;
  readonly sink: SinkPlan;
  readonly journal: string;
}

/** A journal of two days with sockets that close, in many segments, and the archive that a collector made of it. */
async function withRig(body: (rig: Rig) => Promise<void>, everyMinutes = 15): Promise<void> {
  const real = denoHost();
  const dir = await real.files.makeTempDir("rebuild");
  const clock = new ManualClock(DAY_START / 1000 - 3_600_000);
  const host: Host = { ...real, clock };
  try {
    const derivation = writeDerivation(buildDerivation(plan(), RUN));
    const pipeline = new Pipeline([], RUN.dedup);
    const journal = await openJournal({
      host: { ...host, processId: 1, machineName: () => "machine" },
      dir: `${dir}/journal`,
      plan: {
        syncMs: 100,
        segmentBytes: 40_000,
        totalBytesMax: 1e9,
        retainHours: 1e6,
        archiveDir: null,
        onFull: "block",
      },
      observer: () => {},
      checkpoint: () => pipeline.saveState(),
      plansInUse: () => [{ kind: "plan", at: clock.nowMicros(), hash: derivation.hash, body: derivation.body }],
    });
    let records = 0;
    const append = async (record: Parameters<typeof journal.append>[0]) => {
      const offset = journal.append(record);
      pipeline.process(offset, record);
      if (++records % 6 === 0) await journal.sync();
      return offset;
    };
    await append({ kind: "plan", at: clock.nowMicros(), hash: derivation.hash, body: derivation.body });
    let session = -1;
    for (let minute = 0; minute < 50 * 60; minute += everyMinutes) {
      const at = clock.nowMicros();
      if (minute % 600 === 0) {
        if (session >= 0) {
          await append({ kind: "closed", session, at, cause: "peer", code: 1006, reason: "" });
        }
        session = await append({
          ...{ kind: "opened", at, exchange: "alpha", connection: "public", url: "", descriptorHash: "" },
          ...{ planHash: derivation.hash, streams: [] },
        });
      }
      for (const native of ["BTCUSDT", "ETHUSDT"]) {
        const text = JSON.stringify({
          s: native,
          i: minute,
          p: `${minute}.10`,
          x: "7",
          q: "1",
          m: "b",
          pad: "x".repeat(500),
        });
        await append({ kind: "frame", session, at, binary: false, payload: new TextEncoder().encode(text) });
      }
      clock.advance(everyMinutes * 60_000);
    }
    const { id } = journal;
    await journal.whenSealed();
    await journal.close();
    clock.advance(86_400_000);
    const archive = `${dir}/lake`;
    const sink: SinkPlan = {
      type: "parquet",
      name: "archive",
      kinds: null,
      options: { dir: archive, layout: "exchange" },
    };
    await writeLive(host, { dir, archive, id, sink });
    await body({ host, dir, archive, sink, journal: id });
  } finally {
    await real.files.removeTree(dir);
  }
}

/** Writes what the journal derives as a collector does: a part every so often, merged later. */
async function writeLive(host: Host, { dir, archive, id, sink }: {
  readonly dir: string;
  readonly archive: string;
  readonly id: string;
  readonly sink: SinkPlan;
}): Promise<void> {
  const live = makeSink(sink, host, { journal: id, collector: "machine", end: () => Number.MAX_SAFE_INTEGER });
  const pipeline = new Pipeline([], RUN.dedup);
  await live.open(0);
  let events: Envelope[] = [];
  for await (const chunk of readJournal(host.files, `${dir}/journal`)) {
    for (const { offset, record } of chunk) {
      events.push(...pipeline.process(offset, record).envelopes);
      if (events.length < 37) continue;
      await live.write(events);
      await live.flush();
      events = [];
    }
  }
  await live.write(events);
  await live.flush();
  await live.close();
  // The last flushes are committed long since.
  await host.files.remove(`${archive}/_parts.json`);
  await compactArchive({ host, dir: archive, pause, tell: (text) => assert.fail(text) });
}

function rebuild(
  { host, dir, archive, sink, journal }: Rig,
  options: {
    readonly versions?: PlanVersions;
    readonly apply?: boolean;
    readonly to?: string;
    readonly archive?: string;
    readonly sources?: readonly string[];
    readonly files?: Host["files"];
  } = {},
): Promise<RebuildResult> {
  const into = options.archive ?? archive;
  return rebuildArchive({
    host: { ...host, files: options.files ?? host.files },
    sink: { ...sink, options: { ...sink.options, dir: into } },
    dir: into,
    sources: options.sources ?? [`${dir}/journal`],
    ...{ journal, from: DATE, to: options.to ?? "2026-11-23", exchanges: null, run: RUN, pause },
    versions: new Map([["alpha", options.versions ?? { now: plan(), earlier: [] }]]),
    apply: options.apply ?? true,
    tell: (text) => assert.fail(text),
  });
}

/** SHA-256 of every data file of an archive, by path. */
async function digestsOf({ files }: Host, dir: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of await listFiles(files, dir)) {
    if (!path.endsWith(".parquet") || path.includes("/_rebuild/")) continue;
    const bytes = await files.readBytes(path) ?? new Uint8Array();
    found.set(path.slice(dir.length + 1), createHash("sha256").update(bytes).digest("hex"));
  }
  return found;
}

const outcomes = ({ partitions }: RebuildResult) => [...new Set(partitions.map(({ outcome }) => outcome))];

async function copy({ files }: Host, from: string, to: string): Promise<void> {
  for (const path of await listFiles(files, from)) {
    const target = `${to}${path.slice(from.length)}`;
    await files.makeDir(target.slice(0, target.lastIndexOf("/")));
    await files.writeAtomic(target, await files.readBytes(path) ?? new Uint8Array());
  }
}

async function prices({ files }: Host, dir: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const path of await listFiles(files, `${dir}/kind=trade/exchange=alpha`)) {
    for (const row of await readParquet(files, path)) found.push(Number(row.price));
  }
  return found;
}

Deno.test("rebuildArchive leaves every byte of an archive whose plans are unchanged, and makes the same bytes anew", async () => {
  await withRig(async (rig) => {
    const { host, dir, archive } = rig;
    const before = await digestsOf(host, archive);
    const result = await rebuild(rig);
    assert.deepEqual(outcomes(result), ["unchanged"]);
    assert.equal(result.partitions.length, 4, "trades and gaps of two days");
    assert.ok(result.partitions.every(({ rows }) => rows.before === rows.after && rows.before > 0));
    assert.deepEqual(await digestsOf(host, archive), before);
    const fresh: ReadonlyMap<string, string>[] = [];
    for (const name of ["one", "two"]) {
      await host.files.makeDir(`${dir}/${name}`);
      assert.deepEqual(outcomes(await rebuild(rig, { archive: `${dir}/${name}` })), ["replaced"]);
      fresh.push(await digestsOf(host, `${dir}/${name}`));
    }
    assert.deepEqual(fresh[0], fresh[1], "the same journal and plans give the same bytes");
    assert.equal((await host.files.stat(`${archive}/_rebuild`)) === null, true);
  });
});

Deno.test("rebuildArchive says what other rules change, changes nothing in a dry run, and then nothing the second time", async () => {
  await withRig(async (rig) => {
    const { host, archive } = rig;
    const before = await digestsOf(host, archive);
    const versions = { now: plan("/x"), earlier: [] };
    const dry = await rebuild(rig, { versions, apply: false, to: DATE });
    const trades = dry.partitions.find(({ partition }) => partition.startsWith("kind=trade"));
    assert.deepEqual([trades?.outcome, trades?.rows], ["differs", {
      ...{ before: 192, after: 192, added: 0, removed: 0, changed: 192, columns: ["price"] },
    }]);
    assert.deepEqual(dry.partitions.filter(({ outcome }) => outcome === "differs").length, 1, "gaps are as they were");
    assert.deepEqual(await digestsOf(host, archive), before);
    await rebuild(rig, { versions, to: DATE });
    assert.equal((await prices(host, archive)).filter((price) => price === 7).length, 192, "one of two days");
    assert.deepEqual(outcomes(await rebuild(rig, { versions, to: DATE })), ["unchanged"]);
  });
});

Deno.test("what was received before the until of earlier rules is derived by them, session by session", async () => {
  await withRig(async (rig) => {
    const until = DAY_START + 20 * HOUR;
    await rebuild(rig, { versions: { now: plan("/x"), earlier: [{ until, frames: plan() }] } });
    for (const path of await listFiles(rig.host.files, `${rig.archive}/kind=trade/exchange=alpha`)) {
      for (const row of await readParquet(rig.host.files, path)) {
        // Sessions of ten hours begin at 23:00 of the day before.
        const isLater = Number(row.received_ts) >= DAY_START + 29 * HOUR;
        if (Number(row.received_ts) >= DAY_START + 48 * HOUR) continue;
        assert.equal(Number(row.price) === 7, isLater, String(row.received_ts));
      }
    }
  });
});

Deno.test("rebuildArchive keeps what the journal holds no more, and events of another journal", async () => {
  await withRig(async (rig) => {
    const { host, dir, archive } = rig;
    const segments = (await host.files.list(`${dir}/journal`) ?? []).map(({ name }) => name)
      .filter((name) => /\.journal/.test(name)).sort();
    assert.ok(segments.length > 6, `${segments.length}`);
    const before = await digestsOf(host, archive);
    const versions = { now: plan("/x"), earlier: [] };
    const other = await rebuild({ ...rig, journal: "22222222-2222-4222-8222-222222222222" }, { versions });
    assert.match(other.partitions.find(({ outcome }) => outcome === "kept")?.reason ?? "", /events of journal/);
    await host.files.makeDir(`${dir}/late`);
    const others = (await host.files.list(`${dir}/journal`) ?? []).filter(({ name, isDirectory }) =>
      !isDirectory && !/\.journal|lock|holder/.test(name)
    ).map(({ name }) => name);
    for (const name of [...segments.slice(segments.length >> 1), ...others]) {
      await host.files.writeAtomic(
        `${dir}/late/${name}`,
        await host.files.readBytes(`${dir}/journal/${name}`) ?? new Uint8Array(),
      );
    }
    const late = await rebuild(rig, { versions, sources: [`${dir}/late`], to: DATE });
    assert.match(late.partitions.find(({ outcome }) => outcome === "kept")?.reason ?? "", /begin at offset/);
    assert.deepEqual(await digestsOf(host, archive), before);
    // The rest from an archive of the same journal.
    await host.files.makeDir(`${dir}/early/date=2026-11-21`);
    for (const name of segments.slice(0, segments.length - 3)) {
      await host.files.writeAtomic(
        `${dir}/early/date=2026-11-21/${name}`,
        await host.files.readBytes(`${dir}/journal/${name}`) ?? new Uint8Array(),
      );
    }
    await host.files.writeAtomic(
      `${dir}/early/id`,
      await host.files.readBytes(`${dir}/journal/id`) ?? new Uint8Array(),
    );
    const both = await rebuild(rig, { sources: [`${dir}/early`, `${dir}/late`] });
    assert.deepEqual(outcomes(both), ["unchanged"], "two sources of one journal are one");
  });
});

Deno.test("a rebuild that ends at any write leaves each partition old or new, and the next one carries through", async () => {
  await withRig(async (rig) => {
    const { host, dir, archive } = rig;
    const versions = { now: plan("/x"), earlier: [] };
    await copy(host, archive, `${dir}/goal`);
    await rebuild(rig, { versions, archive: `${dir}/goal`, to: DATE });
    const goal = await digestsOf(host, `${dir}/goal`);
    const old = await digestsOf(host, archive);
    const path = [...goal.keys()].find((each) => goal.get(each) !== old.get(each)) ?? "";
    const into = `${dir}/try`;
    const attempt = async (fault: Fault | null) => {
      await host.files.removeTree(into);
      await copy(host, archive, into);
      const faulty = new FaultyFiles(host.files, fault);
      const end = await rebuild(rig, { versions, archive: into, to: DATE, files: faulty }).then(
        () => null,
        (error) => error,
      );
      await faulty.end();
      return { faulty, end };
    };
    // Operations on what readers see: the list, the renames and the removals.
    const { faulty: { log } } = await attempt(null);
    const swaps = log.flatMap((text, at) =>
      /try\/(?:_compaction\.json|kind=)/.test(text) && !text.startsWith("mkdir") ? [at + 1] : []
    );
    assert.ok(swaps.length > 3, log.join("\n"));
    for (const at of swaps) {
      for (const kind of ["before", "after"] as const) {
        const { end } = await attempt({ at, kind });
        assert.ok(end !== null || at === swaps.at(-1), `${kind} ${at}: ${log[at - 1]}`);
        const between = await digestsOf(host, into);
        for (const [name, digest] of between) {
          assert.ok(digest === old.get(name) || digest === goal.get(name), `${kind} ${log[at - 1]}: ${name}`);
        }
        assert.ok(between.size >= old.size, `${kind} ${log[at - 1]}: no partition is ever empty`);
        await rebuild(rig, { versions, archive: into, to: DATE });
        assert.deepEqual(await digestsOf(host, into), goal, `${kind} ${log[at - 1]}`);
      }
    }
    assert.notEqual(goal.get(path), undefined);
  }, 120);
});

Deno.test("rebuildArchive refuses a day that is not over while a collector writes to the archive", async () => {
  await withRig(async (rig) => {
    const lock = await rig.host.files.lock(`${rig.archive}/_lock`);
    await assert.rejects(rebuild(rig, { to: "2026-12-24" }), /is not over by half an hour, and a collector writes to/);
    assert.deepEqual(outcomes(await rebuild(rig)), ["unchanged"], "days that are over are rebuilt meanwhile");
    await lock.release();
    assert.ok(outcomes(await rebuild(rig, { to: "2026-12-24" })).includes("unchanged"));
  }, 120);
});
