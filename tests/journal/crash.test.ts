import assert from "node:assert/strict";
import { verifyJournal } from "../../src/journal/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { Failure, type Offset } from "../../src/model/mod.ts";
import { type Fault, FaultyFiles } from "../support/faulty_files.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";

const { files } = denoHost();
const PLAN = { segmentBytes: 500, totalBytesMax: 1_000_000, retainHours: 0 };

/** What a run told the outside before it ended. */
interface Told {
  /** Texts by offset, as `append` gave them. */
  readonly appended: Map<Offset, string>;
  /** Greatest offset that was called synced. */
  synced: Offset;
  /** Cursor whose commit resolved, and the one whose commit was begun last. */
  committed: Offset | null;
  begun: Offset | null;
}

/** A random generator with a seed (mulberry32), so that a failing run can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

/** Appends, rolls, seals, commits and deletes; ends early where the process does. */
async function work(dir: string, faulty: FaultyFiles, told: Told): Promise<void> {
  const clock = new ManualClock();
  try {
    const journal = await openRig(dir, { files: faulty, clock, plan: PLAN });
    told.synced = Math.max(told.synced, journal.synced);
    journal.whenSynced((synced) => told.synced = synced);
    await journal.loadCursor("sink");
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 3; j++) {
        const text = `run ${told.appended.size} step ${i}.${j} ${"x".repeat(j * 40)}`;
        told.appended.set(journal.append(frame(text)), text);
      }
      await journal.sync();
      if (i % 2 === 0) await journal.whenSealed();
      if (i % 3 !== 2) continue;
      told.begun = journal.synced;
      await journal.commitCursor("sink", told.begun);
      told.committed = told.begun;
      clock.advance(1000);
      await journal.removePassed();
    }
    await journal.whenSealed();
    await journal.close();
  } catch (error) {
    // Whatever the process was doing, only its own end or an injected refusal may stop it.
    if (!(error instanceof Failure) || error.code === "corrupt") throw error;
    await faulty.end();
  }
}

/** Opens the journal and compares it with what the earlier runs told. */
async function restart(dir: string, told: Told, what: string): Promise<void> {
  const journal = await openRig(dir, { plan: PLAN });
  const entries = await collect(journal.read(0));
  let expected = journal.oldest;
  for (const { offset, record } of entries) {
    assert.equal(offset, expected, what);
    expected = record.kind === "dropped" ? record.toOffset ?? offset + 1 : offset + 1;
  }
  assert.ok(journal.next >= told.synced, `${what}: ends at ${journal.next}, synced was ${told.synced}`);
  const texts = frameTexts(entries);
  for (const [offset, text] of texts) assert.equal(text, told.appended.get(offset), `${what}: offset ${offset}`);
  const cursor = await journal.loadCursor("sink");
  if (cursor !== told.committed) assert.equal(cursor, told.begun, what);
  assert.ok(journal.oldest <= (cursor ?? 0) || cursor === null, what);
  for (const [offset, text] of told.appended) {
    if (offset >= journal.oldest && offset < told.synced) {
      const there = entries.find((entry) => entry.offset === offset)?.record.kind ?? "nothing";
      assert.equal(texts.get(offset), text, `${what}: lost ${offset}, ${there} stands there`);
    }
    if (offset < told.synced && offset >= (cursor ?? 0)) assert.ok(texts.has(offset), `${what}: lost ${offset}`);
    // What was not kept was never told to be safe; its offset is given to others.
    if (offset >= journal.next) told.appended.delete(offset);
  }
  told.committed = cursor;
  const text = `restart of ${what}`;
  told.appended.set(journal.append(frame(text)), text);
  await journal.sync();
  told.synced = journal.synced;
  await journal.close();
  assert.deepEqual((await verifyJournal(files, dir)).damage, [], what);
}

async function crashAt(fault: Fault, options: { readonly powerCut: boolean }): Promise<boolean> {
  let reached = false;
  await inTempDir(async (dir) => {
    const told: Told = { appended: new Map(), synced: 0, committed: null, begun: null };
    const random = seeded(fault.at * 31 + fault.kind.length);
    const faulty = new FaultyFiles(files, fault);
    await work(dir, faulty, told);
    reached = faulty.operations >= fault.at;
    const what = `${fault.kind} ${fault.at}: ${faulty.log.at(-1)?.replace(dir, "")}`;
    await faulty.end();
    if (options.powerCut) await faulty.powerCut(random);
    await faulty.discard();
    // The next start ends as well, somewhere in its recovery or its work.
    const second = new FaultyFiles(files, { at: 1 + Math.floor(random() * 30), kind: "half" });
    await work(dir, second, told);
    await second.end();
    if (options.powerCut) await second.powerCut(random);
    await second.discard();
    await restart(dir, told, what);
    await restart(dir, told, `${what}, again`);
  });
  return reached;
}

for (const kind of ["before", "half", "after"] as const) {
  Deno.test(`journal loses no synced record when the process ends ${kind} any file operation`, async () => {
    let at = 1;
    while (await crashAt({ at, kind }, { powerCut: false })) at++;
    assert.ok(at > 60, `only ${at} operations`);
  });
}

Deno.test("journal loses no synced record when the power goes at any file operation", async () => {
  let at = 1;
  while (await crashAt({ at, kind: "half" }, { powerCut: true })) at++;
  assert.ok(at > 60, `only ${at} operations`);
});

for (const kind of ["fail", "short"] as const) {
  Deno.test(`journal restarts cleanly after any one file operation failed (${kind})`, async () => {
    let at = 1;
    while (await crashAt({ at, kind, code: "disk_full" }, { powerCut: false })) at++;
    assert.ok(at > 60, `only ${at} operations`);
  });
}
