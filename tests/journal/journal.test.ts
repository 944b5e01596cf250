import assert from "node:assert/strict";
import fc from "fast-check";
import { readJournal, verifyJournal } from "../../src/journal/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import {
  CHANNELS,
  Failure,
  type HttpRecord,
  type JournalRecord,
  type Observation,
  type OpenedRecord,
  type Stream,
} from "../../src/model/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, comparable, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";

const { files } = denoHost();

const OPENED: OpenedRecord = {
  kind: "opened",
  at: 1_770_000_000_000_000,
  exchange: "alpha",
  connection: "public",
  url: "wss://alpha.example/ws",
  descriptorHash: "abc",
  planHash: null,
  streams: [{ channel: "trades", symbol: "BTC/USDT" }],
};

/** Records are plain objects. */
const PLAIN = { noNullPrototype: true };
const micros = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const streams: fc.Arbitrary<Stream[]> = fc.array(
  fc.record({ channel: fc.constantFrom(...CHANNELS), symbol: fc.string({ unit: "binary" }) }, PLAIN),
);
const bytes = fc.uint8Array({ maxLength: 300 });
const text = fc.string({ unit: "binary" });
const records: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record(
    { kind: fc.constant("frame" as const), session: micros, at: micros, binary: fc.boolean(), payload: bytes },
    PLAIN,
  ),
  fc.record({ kind: fc.constant("clock" as const), at: micros, fromTs: micros, toTs: micros }, PLAIN),
  fc.record({
    kind: fc.constant("share" as const),
    at: micros,
    exchange: text,
    change: fc.constantFrom("taken" as const, "released" as const),
    share: fc.integer({ min: 1, max: 256 }),
    shares: fc.integer({ min: 1, max: 256 }),
    other: fc.option(text),
    epoch: micros,
    fromTs: fc.option(micros),
    streams,
  }, PLAIN),
  fc.record({
    kind: fc.constant("opened" as const),
    at: micros,
    exchange: text,
    connection: text,
    url: text,
    descriptorHash: text,
    planHash: fc.option(text),
    streams,
  }, PLAIN),
  fc.record({
    kind: fc.constant("http" as const),
    planHash: fc.option(text),
    at: micros,
    exchange: text,
    session: fc.option(micros),
    request: text,
    native: text,
    url: text,
    status: fc.integer({ min: 100, max: 599 }),
    body: bytes,
  }, PLAIN),
  fc.record({ kind: fc.constant("acked" as const), session: micros, at: micros, streams }, PLAIN),
  fc.record(
    {
      kind: fc.constant("streams" as const),
      session: micros,
      at: micros,
      planHash: text,
      added: streams,
      removed: streams,
    },
    PLAIN,
  ),
  fc.record({ kind: fc.constant("rejected" as const), session: micros, at: micros, streams, reason: text }, PLAIN),
  fc.record(
    {
      kind: fc.constant("stalled" as const),
      session: micros,
      at: micros,
      stream: fc.constant({ channel: "trades" as const, symbol: "A" }),
      from: micros,
      action: text,
      reason: text,
    },
    PLAIN,
  ),
  fc.record({
    kind: fc.constant("closed" as const),
    session: micros,
    at: micros,
    cause: fc.constantFrom("peer" as const, "crash" as const, "stale" as const),
    code: fc.option(fc.integer({ min: 1000, max: 4999 })),
    reason: text,
  }, PLAIN),
  fc.record({ kind: fc.constant("plan" as const), at: micros, hash: text, body: text }, PLAIN),
  fc.record({
    kind: fc.constant("dropped" as const),
    session: micros,
    at: micros,
    frames: fc.nat(),
    fromTs: micros,
    toTs: micros,
    toOffset: fc.constant(null),
    reason: text,
  }, PLAIN),
);

Deno.test("journal gives every record back when it is read after a restart", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(records, { maxLength: 30 }), fc.json(), (appended, state) =>
      inTempDir(async (dir) => {
        const journal = await openRig(dir, { checkpoint: () => [state] });
        const offsets = appended.map((record) => journal.append(record));
        await journal.close();
        const entries = await collect(readJournal(files, dir));
        assert.deepEqual(entries[0].record, {
          ...{ kind: "checkpoint", at: 1_770_000_000_000_000, part: 0, last: true, state },
        });
        assert.deepEqual(entries.slice(1).map((entry) => entry.offset), offsets);
        assert.deepEqual(entries.slice(1).map((entry) => comparable(entry.record)), appended.map(comparable));
      })),
    { numRuns: 60 },
  );
});

Deno.test("journal keeps empty payloads and payloads of 16 MB", () =>
  inTempDir(async (dir) => {
    const large = new Uint8Array(16 * 1024 * 1024).map((_, i) => i * 31 % 251);
    const http: HttpRecord = {
      kind: "http",
      planHash: null,
      at: 5,
      exchange: "alpha",
      session: null,
      request: "depth",
      native: "",
      url: "https://alpha.example",
      status: 200,
      body: large,
    };
    const empty = frame("");
    const journal = await openRig(dir);
    const appended = [empty, { ...frame(""), payload: large, binary: true }, http, { ...http, body: empty.payload }];
    for (const record of appended) journal.append(record);
    const late = frame("after");
    journal.append(late);
    await journal.sync();
    const entries = await collect(journal.read(journal.oldest));
    assert.deepEqual(entries.slice(1).map((entry) => comparable(entry.record)), [...appended, late].map(comparable));
    const kept = entries[2].record;
    assert.ok(kept.kind === "frame");
    assert.deepEqual(kept.payload, large);
    await journal.close();
  }));

Deno.test("openJournal() starts offsets at the microsecond of creation and goes on after them", () =>
  inTempDir(async (dir) => {
    const clock = new ManualClock(1_780_000_000_123);
    const journal = await openRig(dir, { clock });
    assert.equal(journal.oldest, 1_780_000_000_123_000);
    assert.equal(journal.next, 1_780_000_000_123_001);
    assert.equal(journal.append(frame("a")), 1_780_000_000_123_001);
    await journal.close();
    const again = await openRig(dir, { clock: new ManualClock(1_790_000_000_000) });
    assert.equal(again.next, 1_780_000_000_123_002);
    assert.equal(again.synced, again.next);
    await again.close();
  }));

Deno.test("append() copies the payload, so that its owner may use it again", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    const record = frame("first");
    const offset = journal.append(record);
    record.payload.fill(0);
    await journal.sync();
    assert.equal(frameTexts(await collect(journal.read(offset))).get(offset), "first");
    await journal.close();
  }));

Deno.test("append() is not synced until sync_ms has passed, then all of it is at once", () =>
  inTempDir(async (dir) => {
    const clock = new ManualClock();
    const seen: Observation[] = [];
    const journal = await openRig(dir, { clock, seen });
    const before = journal.synced;
    journal.append(frame("a"));
    journal.append(frame("b"));
    clock.advance(99);
    assert.equal(journal.synced, before);
    const progress = Promise.withResolvers<number>();
    const end = journal.whenSynced(progress.resolve);
    clock.advance(1);
    assert.equal(await progress.promise, before + 2);
    end();
    const commits = seen.filter((observation) => observation.kind === "journal_synced");
    assert.deepEqual(commits.map((commit) => commit.records), [1, 2]);
    assert.equal(journal.bufferedBytes, 0);
    await journal.close();
    assert.equal(clock.timers, 0);
  }));

Deno.test("read() shows only what is synced", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    journal.append(frame("safe"));
    await journal.sync();
    journal.append(frame("buffered"));
    const texts = [...frameTexts(await collect(journal.read(0))).values()];
    assert.deepEqual(texts, ["safe"]);
    await journal.close();
  }));

Deno.test("read() goes over sealed and plain segments and starts with the checkpoint before `from`", () =>
  inTempDir(async (dir) => {
    let appended = 0;
    const journal = await openRig(dir, { plan: { segmentBytes: 600 }, checkpoint: () => [String(appended)] });
    const offsets: number[] = [];
    while (appended < 60) {
      offsets.push(journal.append(frame(`frame ${appended}`)));
      appended++;
      if (appended % 3 === 0) await journal.sync();
    }
    await journal.sync();
    await journal.whenSealed();
    const names = (await files.list(dir) ?? []).map((entry) => entry.name);
    assert.ok(names.filter((name) => name.endsWith(".zst")).length >= 3, names.join());
    assert.equal(names.filter((name) => name.endsWith(".journal")).length, 1, names.join());
    const all = await collect(journal.read(0));
    assert.deepEqual(all.map((entry) => entry.offset), all.map((_, i) => journal.oldest + i));
    assert.deepEqual([...frameTexts(all).keys()], offsets);
    const checkpoints = all.filter((entry) => entry.record.kind === "checkpoint");
    for (const { offset, record } of checkpoints) {
      const before = offsets.filter((frameOffset) => frameOffset < offset).length;
      assert.equal(record.kind === "checkpoint" && record.state, String(before));
    }
    const late = await collect(journal.read(offsets[40]));
    assert.equal(late[0].record.kind, "checkpoint");
    assert.ok(late[0].offset < offsets[40] && late[0].offset > offsets[20]);
    const exact = await collect(journal.read(offsets[40], { exact: true, to: offsets[43] + 1 }));
    assert.deepEqual([...frameTexts(exact).values()], ["frame 40", "frame 41", "frame 42", "frame 43"]);
    assert.equal((await verifyJournal(files, dir)).damage.length, 0);
    await journal.close();
  }));

Deno.test("read() follows a journal that is written while it reads", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { plan: { segmentBytes: 4000 } });
    const first = journal.next;
    journal.append(frame("0"));
    await journal.sync();
    const seen: string[] = [];
    for await (const chunk of journal.read(first, { exact: true })) {
      seen.push(...frameTexts(chunk).values());
      if (seen.length >= 200) continue;
      journal.append(frame(String(seen.length)));
      await journal.sync();
    }
    assert.deepEqual(seen, Array.from({ length: 200 }, (_, i) => String(i)));
    await journal.close();
  }));

Deno.test("openJournal() lists sessions without a closed record with the time of their last frame", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { plan: { segmentBytes: 700 } });
    const first = journal.append(OPENED);
    const quiet = journal.append({ ...OPENED, connection: "quiet" });
    const ended = journal.append({ ...OPENED, connection: "ended" });
    journal.append({ kind: "closed", session: ended, at: 9, cause: "peer", code: 1000, reason: "" });
    for (let i = 0; i < 30; i++) {
      journal.append({ ...frame(`frame ${i}`), session: first, at: OPENED.at + i });
      await journal.sync();
    }
    await journal.close();
    const again = await openRig(dir);
    assert.deepEqual(again.recovered.openSessions, [
      { session: first, record: OPENED, lastTs: OPENED.at + 29 },
      { session: quiet, record: { ...OPENED, connection: "quiet" }, lastTs: OPENED.at },
    ]);
    await again.close();
  }));

Deno.test("openJournal() refuses a folder that another holds and names the holder", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    await assert.rejects(openRig(dir), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, "busy");
      assert.match(error.message, /it is held by process 4711 since 2026-/);
      return true;
    });
    await journal.close();
    await (await openRig(dir)).close();
  }));

Deno.test("append() throws after close()", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    await journal.close();
    assert.throws(() => journal.append(frame("late")), (error) => error instanceof Failure && error.code === "closed");
  }));
