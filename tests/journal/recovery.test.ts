import assert from "node:assert/strict";
import { type JournalProgress, listJournal, readJournal, verifyJournal } from "../../src/journal/mod.ts";
import { Failure, type Observation } from "../../src/model/mod.ts";
import { seeded } from "../support/seeded.ts";
import { FaultyFiles } from "../support/faulty_files.ts";
import {
  collect,
  comparable,
  frame,
  frameTexts,
  openRig as openRigOn,
  type RigOptions,
} from "../support/journal_rig.ts";
import { memoryDisk } from "./crashes.ts";

/** In memory: these tests open a journal for every byte of it. */
const { files } = memoryDisk();
let folders = 0;

async function inTempDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = `/journal${++folders}`;
  await files.makeDir(dir);
  await test(dir);
}

const openRig = (dir: string, options: RigOptions = {}) => openRigOn(dir, { files, ...options });

/** Puts bytes in place of a file. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await files.open(path, "append");
  await handle.truncate(0);
  await handle.write(bytes);
  await handle.close();
}

async function contents(path: string): Promise<Uint8Array> {
  const bytes = await files.readBytes(path);
  assert.ok(bytes !== null);
  return bytes;
}

async function segmentNames(dir: string): Promise<string[]> {
  return (await files.list(dir) ?? []).map((entry) => entry.name).filter((name) => name.includes(".journal"));
}

/** A journal with one segment of three group commits that its process did not close. */
async function writeAndKill(dir: string): Promise<{ path: string; ends: number[]; texts: string[] }> {
  const faulty = new FaultyFiles(files);
  const journal = await openRig(dir, { files: faulty });
  const [name] = await segmentNames(dir);
  const path = `${dir}/${name}`;
  const ends: number[] = [];
  const texts = ["one", "two", "three", "", "five"];
  for (const [i, text] of texts.entries()) {
    journal.append(frame(text));
    if (i === 1) continue;
    await journal.sync();
    ends.push((await files.stat(path))?.bytes ?? 0);
  }
  await faulty.end();
  await faulty.discard();
  return { path, ends, texts };
}

Deno.test("openJournal() keeps every record before the cut when the last segment is cut at any byte", () =>
  inTempDir(async (dir) => {
    const { path, ends, texts } = await writeAndKill(dir);
    const whole = await contents(path);
    // One, then two and three in one commit, then the empty one, then five.
    const counts = [1, 3, 4, 5];
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const name of await segmentNames(dir)) await files.remove(`${dir}/${name}`);
      await replace(path, whole.subarray(0, cut));
      const journal = await openRig(dir);
      const found = [...frameTexts(await collect(journal.read(0))).values()];
      const atLeast = counts[ends.findLastIndex((end) => end <= cut)] ?? 0;
      assert.ok(found.length >= atLeast, `cut at ${cut}: ${found.length} of ${atLeast} records`);
      assert.deepEqual(found, texts.slice(0, found.length), `cut at ${cut}`);
      const offset = journal.append(frame("later"));
      assert.equal(offset, journal.oldest + 1 + found.length);
      await journal.close();
      const again = await openRig(dir);
      assert.equal(again.recovered.cutBytes, 0);
      assert.deepEqual([...frameTexts(await collect(again.read(0))).values()], [...found, "later"]);
      await again.close();
    }
  }));

Deno.test("openJournal() leaves the bytes before the cut as they are", () =>
  inTempDir(async (dir) => {
    const { path } = await writeAndKill(dir);
    const whole = await contents(path);
    await replace(path, whole.subarray(0, whole.length - 3));
    const journal = await openRig(dir);
    assert.ok(journal.recovered.cutBytes > 0);
    const kept = whole.length - 3 - journal.recovered.cutBytes;
    journal.append(frame("later"));
    await journal.close();
    assert.deepEqual((await contents(path)).subarray(0, kept), whole.subarray(0, kept));
  }));

Deno.test("openJournal() refuses a flip of any byte of a closed segment by name and offset", () =>
  inTempDir(async (dir) => {
    const { path, texts } = await writeAndKill(dir);
    await (await openRig(dir)).close();
    const whole = await contents(path);
    // The mark that `close` writes is last: without it no record is lost.
    const markAt = whole.length - 42;
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.slice();
      flipped[at] ^= 1 << at % 8;
      await replace(path, flipped);
      if (at >= markAt) {
        const journal = await openRig(dir);
        assert.deepEqual([...frameTexts(await collect(journal.read(0))).values()], texts, `byte ${at}`);
        assert.equal(journal.recovered.cutBytes, 42);
        await journal.close();
        continue;
      }
      const name = path.slice(dir.length + 1);
      await assert.rejects(openRig(dir), (error) => {
        assert.ok(error instanceof Failure && error.code === "corrupt", `byte ${at}: ${error}`);
        assert.ok(error.message.includes(`segment ${name}: damaged at byte `), error.message);
        assert.match(error.message, /, offset \d+: /);
        return true;
      });
      assert.deepEqual(await contents(path), flipped, "a damaged segment is not changed");
      const report = await verifyJournal(files, dir);
      assert.equal(report.damage.length, 1, `byte ${at}`);
      assert.ok(report.damage[0].byte <= at);
      await assert.rejects(collect(readJournal(files, dir)), { code: "corrupt" });
    }
  }));

Deno.test("openJournal() keeps every good record before and behind a flip in the last commit before a crash", () =>
  inTempDir(async (dir) => {
    const texts = ["one", "two", "three", "", "five", "six"];
    const faulty = new FaultyFiles(files);
    const writing = await openRig(dir, { files: faulty });
    const [name] = await segmentNames(dir);
    const path = `${dir}/${name}`;
    writing.append(frame("zero"));
    await writing.sync();
    const begin = (await files.stat(path))?.bytes ?? 0;
    const offsets = texts.map((text) => writing.append(frame(text)));
    await writing.sync();
    await faulty.end();
    await faulty.discard();
    const whole = await contents(path);
    for (let at = begin; at < whole.length; at++) {
      for (const other of await segmentNames(dir)) await files.remove(`${dir}/${other}`);
      const flipped = whole.slice();
      flipped[at] ^= 0x10;
      await replace(path, flipped);
      const seen: Observation[] = [];
      const journal = await openRig(dir, { seen });
      const entries = await collect(journal.read(0));
      const found = frameTexts(entries);
      const missing = offsets.filter((offset, i) => found.get(offset) !== texts[i]);
      assert.ok(missing.length <= 1, `byte ${at}: ${missing.length} records are missing`);
      assert.deepEqual(
        [...found.values()],
        ["zero", ...texts].filter((_, i) => i === 0 || offsets[i - 1] !== missing[0]),
        `byte ${at}`,
      );
      const isLast = missing[0] === offsets[offsets.length - 1];
      const dropped = entries.flatMap(({ offset, record }) => record.kind === "dropped" ? [{ offset, record }] : []);
      assert.equal(dropped.length, missing.length === 1 && !isLast ? 1 : 0, `byte ${at}`);
      for (const { offset, record } of dropped) {
        assert.deepEqual([offset, record.session, record.toOffset, record.frames], [missing[0], null, offset + 1, 1]);
      }
      const aside = (await segmentNames(dir)).filter((other) => other.endsWith(".damaged"));
      assert.equal(aside.length, isLast ? 0 : 1, `byte ${at}`);
      assert.equal(seen.some(({ kind }) => kind === "journal_warning"), !isLast, `byte ${at}`);
      const next = journal.append(frame("later"));
      assert.equal(next, isLast ? missing[0] : offsets[offsets.length - 1] + 1);
      await journal.close();
      assert.deepEqual((await verifyJournal(files, dir)).damage, []);
    }
  }));

Deno.test("openJournal() keeps hundreds of good records behind a zeroed page in the last commit before a crash", () =>
  inTempDir(async (dir) => {
    const faulty = new FaultyFiles(files);
    const writing = await openRig(dir, { files: faulty });
    const [name] = await segmentNames(dir);
    const path = `${dir}/${name}`;
    const offsets = Array.from({ length: 1000 }, (_, i) => writing.append(frame(`${i} ${"x".repeat(i % 300)}`)));
    await writing.sync();
    await faulty.end();
    await faulty.discard();
    const whole = await contents(path);
    const random = seeded(11);
    for (let round = 0; round < 20; round++) {
      for (const other of await segmentNames(dir)) await files.remove(`${dir}/${other}`);
      const damaged = whole.slice();
      const at = 500 + Math.floor(random() * (whole.length - 9000));
      const length = 1 + Math.floor(random() * 8000);
      damaged.fill(0, at, at + length);
      await replace(path, damaged);
      const journal = await openRig(dir);
      const entries = await collect(journal.read(0));
      const texts = frameTexts(entries);
      for (const [offset, text] of texts) assert.ok(text.startsWith(`${offsets.indexOf(offset)} `), `offset ${offset}`);
      const [dropped] = entries.filter(({ record }) => record.kind === "dropped");
      assert.ok(dropped.record.kind === "dropped" && dropped.record.toOffset !== null);
      assert.equal(texts.size, offsets.length - (dropped.record.toOffset - dropped.offset), `zeros at ${at}`);
      assert.ok(dropped.record.toOffset - dropped.offset <= 2 + length / 12, "no more than what the zeros held");
      await journal.close();
    }
  }));

/** A closed journal whose first segments are sealed. */
async function writeSealed(dir: string): Promise<{ sealed: string; texts: string[] }> {
  const journal = await openRig(dir, { plan: { segmentBytes: 400 } });
  const texts = Array.from({ length: 24 }, (_, i) => `frame ${i}`);
  for (const [i, text] of texts.entries()) {
    journal.append(frame(text));
    if (i % 4 === 3) await journal.sync();
  }
  await journal.whenSealed();
  await journal.close();
  const sealed = (await segmentNames(dir)).find((name) => name.endsWith(".zst"));
  assert.ok(sealed !== undefined);
  return { sealed, texts };
}

Deno.test("verifyJournal() finds a flip of any byte of a sealed segment, and readJournal() refuses it", () =>
  inTempDir(async (dir) => {
    const { sealed } = await writeSealed(dir);
    const path = `${dir}/${sealed}`;
    const whole = await contents(path);
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.slice();
      flipped[at] ^= 1 << at % 8;
      await replace(path, flipped);
      const report = await verifyJournal(files, dir);
      assert.deepEqual(report.damage.map((damage) => damage.segment), [sealed], `byte ${at}`);
      await assert.rejects(collect(readJournal(files, dir)), { code: "corrupt" }, `byte ${at}`);
    }
  }));

Deno.test("verifyJournal() finds a sealed segment cut at any byte", () =>
  inTempDir(async (dir) => {
    const { sealed } = await writeSealed(dir);
    const path = `${dir}/${sealed}`;
    const whole = await contents(path);
    for (let cut = 0; cut < whole.length; cut++) {
      await replace(path, whole.subarray(0, cut));
      assert.equal((await verifyJournal(files, dir)).damage[0]?.segment, sealed, `cut at ${cut}`);
      await assert.rejects(openRig(dir), { code: "corrupt" }, `cut at ${cut}`);
    }
  }));

Deno.test("openJournal() refuses a journal whose middle segment is missing", () =>
  inTempDir(async (dir) => {
    await writeSealed(dir);
    const names = await segmentNames(dir);
    await files.remove(`${dir}/${names[1]}`);
    await assert.rejects(openRig(dir), (error) => {
      assert.ok(error instanceof Failure && error.code === "corrupt");
      assert.ok(error.message.includes(names[0]) && error.message.includes(names[2]), error.message);
      return true;
    });
    assert.equal((await verifyJournal(files, dir)).damage[0].segment, names[0]);
  }));

Deno.test("listJournal() and readJournal() show a journal without changing it", () =>
  inTempDir(async (dir) => {
    const { texts } = await writeSealed(dir);
    const names = await segmentNames(dir);
    const list = await listJournal(files, dir);
    assert.deepEqual(list.map((segment) => segment.name), names);
    const entries = await collect(readJournal(files, dir));
    assert.deepEqual([...frameTexts(entries).values()], texts);
    assert.deepEqual(list.map((segment) => segment.records).reduce((sum, count) => sum + count), entries.length);
    const report = await verifyJournal(files, dir);
    assert.equal(report.records, entries.length);
    assert.equal(report.tornBytes, 0);
    assert.deepEqual(await segmentNames(dir), names);
    const from = entries[10].offset;
    const part = await collect(readJournal(files, dir, { from, to: from + 2 }));
    assert.equal(part[0].record.kind, "checkpoint");
    assert.equal(part.at(-1)?.offset, from + 1);
    await assert.rejects(collect(readJournal(files, `${dir}/none`)), { code: "file" });
  }));

Deno.test("readJournal() and verifyJournal() tell how far they are, from nothing to all bytes and never back", () =>
  inTempDir(async (dir) => {
    await writeSealed(dir);
    const sizes = (await listJournal(files, dir)).map(({ bytes }) => bytes);
    const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
    const done: number[] = [];
    const onProgress = ({ doneBytes, totalBytes }: JournalProgress) => {
      assert.equal(totalBytes, all);
      done.push(doneBytes);
    };
    await verifyJournal(files, dir, { onProgress });
    assert.deepEqual([...new Set(done)], [0, ...sizes.map((_, at) => sizes.slice(0, at + 1).reduce((a, b) => a + b))]);
    done.length = 0;
    await collect(readJournal(files, dir, { onProgress }));
    assert.deepEqual([done[0], done.at(-1)], [0, all]);
    assert.deepEqual(done.toSorted((a, b) => a - b), done);
  }));

Deno.test("readJournal() ends at a torn tail and verifyJournal() counts it", () =>
  inTempDir(async (dir) => {
    const { path, texts } = await writeAndKill(dir);
    const whole = await contents(path);
    await replace(path, whole.subarray(0, whole.length - 1));
    assert.deepEqual([...frameTexts(await collect(readJournal(files, dir))).values()], texts.slice(0, 4));
    const report = await verifyJournal(files, dir);
    assert.ok(report.tornBytes > 0);
    assert.deepEqual(report.damage, []);
    assert.equal((await contents(path)).length, whole.length - 1);
  }));

Deno.test("openJournal() syncs what it recovered before it calls it synced", () =>
  inTempDir(async (dir) => {
    const { path } = await writeAndKill(dir);
    const faulty = new FaultyFiles(files);
    const journal = await openRig(dir, { files: faulty });
    assert.ok(faulty.log.includes(`sync ${path}`), faulty.log.join());
    assert.equal(journal.synced, journal.next);
    await journal.close();
    await faulty.discard();
  }));

/** Files in which no segment is sealed, as where the process ends before that. */
class UnsealedFiles extends FaultyFiles {
  override rename(from: string, to: string): Promise<void> {
    if (to.endsWith(".zst")) return Promise.reject(new Failure("file", "Not sealed"));
    return super.rename(from, to);
  }
}

Deno.test("readJournal() and verifyJournal() give nothing of a segment that was only begun, which the next start removes", () =>
  inTempDir(async (dir) => {
    const faulty = new UnsealedFiles(files);
    const checkpoint = () => ['{"part":', "1", "}"];
    const rig = { files: faulty, plan: { segmentBytes: 100 }, checkpoint };
    const journal = await openRig(dir, rig);
    for (const text of ["one", "x".repeat(100), "three"]) {
      journal.append(frame(text));
      await journal.sync();
    }
    await faulty.end();
    await faulty.discard();
    const path = `${dir}/${(await segmentNames(dir)).sort().at(-1)}`;
    const whole = await contents(path);
    const ends = new Set<number>();
    for (let keep = whole.length - 1; keep >= 0; keep -= 5) {
      await replace(path, whole.subarray(0, keep));
      const seen = (await collect(readJournal(files, dir))).map(({ offset, record }) => [offset, comparable(record)]);
      const { damage, tornBytes, records } = await verifyJournal(files, dir);
      assert.deepEqual([damage, records], [[], seen.length], `cut at ${keep}`);
      const reopened = await openRig(dir, { checkpoint });
      assert.equal(reopened.recovered.cutBytes, tornBytes, `cut at ${keep}`);
      await reopened.close();
      const kept = (await collect(readJournal(files, dir))).map(({ offset, record }) => [offset, comparable(record)]);
      assert.deepEqual(kept.slice(0, seen.length), seen, `cut at ${keep}`);
      ends.add(seen.length);
    }
    assert.equal(ends.size, 2, "with the last segment's records, and without");
  }));
