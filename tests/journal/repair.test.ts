import assert from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { denoHost } from "../../src/host/mod.ts";
import { readJournal, repairJournal, verifyJournal } from "../../src/journal/mod.ts";
import type { DroppedRecord, JournalPlan, Offset } from "../../src/model/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";
import { seeded } from "../support/seeded.ts";

const host = { ...denoHost(), clock: new ManualClock() };
const { files } = host;

/** A closed journal of frames in many commits, and where each frame stands. */
async function write(dir: string, plan: Partial<JournalPlan> = {}): Promise<Map<Offset, string>> {
  const journal = await openRig(dir, { plan });
  const texts = new Map<Offset, string>();
  for (let i = 0; i < 120; i++) {
    const text = `${i} ${"x".repeat(i % 50)}`;
    texts.set(journal.append(frame(text, 1_770_000_000_000_000 + i)), text);
    if (i % 5 === 4) await journal.sync();
  }
  await journal.whenSealed();
  await journal.close();
  return texts;
}

async function segmentNames(dir: string): Promise<string[]> {
  return (await files.list(dir) ?? []).map(({ name }) => name).filter((name) => /journal(\.zst)?$/.test(name));
}

/** What is in the journal by now: each offset holds its frame, or stands in a dropped record, or holds another record. */
async function inspect(dir: string, texts: ReadonlyMap<Offset, string>, what: string) {
  const entries = await collect(readJournal(files, dir));
  const found = frameTexts(entries);
  for (const [offset, text] of found) assert.equal(text, texts.get(offset), `offset ${offset}`);
  const dropped = entries.flatMap(({ offset, record }) => record.kind === "dropped" ? [{ offset, record }] : []);
  const isTold = (offset: Offset) =>
    dropped.some(({ offset: from, record }) => from <= offset && offset < (record.toOffset ?? 0));
  // What is behind the end is a torn tail, which the next start cuts.
  const end = entries[entries.length - 1].offset;
  for (const offset of [...texts.keys()].filter((one) => one <= end)) {
    assert.ok(found.has(offset) !== isTold(offset), `${what}: offset ${offset} is kept or told`);
  }
  let expected = entries[0].offset;
  for (const { offset, record } of entries) {
    assert.equal(offset, expected);
    expected = record.kind === "dropped" ? record.toOffset ?? offset + 1 : offset + 1;
  }
  return { lost: texts.size - found.size, dropped };
}

function assertBounds(
  { offset, record }: { readonly offset: Offset; readonly record: DroppedRecord },
  texts: ReadonlyMap<Offset, string>,
): void {
  const at = (text: string | undefined) =>
    text === undefined ? null : 1_770_000_000_000_000 + Number(text.split(" ")[0]);
  const before = at(texts.get(offset - 1));
  const after = at(texts.get(record.toOffset ?? 0));
  if (before !== null) assert.equal(record.fromTs, before);
  if (after !== null) assert.equal(record.toTs, after);
}

for (const segmentBytes of [1_000_000, 1_500]) {
  Deno.test(`repairJournal() sets damage at any place aside, tells it and keeps the rest (segments of ${segmentBytes})`, () =>
    inTempDir(async (root) => {
      const random = seeded(segmentBytes);
      for (let round = 0; round < 40; round++) {
        const dir = `${root}/${round}`;
        const texts = await write(dir, { segmentBytes });
        const names = await segmentNames(dir);
        const name = names[Math.floor(random() * names.length)];
        const bytes = await files.readBytes(`${dir}/${name}`) ?? new Uint8Array();
        const at = Math.floor(random() * bytes.length);
        const length = 1 + Math.floor(random() * (round % 2 === 0 ? 1 : 200));
        const damaged = bytes.slice();
        for (let i = at; i < Math.min(bytes.length, at + length); i++) damaged[i] ^= 0xff;
        await files.writeAtomic(`${dir}/${name}`, damaged);
        const what = `round ${round}: ${name} at ${at} of ${bytes.length}, ${length} bytes`;
        const isSound = (await verifyJournal(files, dir)).damage.length === 0;
        const planned = await repairJournal(host, dir, { apply: false });
        assert.deepEqual(await files.readBytes(`${dir}/${name}`), damaged, "a dry run changes nothing");
        assert.equal(planned.length === 0, isSound, what);
        // A start reads no more of a sealed segment than its end.
        if (!isSound && !name.endsWith(".zst")) await assert.rejects(openRig(dir), /journal repair/, what);
        const done = await repairJournal(host, dir, { apply: true });
        assert.deepEqual(done, planned, what);
        assert.deepEqual((await verifyJournal(files, dir)).damage, [], what);
        const { lost, dropped } = await inspect(dir, texts, what);
        // Without header and checkpoint nothing of a segment has a time, and of a sealed one a block is lost whole.
        const isWhole = name.endsWith(".zst") || (at < 48 && at + length > 58);
        assert.ok(lost <= (isWhole ? 120 : 2 + length / 12), `${what}: ${lost} lost`);
        for (const one of dropped) assertBounds(one, texts);
        const aside = (await files.list(dir) ?? []).filter(({ name: other }) => other.endsWith(".damaged"));
        assert.equal(aside.length > 0, !isSound, what);
        const journal = await openRig(dir, { plan: { segmentBytes } });
        const offset = journal.append(frame("after"));
        if (!isSound) assert.ok(!texts.has(offset), what);
        await journal.close();
        assert.deepEqual(await repairJournal(host, dir, { apply: false }), []);
      }
    }));
}

Deno.test("repairJournal() puts a stand-in for a segment that is missing, in the middle or at the end", () =>
  inTempDir(async (root) => {
    for (const which of ["middle", "end"]) {
      const dir = `${root}/${which}`;
      const texts = await write(dir, { segmentBytes: 1_500 });
      const names = await segmentNames(dir);
      await files.remove(`${dir}/${which === "end" ? names[names.length - 1] : names[1]}`);
      await assert.rejects(openRig(dir), /journal repair/);
      const steps = await repairJournal(host, dir, { apply: true });
      assert.equal(steps.length, 1, JSON.stringify(steps));
      assert.match(steps[0].text, /missing/);
      assert.deepEqual((await verifyJournal(files, dir)).damage, []);
      if (which === "middle") assert.ok((await inspect(dir, texts, which)).dropped.length === 1);
      const journal = await openRig(dir);
      journal.append(frame("after"));
      await journal.close();
    }
  }));

Deno.test("repairJournal() writes the beginning of a session again that the next segment knows", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir, { plan: { segmentBytes: 2_000 } });
    const opened = {
      exchange: "x",
      connection: "public",
      url: "wss://x.example",
      descriptorHash: "",
      planHash: null,
      streams: [],
    };
    journal.append(frame("before"));
    await journal.sync();
    const session = journal.append({ kind: "opened", at: 1_770_000_000_000_001, ...opened });
    for (let i = 0; i < 30; i++) {
      journal.append({ ...frame("y".repeat(200)), session });
      if (i % 3 === 2) await journal.sync();
    }
    await journal.whenSealed();
    await journal.close();
    const [name] = await segmentNames(dir);
    assert.ok(name.endsWith(".zst"));
    // As it was before it was sealed, but for one bit.
    const sealed = await files.readBytes(`${dir}/${name}`) ?? new Uint8Array();
    const bytes = new Uint8Array(zstdDecompressSync(sealed.subarray(20, sealed.length - 60)));
    bytes[new TextDecoder("latin1").decode(bytes).indexOf("wss://x")] ^= 1;
    await files.remove(`${dir}/${name}`);
    await files.writeAtomic(`${dir}/${name.slice(0, -4)}`, bytes);
    assert.equal((await repairJournal(host, dir, { apply: true })).length, 1);
    const entries = await collect(readJournal(files, dir));
    const found = entries.find(({ offset }) => offset === session)?.record;
    assert.deepEqual(found, { kind: "opened", at: 1_770_000_000_000_001, ...opened });
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
  }));

Deno.test("repairJournal() refuses while a collector runs on the journal", () =>
  inTempDir(async (dir) => {
    const journal = await openRig(dir);
    await assert.rejects(repairJournal(host, dir, { apply: true }), { code: "busy" });
    await journal.close();
    await assert.rejects(repairJournal(host, `${dir}/none`, { apply: true }), { code: "file" });
  }));
