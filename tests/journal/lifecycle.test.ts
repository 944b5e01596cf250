import assert from "node:assert/strict";
import { verifyJournal } from "../../src/journal/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { Failure, JOURNAL_REFUSED_BYTES, type Observation } from "../../src/model/mod.ts";
import { FaultyFiles } from "../support/faulty_files.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";

const { files } = denoHost();

Deno.test("sync() rejects with the failure of a full disk and keeps the records in order for the next attempt", () =>
  inTempDir(async (dir) => {
    const faulty = new FaultyFiles(files);
    const clock = new ManualClock();
    const seen: Observation[] = [];
    const journal = await openRig(dir, { files: faulty, clock, seen });
    journal.append(frame("one"));
    faulty.fault = { at: faulty.operations + 2, kind: "short", code: "disk_full" };
    await assert.rejects(journal.sync(), (error) => error instanceof Failure && error.code === "disk_full");
    assert.equal(journal.failure?.code, "disk_full");
    assert.deepEqual(seen.at(-1)?.kind, "journal_failed");
    journal.append(frame("two"));
    const progress = Promise.withResolvers<number>();
    const { next } = journal;
    journal.whenSynced((synced) => synced === next && progress.resolve(synced));
    clock.advance(100);
    await progress.promise;
    await journal.sync();
    assert.equal(journal.failure, null);
    assert.equal(journal.bufferedBytes, 0);
    assert.deepEqual([...frameTexts(await collect(journal.read(0))).values()], ["one", "two"]);
    await journal.close();
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
  }));

Deno.test("journal tries again after growing delays while the disk fails", () =>
  inTempDir(async (dir) => {
    const faulty = new FaultyFiles(files);
    const clock = new ManualClock();
    const seen: Observation[] = [];
    const journal = await openRig(dir, { files: faulty, clock, seen });
    journal.append(frame("kept"));
    for (const delayMs of [100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
      const failures = seen.length;
      faulty.fault = { at: faulty.operations + 1, kind: "fail" };
      await assert.rejects(journal.sync(), { code: "file" });
      assert.equal(seen.length, failures + 1);
      assert.equal(clock.timers, 1);
      clock.advance(delayMs - 1);
      assert.equal(clock.timers, 1, `no attempt before ${delayMs} ms`);
    }
    faulty.fault = null;
    await journal.close();
    assert.equal((await verifyJournal(files, dir)).records, 2);
  }));

Deno.test("append() refuses when its bound waits, and takes records again after", () =>
  inTempDir(async (dir) => {
    const faulty = new FaultyFiles(files);
    const journal = await openRig(dir, { files: faulty, plan: { segmentBytes: 1024 ** 3 } });
    const payload = new Uint8Array(4 * 1024 * 1024);
    const record = { ...frame(""), payload };
    faulty.fault = { at: faulty.operations + 1, kind: "fail" };
    let taken = 0;
    assert.throws(() => {
      for (; taken < 100; taken++) journal.append(record);
    }, { code: "busy" });
    assert.ok(taken * payload.length <= JOURNAL_REFUSED_BYTES);
    assert.ok(taken * payload.length > JOURNAL_REFUSED_BYTES - 2 * payload.length);
    await assert.rejects(journal.sync(), { code: "file" });
    await journal.sync();
    journal.append(record);
    await journal.close();
    assert.equal((await verifyJournal(files, dir)).records, taken + 2);
  }));

/** A journal with several sealed segments. */
async function openLong(dir: string, options: Parameters<typeof openRig>[1]) {
  const journal = await openRig(dir, { ...options, plan: { segmentBytes: 500, ...options?.plan } });
  for (let i = 0; i < 40; i++) {
    journal.append(frame(`frame ${i}`));
    if (i % 4 === 3) await journal.sync();
  }
  await journal.whenSealed();
  return journal;
}

Deno.test("removePassed() deletes what every known reader has passed, and never the segment being written", () =>
  inTempDir(async (dir) => {
    const seen: Observation[] = [];
    const journal = await openLong(dir, { seen });
    const { oldest } = journal;
    await journal.removePassed();
    assert.equal(journal.oldest, oldest, "no reader is known");
    await journal.loadCursor("slow");
    await journal.commitCursor("fast", journal.synced);
    await journal.removePassed();
    assert.equal(journal.oldest, oldest, "one reader has not committed");
    await journal.commitCursor("slow", oldest + 25);
    await journal.removePassed();
    assert.ok(journal.oldest > oldest && journal.oldest <= oldest + 25);
    await journal.commitCursor("slow", journal.synced);
    await journal.removePassed();
    const segments = (await files.list(dir) ?? []).filter((entry) => entry.name.includes(".journal"));
    assert.equal(segments.length, 1);
    assert.ok(seen.some((observation) => observation.kind === "journal_segment_deleted"));
    const [first] = await collect(journal.read(oldest));
    assert.equal(first.offset, journal.oldest);
    await journal.close();
  }));

Deno.test("removePassed() keeps segments for retain_hours", () =>
  inTempDir(async (dir) => {
    const clock = new ManualClock();
    const journal = await openLong(dir, { clock, plan: { retainHours: 2 } });
    const { oldest } = journal;
    await journal.commitCursor("sink", journal.synced);
    clock.advance(2 * 3_600_000 - 1);
    await journal.removePassed();
    assert.equal(journal.oldest, oldest);
    clock.advance(1);
    await journal.removePassed();
    assert.ok(journal.oldest > oldest);
    await journal.close();
  }));

for (const stepMs of [400 * 86_400_000, -400 * 86_400_000]) {
  const way = stepMs > 0 ? "forward" : "back";
  Deno.test(`removePassed() keeps segments for the time that passes where the clock was set ${way}, over a restart too`, () =>
    inTempDir(async (dir) => {
      const clock = new ManualClock();
      const options = { clock, plan: { retainHours: 2, segmentBytes: 500 } };
      const journal = await openLong(dir, options);
      const { oldest } = journal;
      const fromTs = clock.nowMicros();
      const set = new ManualClock(clock.nowMs() + stepMs);
      const toTs = set.nowMicros();
      journal.append({ kind: "clock", at: toTs, fromTs, toTs });
      await journal.close();

      const again = await openRig(dir, { ...options, clock: set });
      assert.equal(again.recovered.lastTs, toTs, "the latest time is that of the scale that holds now");
      await again.commitCursor("sink", again.synced);
      set.advance(2 * 3_600_000 - 1);
      await again.removePassed();
      assert.equal(again.oldest, oldest, "nothing goes before its time");
      set.advance(1);
      await again.removePassed();
      assert.ok(again.oldest > oldest, "nothing stays for ever");
      await again.close();
    }));
}

Deno.test("a damaged clock_steps.json is told, and keeps no journal from opening", () =>
  inTempDir(async (dir) => {
    for (const text of ["", "{", "[]", '{"version":2,"steps":[]}', '{"version":1,"steps":[["a",1]]}']) {
      const seen: Observation[] = [];
      await files.writeAtomic(`${dir}/clock_steps.json`, new TextEncoder().encode(text));
      await (await openRig(dir, { seen })).close();
      assert.ok(seen.some((one) => one.kind === "journal_warning" && one.code === "clock_steps"), text);
    }
  }));

Deno.test("a reader that is not loaded in this run holds nothing back", () =>
  inTempDir(async (dir) => {
    const journal = await openLong(dir, {});
    const { oldest } = journal;
    await journal.commitCursor("removed", oldest + 1);
    await journal.commitCursor("kept", journal.synced);
    await journal.removePassed();
    assert.equal(journal.oldest, oldest);
    await journal.close();
    const again = await openRig(dir);
    await again.loadCursor("kept");
    await again.removePassed();
    assert.ok(again.oldest > oldest);
    assert.equal(await again.loadCursor("removed"), oldest + 1);
    await again.close();
  }));

Deno.test("full is told when the cap is reached, and passed segments go before their time then", () =>
  inTempDir(async (dir) => {
    const seen: Observation[] = [];
    const journal = await openLong(dir, { seen, plan: { retainHours: 1000, totalBytesMax: 2500 } });
    while (!journal.full) {
      journal.append(frame("more of the same"));
      await journal.sync();
      await journal.whenSealed();
    }
    const told = () => seen.filter((observation) => observation.kind === "journal_full").map(({ full }) => full);
    assert.equal(told().at(-1), true);
    await journal.commitCursor("sink", journal.synced);
    await journal.removePassed();
    assert.equal(journal.full, false);
    assert.ok(journal.totalBytes < 2500);
    assert.equal(told().at(-1), false);
    assert.ok(told().every((full, i) => full === (i % 2 === 0)), "told once a change");
    await journal.close();
  }));

Deno.test("commitCursor() keeps any reader's name apart and inside of its folder", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    const names = ["a", "A b", "../up", "a/b", "..", "a%2Fb", "\u00e9"];
    for (const [i, name] of names.entries()) await journal.commitCursor(name, journal.synced - i);
    for (const [i, name] of names.entries()) assert.equal(await journal.loadCursor(name), journal.synced - i, name);
    assert.equal(await journal.loadCursor("none"), null);
    assert.equal((await files.list(`${dir}/cursors`))?.length, names.length);
    await journal.close();
  }));

Deno.test("commitCursor() rejects a position that is not synced", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    journal.append(frame("buffered"));
    await assert.rejects(journal.commitCursor("sink", journal.next), /past what is synced/);
    await journal.close();
  }));

Deno.test("loadCursor() refuses a cursor that is damaged or past the journal's end", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    const put = (text: string) => files.writeAtomic(`${dir}/cursors/sink.json`, new TextEncoder().encode(text));
    for (const text of ["", "{", "{}", `{"next":"1"}`, `{"next":-1}`, "null", `{"next":${journal.next + 1}}`]) {
      await put(text);
      await assert.rejects(journal.loadCursor("sink"), { code: "corrupt" }, text);
    }
    await put(`{"next":${journal.next}}`);
    assert.equal(await journal.loadCursor("sink"), journal.next);
    await journal.close();
  }));

Deno.test("openJournal() begins a new journal past every cursor that an earlier one left", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { clock: new ManualClock(1_780_000_000_000) });
    await journal.commitCursor("sink", journal.synced);
    const { synced } = journal;
    await journal.close();
    for (const { name } of await files.list(dir) ?? []) {
      if (name.includes(".journal")) await files.remove(`${dir}/${name}`);
    }
    const again = await openRig(dir, { clock: new ManualClock(1_770_000_000_000) });
    assert.equal(again.oldest, synced);
    await again.close();
  }));

Deno.test("openJournal() gives a journal one id for good, and another one to another journal", () =>
  inTempDir(async (dir) => {
    const first = await openRig(`${dir}/a`);
    await first.close();
    const again = await openRig(`${dir}/a`);
    const other = await openRig(`${dir}/b`);
    assert.match(first.id, /^[0-9a-f-]{36}$/);
    assert.equal(again.id, first.id);
    assert.notEqual(other.id, first.id);
    await again.close();
    await other.close();
  }));

Deno.test("loadCursor() of a damaged file fails and keeps everything that its reader may need; forgetCursor() lets it go", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { plan: { segmentBytes: 4096 } });
    const oldest = journal.oldest;
    await files.writeAtomic(`${dir}/cursors/broken.json`, new Uint8Array());
    await assert.rejects(journal.loadCursor("broken"), { code: "corrupt" });
    for (let i = 0; i < 200; i++) journal.append(frame("x".repeat(100)));
    await journal.sync();
    for (let i = 0; i < 200; i++) journal.append(frame("x".repeat(100)));
    await journal.sync();
    await journal.whenSealed();
    await journal.commitCursor("whole", journal.synced);
    await journal.removePassed();
    assert.equal(journal.oldest, oldest);
    journal.forgetCursor("broken");
    await journal.removePassed();
    assert.ok(journal.oldest > oldest);
    await journal.close();
  }));
