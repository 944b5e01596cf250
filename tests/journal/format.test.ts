import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { denoHost } from "../../src/host/mod.ts";
import { readJournal, verifyJournal } from "../../src/journal/mod.ts";
import { Failure, type Observation, type PlanRecord } from "../../src/model/mod.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";

const { files } = denoHost();
const FORMAT_1 = "tests/fixtures/journal_format_1/journal";

/** A copy of a journal that a program of format 1 wrote and was killed over: a sealed segment and a plain one. */
async function copyFormat1(dir: string): Promise<readonly string[]> {
  const names = (await files.list(FORMAT_1) ?? []).map(({ name }) => name);
  for (const name of names) {
    await files.writeAtomic(`${dir}/${name}`, await files.readBytes(`${FORMAT_1}/${name}`) ?? new Uint8Array());
  }
  return names;
}

async function journalNames(dir: string): Promise<readonly string[]> {
  return (await files.list(dir) ?? []).map(({ name }) => name).filter((name) => name.includes(".journal"));
}

Deno.test("openJournal() goes on behind a journal of format 1 with a segment of format 2", () =>
  inTempDir(async (dir) => {
    const names = await copyFormat1(dir);
    const before = await collect(readJournal(files, dir));
    assert.equal(frameTexts(before).size, 40);
    const opened = before.flatMap(({ record }) => record.kind === "opened" ? [record] : []);
    assert.deepEqual(opened.map(({ planHash }) => planHash), [null, null]);
    const plain = await files.readBytes(`${dir}/${names[1]}`);
    const journal = await openRig(dir);
    assert.equal(journal.recovered.cutBytes, 0);
    assert.equal(journal.recovered.openSessions.length, 1);
    assert.deepEqual(await collect(journal.read(0)), before, "all of it can be read before anything is appended");
    const session = journal.recovered.openSessions[0].session;
    const offset = journal.append({ ...frame("after"), session });
    await journal.sync();
    await journal.whenSealed();
    assert.equal((await journalNames(dir)).length, 3);
    const entries = await collect(journal.read(0));
    assert.deepEqual(entries.slice(0, before.length), before);
    assert.equal(entries[before.length].record.kind, "checkpoint", "a new segment begins");
    assert.equal(frameTexts(entries).get(offset), "after");
    await journal.close();
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
    const again = await openRig(dir);
    assert.deepEqual((await collect(again.read(0))).map((entry) => entry.offset), entries.map((entry) => entry.offset));
    assert.equal(again.append(frame("later")), entries[entries.length - 1].offset + 1);
    await again.close();
    assert.notEqual(plain, null);
  }));

/** Gives a segment's header another version, with or without the checksum that belongs to it. */
async function setVersion(path: string, version: number, options: { readonly checksum: boolean }): Promise<Uint8Array> {
  const bytes = await files.readBytes(path) ?? new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(12, version, true);
  if (options.checksum) view.setUint32(8, crc32(bytes.subarray(12, 48)), true);
  await files.writeAtomic(path, bytes);
  return bytes;
}

for (const checksum of [true, false]) {
  Deno.test(`openJournal() refuses a segment of a newer format by its version and leaves it (checksum ${checksum})`, () =>
    inTempDir(async (dir) => {
      const journal = await openRig(dir);
      journal.append(frame("one"));
      await journal.close();
      const [name] = await journalNames(dir);
      const bytes = await setVersion(`${dir}/${name}`, 3, { checksum });
      await assert.rejects(openRig(dir), (error) => {
        assert.ok(error instanceof Failure && error.code === "corrupt" && !error.retry);
        assert.match(
          error.message,
          checksum ? /: its format is version 3, this program reads 1 to 2$/ : /format version 3/,
        );
        return true;
      });
      assert.deepEqual(await files.readBytes(`${dir}/${name}`), bytes, "it is left as it is");
      await assert.rejects(collect(readJournal(files, dir)), /version 3/);
    }));
}

Deno.test("openJournal() refuses a newer format that nothing but its header is there of", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    await journal.close();
    const [name] = await journalNames(dir);
    const bytes = await setVersion(`${dir}/${name}`, 7, { checksum: true });
    await files.writeAtomic(`${dir}/${name}`, bytes.subarray(0, 60));
    await assert.rejects(openRig(dir), /its format is version 7/);
    assert.deepEqual(await journalNames(dir), [name]);
  }));

for (
  const { what, bytes } of [
    { what: "text", bytes: new TextEncoder().encode("Somebody's notes, which are nobody's business here at all.") },
    { what: "short text", bytes: new TextEncoder().encode("hi") },
    { what: "nothing", bytes: new Uint8Array() },
  ]
) {
  for (const place of ["before", "after"]) {
    Deno.test(`openJournal() leaves a foreign file of ${what} named like a segment ${place} its own alone`, () =>
      inTempDir(async (dir) => {
        const seen: Observation[] = [];
        const journal = await openRig(dir);
        journal.append(frame("one"));
        await journal.close();
        const foreign = place === "before" ? "0000000000000001.journal" : "8000000000000000.journal";
        await files.writeAtomic(`${dir}/${foreign}`, bytes);
        if (place === "before" && bytes.length === 0) {
          // An empty file in the middle is what is left of a segment that was cut off: refused, and not deleted.
          await assert.rejects(openRig(dir), { code: "corrupt" });
        } else {
          const again = await openRig(dir, { seen });
          assert.deepEqual([...frameTexts(await collect(again.read(0))).values()], ["one"]);
          again.append(frame("two"));
          await again.close();
          assert.deepEqual([...frameTexts(await collect(readJournal(files, dir))).values()], ["one", "two"]);
          assert.ok(seen.some((one) => one.kind === "journal_warning" && one.code === "foreign_file"));
        }
        assert.deepEqual(await files.readBytes(`${dir}/${foreign}`), bytes);
      }));
  }
}

Deno.test("openJournal() leaves segments of another journal alone", () =>
  inTempDir(async (dir) => {
    const other = await openRig(`${dir}/other`);
    other.append(frame("theirs"));
    await other.close();
    const [theirs] = await journalNames(`${dir}/other`);
    const journal = await openRig(`${dir}/own`);
    journal.append(frame("ours"));
    await journal.close();
    const name = "8000000000000000.journal";
    const bytes = await files.readBytes(`${dir}/other/${theirs}`) ?? new Uint8Array();
    await files.writeAtomic(`${dir}/own/${name}`, bytes);
    const seen: Observation[] = [];
    const again = await openRig(`${dir}/own`, { seen });
    assert.deepEqual([...frameTexts(await collect(again.read(0))).values()], ["ours"]);
    await again.close();
    assert.deepEqual(await files.readBytes(`${dir}/own/${name}`), bytes);
    assert.ok(seen.some((one) => one.kind === "journal_warning" && one.code === "foreign_file"));
  }));

Deno.test("a segment rolls by what is received, however large the checkpoint is", () =>
  inTempDir(async (dir) => {
    const state = "s".repeat(50_000);
    const checkpoint = () => [state, state, state];
    const journal = await openRig(dir, { plan: { segmentBytes: 10_000 }, checkpoint });
    for (let i = 0; i < 100; i++) {
      journal.append(frame("x".repeat(1000)));
      await journal.sync();
    }
    const entries = await collect(journal.read(0));
    const firstParts = entries.filter(({ record }) => record.kind === "checkpoint" && record.part === 0);
    assert.ok(firstParts.length >= 10 && firstParts.length <= 12, `${firstParts.length} segments`);
    const parts = entries.flatMap(({ record }) => record.kind === "checkpoint" ? [record] : []);
    assert.deepEqual(parts.slice(0, 3).map(({ part, last }) => [part, last]), [[0, false], [1, false], [2, true]]);
    assert.equal(journal.bufferedBytes, 0);
    await journal.close();
    const again = await openRig(dir, { plan: { segmentBytes: 10_000 }, checkpoint });
    for (let i = 0; i < 5; i++) {
      again.append(frame("y"));
      await again.sync();
    }
    const after = await collect(again.read(0));
    assert.ok(
      after.filter(({ record }) => record.kind === "checkpoint" && record.part === 0).length <= firstParts.length + 1,
    );
    await again.close();
  }));

Deno.test("a checkpoint that cannot be made leaves the segment growing and tells it, and the next attempt may succeed", () =>
  inTempDir(async (dir) => {
    const seen: Observation[] = [];
    let isBroken = false;
    const checkpoint = () => {
      if (isBroken) throw new RangeError("Invalid string length");
      return ["{}"];
    };
    const journal = await openRig(dir, { plan: { segmentBytes: 3_000 }, checkpoint, seen });
    isBroken = true;
    const append = async (count: number) => {
      for (let i = 0; i < count; i++) {
        journal.append(frame("x".repeat(500)));
        await journal.sync();
      }
    };
    await append(20);
    assert.equal(journal.failure, null);
    assert.equal((await journalNames(dir)).length, 1);
    const told = seen.filter((one) => one.kind === "journal_warning" && one.code === "checkpoint");
    assert.ok(told.length >= 2 && told.length <= 4, `told ${told.length} times`);
    isBroken = false;
    await append(10);
    await journal.whenSealed();
    assert.ok((await journalNames(dir)).length >= 2);
    assert.equal(frameTexts(await collect(journal.read(0))).size, 30);
    await journal.close();
  }));

Deno.test("every segment begins with the plans of its sessions, and no record names a plan before it", () =>
  inTempDir(async (dir) => {
    const plans = ["a", "b", "c"].map((hash): PlanRecord => ({
      kind: "plan",
      at: 1,
      hash,
      body: `{"plan":"${hash}"}`,
    }));
    const journal = await openRig(dir, { plan: { segmentBytes: 2_000 } });
    const opened = { exchange: "x", connection: "public", url: "", descriptorHash: "", streams: [] };
    for (const plan of plans) journal.append(plan);
    const sessions = plans.slice(0, 2).map(({ hash }) =>
      journal.append({ kind: "opened", at: 1, planHash: hash, ...opened })
    );
    for (let i = 0; i < 30; i++) {
      if (i === 15) {
        journal.append({ kind: "closed", session: sessions[1], at: 2, cause: "peer", code: null, reason: "" });
      }
      journal.append({ ...frame("x".repeat(300)), session: sessions[0] });
      await journal.sync();
    }
    await journal.close();
    const entries = await collect(readJournal(files, dir));
    let met = new Set<string>();
    let isHead = false;
    let heads = 0;
    for (const { record } of entries) {
      const begins = (record.kind === "plan" || record.kind === "checkpoint") && !isHead;
      if (begins && record.kind === "plan" && heads > 0) met = new Set();
      isHead = record.kind === "plan" || (record.kind === "checkpoint" && !record.last);
      if (record.kind === "plan") met.add(record.hash);
      if (record.kind === "checkpoint") {
        heads++;
        if (heads > 1) assert.ok(met.has("a"), "the plan of the open session");
      }
      if (record.kind === "opened") assert.ok(met.has(record.planHash ?? ""));
    }
    assert.ok(heads > 3);
    assert.ok(!met.has("b") && !met.has("c"), "plans that nothing names are left out");
    const again = await openRig(dir, { plan: { segmentBytes: 2_000 } });
    again.append({ kind: "opened", at: 1, planHash: "a", ...opened });
    await again.close();
  }));
