import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { CollectorNames } from "../../src/journal/mod.ts";
import { openRig } from "../support/journal_rig.ts";

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const { files } = denoHost();
  const dir = await files.makeTempDir("names");
  try {
    await test(dir);
  } finally {
    await files.removeTree(dir);
  }
}

Deno.test("CollectorNames tells for each offset who collected it, and up to where", () =>
  withFolder(async (dir) => {
    const { files } = denoHost();
    const names = await CollectorNames.load(files, dir);
    assert.deepEqual(names.at(5), { name: null, until: null });
    await names.note(files, dir, { from: 10, name: "one" });
    await names.note(files, dir, { from: 15, name: "one" });
    await names.note(files, dir, { from: 20, name: "two" });
    const read = await CollectorNames.load(files, dir);
    assert.deepEqual([5, 10, 19, 20, 99].map((offset) => read.at(offset)), [
      { name: null, until: 10 },
      { name: "one", until: 20 },
      { name: "one", until: 20 },
      { name: "two", until: null },
      { name: "two", until: null },
    ]);
  }));

Deno.test("CollectorNames.load() leaves out damaged lines", () =>
  withFolder(async (dir) => {
    const { files } = denoHost();
    await files.writeAtomic(
      `${dir}/collectors`,
      new TextEncoder().encode("x one\n7 a b\n7 good\n99999999999999999 late\n"),
    );
    assert.deepEqual((await CollectorNames.load(files, dir)).at(8), { name: "good", until: null });
  }));

Deno.test("openJournal() takes the machine's name for a new journal and keeps the name where none is given", () =>
  withFolder(async (dir) => {
    const first = await openRig(dir);
    assert.equal(first.collectorAt(first.next).name, "machine");
    await first.close();
    const second = await openRig(dir, { collector: "eu-1" });
    const from = second.next;
    assert.equal(second.collectorAt(from).name, "eu-1");
    await second.close();
    const third = await openRig(dir);
    assert.equal(third.collectorAt(third.next).name, "eu-1");
    await third.close();
  }));
