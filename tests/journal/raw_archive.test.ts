import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import {
  checkArchived,
  findArchived,
  type Journal,
  journalFolder,
  listJournal,
  readJournal,
  verifyJournal,
} from "../../src/journal/mod.ts";
import { Failure, type Observation, type OpenedRecord } from "../../src/model/mod.ts";
import { FaultyFiles } from "../support/faulty_files.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MIB = 1024 * 1024;

function opened(exchange: string, at: number): OpenedRecord {
  return {
    kind: "opened",
    at,
    exchange,
    connection: "public",
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  };
}

/** Appends frames until so many segments were begun, a minute each; resolves with the texts by offset. */
async function fill(journal: Journal, clock: ManualClock, segments: number): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  const starts = new Set<number>();
  journal.append(opened("alpha", clock.nowMicros()));
  for (let at = 0; starts.size < segments; at++) {
    const text = `${at} ${"x".repeat(200_000)}`;
    const offset = journal.append(frame(text, clock.nowMicros()));
    texts.set(offset, text);
    await journal.sync();
    starts.add(journal.segmentStart(offset));
    clock.advance(60_000);
  }
  await journal.whenSealed();
  return texts;
}

Deno.test("journal moves segments that every reader has passed into the archive, readable as they were", async () => {
  await inTempDir(async (dir) => {
    const { files } = denoHost();
    const clock = new ManualClock();
    const seen: Observation[] = [];
    const archiveDir = `${dir}/old/raw`;
    const plan = { segmentBytes: MIB, archiveDir };
    const journal = await openRig(`${dir}/journal`, { clock, seen, plan, collector: "eu-1" });
    const texts = await fill(journal, clock, 3);
    const kept = journal.segmentStart(journal.synced - 1);
    await journal.commitCursor("archive", journal.synced);
    await journal.removePassed();
    assert.equal(journal.oldest, kept);
    await journal.close();
    assert.equal(seen.filter(({ kind }) => kind === "journal_segment_archived").length, 2);
    const root = await journalFolder(files, archiveDir);
    assert.equal(root, `${archiveDir}/${journal.id}`);
    assert.equal((await listJournal(files, root)).length, 2);
    assert.deepEqual((await verifyJournal(files, root)).damage, []);
    const archived = frameTexts(await collect(readJournal(files, root)));
    assert.deepEqual(archived, new Map([...texts].filter(([offset]) => offset < kept)));
    assert.match(await files.readText(`${root}/collectors`) ?? "", /eu-1/);
  });
});

Deno.test("findArchived finds segments by exchange and time, and checkArchived sees a changed byte", async () => {
  await inTempDir(async (dir) => {
    const { files } = denoHost();
    const clock = new ManualClock();
    const began = clock.nowMicros();
    const archiveDir = `${dir}/raw`;
    const journal = await openRig(`${dir}/journal`, { clock, plan: { segmentBytes: MIB, archiveDir } });
    await fill(journal, clock, 4);
    await journal.commitCursor("archive", journal.synced);
    await journal.removePassed();
    await journal.close();
    const all = await findArchived(files, archiveDir);
    assert.equal(all.length, 3);
    assert.deepEqual(all.map(({ exchanges }) => exchanges), [["alpha"], ["alpha"], ["alpha"]], "open sessions too");
    assert.deepEqual(await findArchived(files, archiveDir, { exchange: "beta" }), []);
    const [first, second] = all;
    assert.equal(first.from_ts, began);
    assert.deepEqual((await findArchived(files, archiveDir, { to: second.from_ts })).map(({ path }) => path), [
      first.path,
    ]);
    assert.equal((await findArchived(files, archiveDir, { from: first.to_ts + 1 })).length, 2);
    assert.equal(await checkArchived(files, first), null);
    const bytes = await files.readBytes(first.path) ?? new Uint8Array();
    bytes[bytes.length >> 1] ^= 1;
    await files.writeAtomic(first.path, bytes);
    assert.match(await checkArchived(files, first) ?? "", /checksum/);
    await files.remove(second.path);
    assert.match(await checkArchived(files, second) ?? "", /gone/);
    await files.writeAtomic(first.path.replace(".journal.zst", ".json"), new TextEncoder().encode("{}"));
    await assert.rejects(findArchived(files, archiveDir), { code: "corrupt" });
  });
});

Deno.test("journal keeps a segment that cannot be archived and moves it when there is room, wherever it ended", async () => {
  await inTempDir(async (dir) => {
    const { files } = denoHost();
    const archiveDir = `${dir}/raw`;
    const clock = new ManualClock();
    const begin = await openRig(`${dir}/journal`, { clock, plan: { segmentBytes: MIB } });
    const texts = await fill(begin, clock, 2);
    await begin.close();
    let ended = false;
    for (let at = 1; !ended; at++) {
      const faulty = new FaultyFiles(files);
      const seen: Observation[] = [];
      const plan = { segmentBytes: MIB, archiveDir };
      const journal = await openRig(`${dir}/journal`, { files: faulty, clock, seen, plan });
      await journal.commitCursor("archive", journal.synced);
      faulty.fault = { at: faulty.operations + at, kind: at % 2 === 0 ? "short" : "fail", code: "disk_full" };
      await journal.removePassed().catch((error) => assert.ok(error instanceof Failure));
      await journal.close().catch((error) => assert.ok(error instanceof Failure));
      await faulty.end();
      await faulty.discard();
      ended = faulty.operations < faulty.fault.at;
      const live = frameTexts(await collect(readJournal(files, `${dir}/journal`)));
      const root = await journalFolder(files, archiveDir);
      const old =
        await files.list(root) === null || ended === false && (await findArchived(files, archiveDir)).length === 0
          ? new Map<number, string>()
          : frameTexts(await collect(readJournal(files, root)));
      assert.deepEqual(new Map([...old, ...live]), texts, `nothing is lost by a full disk at operation ${at}`);
      assert.ok(at < 100);
    }
  });
});
