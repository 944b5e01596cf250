import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import type { Compressor, Files } from "../../src/host/mod.ts";
import { verifyJournal } from "../../src/journal/mod.ts";
import { Failure, type Offset } from "../../src/model/mod.ts";
import { MemoryDisk } from "../../src/simulated_host/mod.ts";
import { type Fault, FaultyFiles } from "../support/faulty_files.ts";
import { collect, frame, frameTexts, openRig } from "../support/journal_rig.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { seeded } from "../support/seeded.ts";
import { SeededOrder } from "../support/seeded_order.ts";

const PLAN = { segmentBytes: 500, totalBytesMax: 1_000_000, retainHours: 0 };

/** What ends a process or refuses it something: how, and what becomes of what was not synced. */
export const CRASHES = [
  { kind: "before", powerCut: false },
  { kind: "half", powerCut: false },
  { kind: "after", powerCut: false },
  { kind: "half", powerCut: true },
  { kind: "fail", powerCut: false },
  { kind: "short", powerCut: false },
] as const satisfies readonly { readonly kind: Fault["kind"]; readonly powerCut: boolean }[];

/** Where the journal of a run lives. */
export interface CrashDisk {
  readonly files: Files;
  readonly dir: string;
  readonly compressor?: Compressor;
}

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

/** A disk in memory, on which the order of all that is done follows from the seed alone. */
export function memoryDisk(): CrashDisk {
  const disk = new MemoryDisk(() => 0);
  return {
    files: disk.of({ lives: true }, { dir: "/nothing/is/shipped", files: NO_FILES }),
    dir: "/journal",
    compressor: { zstd: (bytes, params) => Promise.resolve(zstdCompressSync(bytes, { params })) },
  };
}

/**
 * Runs a journal up to a fault at one file operation, ends the next process somewhere as well, and starts it twice more:
 * what was synced is there, and nothing else. The seed decides the order of operations that are under way at the same
 * time, and where the second process ends. Resolves with whether the run came as far as the fault.
 */
export async function crashAt(
  disk: CrashDisk,
  crash: { readonly at: number; readonly kind: Fault["kind"]; readonly powerCut: boolean; readonly seed: number },
): Promise<boolean> {
  const { at, kind, powerCut, seed } = crash;
  const run = new CrashRun(disk, seeded(seed * 7919 + at * 31 + kind.length));
  const first = await run.work(
    { at, kind, code: kind === "fail" || kind === "short" ? "disk_full" : "file" },
    powerCut,
  );
  const reached = first.operations >= at;
  const what = `${kind} ${at}${powerCut ? ", power cut" : ""}, seed ${seed}: ` +
    (first.log.at(at - 1) ?? "nothing").replace(disk.dir, "");
  try {
    // The next start ends as well, somewhere in its recovery or its work.
    await run.work({ at: 1 + Math.floor(run.random() * 30), kind: "half" }, powerCut);
    await run.restart(what);
    await run.restart(`${what}, again`);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    throw new Error(what, { cause: error });
  }
  return reached;
}

class CrashRun {
  readonly random: () => number;
  readonly #disk: CrashDisk;
  readonly #told: Told = { appended: new Map(), synced: 0, committed: null, begun: null };

  constructor(disk: CrashDisk, random: () => number) {
    this.#disk = disk;
    this.random = random;
  }

  /** Runs a process up to its end or the fault, and then the power cut if there is one. */
  async work(fault: Fault, powerCut: boolean): Promise<FaultyFiles> {
    const faulty = this.#files(fault);
    await this.#appendAndRemove(faulty);
    await faulty.end();
    if (powerCut) await faulty.powerCut(this.random);
    await faulty.discard();
    return faulty;
  }

  #files(fault: Fault | null): FaultyFiles {
    const order = new SeededOrder(this.random);
    return new FaultyFiles(this.#disk.files, fault, () => order.turn());
  }

  /** Appends, rolls, seals, commits, reads and deletes; ends early where the process does. */
  async #appendAndRemove(files: FaultyFiles): Promise<void> {
    const told = this.#told;
    const clock = new ManualClock();
    const { dir, compressor } = this.#disk;
    try {
      const journal = await openRig(dir, { files, clock, compressor, plan: PLAN });
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
      await files.end();
    }
  }

  /** Opens the journal and compares it with what the earlier runs told. */
  async restart(what: string): Promise<void> {
    const told = this.#told;
    const { dir, compressor } = this.#disk;
    const files = this.#files(null);
    const journal = await openRig(dir, { files, compressor, plan: PLAN });
    const entries = await collect(journal.read(0));
    let expected = journal.oldest;
    for (const { offset, record } of entries) {
      assert.equal(offset, expected, what);
      expected = record.kind === "dropped" ? record.toOffset ?? offset + 1 : offset + 1;
    }
    assert.equal(expected, journal.next, `${what}: read ends early`);
    assert.ok(journal.next >= told.synced, `${what}: ends at ${journal.next}, synced was ${told.synced}`);
    const texts = frameTexts(entries);
    for (const [offset, text] of texts) assert.equal(text, told.appended.get(offset), `${what}: offset ${offset}`);
    const cursor = await journal.loadCursor("sink");
    if (cursor !== told.committed) assert.equal(cursor, told.begun, what);
    assert.ok(journal.oldest <= (cursor ?? 0) || cursor === null, what);
    for (const [offset, text] of told.appended) {
      if (offset >= journal.oldest && offset < told.synced) {
        const there = entries.findLast((entry) => entry.offset <= offset);
        assert.equal(
          texts.get(offset),
          text,
          `${what}: lost ${offset}, ${there?.record.kind} at ${there?.offset} stands`,
        );
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
}

/** Nothing is shipped with a journal. */
const NO_FILES = new Proxy({} as Files, {
  get: () => () => {
    throw new Error("A journal reads no shipped files");
  },
});
