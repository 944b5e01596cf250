import assert from "node:assert/strict";
import { type Compressor, denoHost, type Files } from "../../src/host/mod.ts";
import { openJournal, verifyJournal } from "../../src/journal/mod.ts";
import type { Observation } from "../../src/model/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";

const { files } = denoHost();

async function segmentNames(dir: string): Promise<string[]> {
  return (await files.list(dir) ?? []).map(({ name }) => name).filter((name) => /journal(\.zst)?$/.test(name));
}

for (const what of ["file", "folder", "file, another in its place"] as const) {
  Deno.test(`journal notices that its ${what} is gone while it writes, tells it and goes on`, () =>
    inTempDir(async (root) => {
      const dir = `${root}/journal`;
      const seen: Observation[] = [];
      const clock = new ManualClock();
      const journal = await openRig(dir, { seen, clock });
      const lost = journal.append(frame("lost"));
      await journal.sync();
      const [name] = await segmentNames(dir);
      if (what === "folder") await files.removeTree(dir);
      else await files.remove(`${dir}/${name}`);
      if (what === "file, another in its place") {
        await files.writeAtomic(`${dir}/${name}`, new Uint8Array(100).fill(65));
      }
      const late = journal.append(frame("too late"));
      await assert.rejects(journal.sync(), { code: "file" });
      assert.notEqual(journal.failure, null);
      assert.ok(seen.some(({ kind }) => kind === "journal_failed"));
      await journal.sync();
      assert.equal(journal.failure, null);
      assert.ok(seen.some((one) => one.kind === "journal_warning" && one.code === "lost"));
      const kept = journal.append(frame("kept"));
      await journal.sync();
      const check = (entries: Awaited<ReturnType<typeof collect>>) => {
        assert.deepEqual([...frameTexts(entries)], [[kept, "kept"]]);
        const dropped = entries.flatMap(({ offset, record }) => record.kind === "dropped" ? [{ offset, record }] : []);
        assert.equal(dropped.length, 1);
        const [{ offset, record }] = dropped;
        assert.ok(offset <= lost && late < (record.toOffset ?? 0) && record.session === null);
      };
      check(await collect(journal.read(0)));
      const [fromLate] = await collect(journal.read(late));
      assert.deepEqual([fromLate.offset, fromLate.record.kind], [late, "dropped"], "news for a reader in its middle");
      await assert.rejects(openRig(dir), { code: "busy" }, "the folder is locked");
      assert.equal((await files.readText(`${dir}/id`))?.trim(), journal.id);
      await journal.commitCursor("sink", journal.synced);
      await journal.close();
      const again = await openRig(dir);
      check(await collect(again.read(0)));
      assert.equal(again.next, journal.next);
      await again.close();
      assert.deepEqual((await verifyJournal(files, dir)).damage, []);
      const others = (await files.list(dir) ?? []).filter(({ name: other }) => other.endsWith(".damaged"));
      assert.equal(others.length, what === "file, another in its place" ? 1 : 0, "what took its place is kept");
    }));
}

Deno.test("read() tells a segment that is gone as a dropped record, once, and goes on behind it", () =>
  inTempDir(async (dir) => {
    const seen: Observation[] = [];
    const journal = await openRig(dir, { plan: { segmentBytes: 1_000 }, seen });
    const offsets: number[] = [];
    for (let i = 0; i < 40; i++) {
      offsets.push(journal.append(frame(`${i} ${"x".repeat(50)}`)));
      if (i % 4 === 3) await journal.sync();
    }
    await journal.whenSealed();
    const names = await segmentNames(dir);
    assert.ok(names.length >= 4);
    await files.remove(`${dir}/${names[1]}`);
    await files.remove(`${dir}/${names[2]}`);
    for (let round = 0; round < 2; round++) {
      const entries = await collect(journal.read(offsets[0]));
      const dropped = entries.flatMap(({ offset, record }) => record.kind === "dropped" ? [{ offset, record }] : []);
      assert.equal(dropped.length, 2);
      const found = frameTexts(entries);
      for (const offset of offsets) {
        const isTold = dropped.some((one) => one.offset <= offset && offset < (one.record.toOffset ?? 0));
        assert.ok(found.has(offset) !== isTold, `offset ${offset}`);
      }
      assert.equal(seen.filter((one) => one.kind === "journal_warning" && one.code === "lost").length, 2);
    }
    await journal.close();
    const again = await openRig(dir);
    assert.equal((await collect(again.read(0))).filter(({ record }) => record.kind === "dropped").length, 2);
    await again.close();
  }));

Deno.test("a segment that is gone while it is compressed, and read meanwhile, stops no compression", () =>
  inTempDir(async (dir) => {
    const seen: Observation[] = [];
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const compressor: Compressor = {
      async zstd(bytes, params) {
        begun.resolve();
        await going.promise;
        return await denoHost().compressor.zstd(bytes, params);
      },
    };
    const journal = await openRig(dir, { plan: { segmentBytes: 1_000 }, seen, compressor });
    const first = journal.append(frame("x".repeat(2_000)));
    await journal.sync();
    journal.append(frame("y".repeat(2_000)));
    await journal.sync();
    await begun.promise;
    const [name] = await segmentNames(dir);
    await files.remove(`${dir}/${name}`);
    const kinds = async () => (await collect(journal.read(first, { to: first + 1 }))).map(({ record }) => record.kind);
    assert.deepEqual(await kinds(), ["dropped"]);
    going.resolve();
    await journal.whenSealed();
    assert.deepEqual(await kinds(), ["dropped"], "what was told once stays so");
    const names = await segmentNames(dir);
    assert.deepEqual(names.map((one) => one.endsWith(".zst")), names.map((_, at) => at < names.length - 1));
    assert.deepEqual(seen.filter((one) => one.kind === "journal_warning" && one.code === "sealing"), []);
    assert.equal(seen.filter((one) => one.kind === "journal_warning" && one.code === "lost").length, 1);
    await journal.close();
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
  }));

Deno.test("read() of the segment being written, which is gone, fails and has it made anew", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    const offset = journal.append(frame("lost"));
    await journal.sync();
    const [name] = await segmentNames(dir);
    await files.remove(`${dir}/${name}`);
    await assert.rejects(collect(journal.read(offset)), { code: "file" });
    await journal.sync().catch(() => {});
    await journal.sync();
    for (let i = 0; i < 20 && journal.failure !== null; i++) await journal.sync().catch(() => {});
    const entries = await collect(journal.read(offset));
    assert.deepEqual([entries[0].offset, entries[0].record.kind], [offset, "dropped"]);
    await journal.close();
  }));

Deno.test("journal takes its lock anew where the lock's file is gone", () =>
  inTempDir(async (dir) => {
    const clock = new ManualClock();
    const journal = await openRig(dir, { clock });
    await files.remove(`${dir}/lock`);
    clock.advance(10_000);
    journal.append(frame("a"));
    await journal.sync();
    await assert.rejects(openRig(dir), { code: "busy" });
    await journal.close();
    await (await openRig(dir)).close();
  }));

Deno.test("journal stops writing where another process took its folder after the lock's file was removed", () =>
  inTempDir(async (dir) => {
    const clock = new ManualClock();
    const journal = await openRig(dir, { clock });
    journal.append(frame("a"));
    await journal.sync();
    await files.remove(`${dir}/lock`);
    const other = await files.lock(`${dir}/lock`);
    clock.advance(10_000);
    journal.append(frame("b"));
    await assert.rejects(journal.sync(), { code: "busy" });
    assert.throws(() => journal.append(frame("c")), { code: "busy" });
    await other.release();
    await journal.close().catch(() => {});
  }));

Deno.test("commitCursor() makes the folder of cursors anew where it is gone", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    await files.removeTree(`${dir}/cursors`);
    await journal.commitCursor("sink", journal.synced);
    assert.equal(await journal.loadCursor("sink"), journal.synced);
    await journal.close();
  }));

for (const text of ["", "{", '{"next":"x"}', '{"next":9007199254740991}']) {
  Deno.test(`the cursor of a sink that is configured no more, holding ${text || "nothing"}, stops no start`, () =>
    inTempDir(async (dir) => {
      const journal = await openRig(dir);
      const offset = journal.append(frame("a"));
      await journal.close();
      await files.writeAtomic(`${dir}/cursors/old.json`, new TextEncoder().encode(text));
      const seen: Observation[] = [];
      const again = await openRig(dir, { seen });
      assert.equal(again.next, offset + 1);
      await again.close();
      await files.removeTree(`${dir}`);
      await files.makeDir(`${dir}/cursors`);
      await files.writeAtomic(`${dir}/cursors/old.json`, new TextEncoder().encode(text));
      const fresh = await openRig(dir, { seen });
      assert.equal(fresh.oldest, 1_770_000_000_000_000);
      await fresh.close();
    }));
}

Deno.test("openJournal() gives out no offset that a sink has committed, though the journal's end is lost", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    for (let i = 0; i < 5; i++) journal.append(frame(`${i}`));
    await journal.sync();
    const [name] = await segmentNames(dir);
    const before = await files.readBytes(`${dir}/${name}`);
    for (let i = 0; i < 5; i++) journal.append(frame(`lost ${i}`));
    await journal.sync();
    const committed = journal.synced;
    await journal.commitCursor("sink", committed);
    await journal.close();
    await files.writeAtomic(`${dir}/${name}`, before ?? new Uint8Array());
    const again = await openRig(dir);
    assert.equal(await again.loadCursor("sink"), committed);
    assert.equal(again.append(frame("later")), committed);
    await again.close();
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
  }));

/** Files whose syncs hang when they are told to. */
function hangingFiles(): { readonly files: Files; hang(): () => void } {
  let gate: Promise<void> | null = null;
  return {
    files: {
      ...files,
      open: async (path, mode) => {
        const handle = await files.open(path, mode);
        return {
          ...handle,
          sync: async () => {
            await gate;
            await handle.sync();
          },
        };
      },
    },
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        gate = null;
        resolve();
      };
    },
  };
}

Deno.test("sync() and close() give up with the signal where the disk hangs, and unsyncedMs tells how long it does", () =>
  inTempDir(async (dir) => {
    const hanging = hangingFiles();
    const clock = new ManualClock();
    const journal = await openRig(dir, { files: hanging.files, clock });
    assert.equal(journal.unsyncedMs, 0);
    const release = hanging.hang();
    journal.append(frame("a"));
    const syncing = new AbortController();
    const sync = journal.sync(syncing.signal);
    clock.advance(30_000);
    journal.append(frame("b"));
    assert.equal(journal.unsyncedMs, 30_000);
    syncing.abort();
    await assert.rejects(sync, { code: "cancelled" });
    await assert.rejects(journal.close(AbortSignal.abort()), { code: "cancelled" });
    await assert.rejects(openRig(dir), { code: "busy" }, "what hangs keeps the folder");
    release();
  }));

Deno.test("recovery opens segments one after the other, however many there are", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { plan: { segmentBytes: 100 } });
    for (let i = 0; i < 60; i++) {
      journal.append(frame(`${i} ${"x".repeat(100)}`));
      await journal.sync();
    }
    await journal.whenSealed();
    await journal.close();
    let open = 0;
    let most = 0;
    const counting: Files = {
      ...files,
      open: async (path, mode) => {
        const handle = await files.open(path, mode);
        most = Math.max(most, ++open);
        return { ...handle, close: () => (open--, handle.close()) };
      },
    };
    await (await openRig(dir, { files: counting })).close();
    assert.ok(most <= 3, `${most} files were open at once`);
    assert.equal(typeof openJournal, "function");
  }));
