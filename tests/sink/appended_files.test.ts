import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure } from "../../src/model/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { JOURNAL, makeSink } from "../support/made_sink.ts";
import { filesBelow } from "./conformance.ts";

const EVENTS = [1, 2, 3].map((offset) => envelope(offset, trade(`${offset}.5`)));

for (const type of ["ndjson", "csv"]) {
  const plan = (dir: string) => ({ type, name: "lines", kinds: null, options: { dir } });
  const test = (claim: string, body: (dir: string, host: Host) => Promise<void>) =>
    Deno.test(`${type} sink ${claim}`, async () => {
      const host = denoHost();
      const dir = await host.files.makeTempDir("sink");
      try {
        await body(`${dir}/out`, host);
      } finally {
        await host.files.removeTree(dir);
      }
    });
  const write = async (sink: ReturnType<typeof makeSink>, events: readonly Envelope[]) => {
    await sink.write(events);
    await sink.flush();
  };
  /** Prices of the trades in the only file. */
  const prices = async (path: string, host: Host) =>
    [...(await host.files.readText(path) ?? "").matchAll(/\d\.5/g)].map(([price]) => price);

  for (
    const [what, take] of [
      ["moved away", (path, files) => files.rename(path, `${path}.1`)],
      ["removed", (path, files) => files.remove(path)],
      ["replaced", (path, files) => files.writeAtomic(path, new Uint8Array())],
    ] as readonly (readonly [string, (path: string, files: Host["files"]) => Promise<void>])[]
  ) {
    test(`begins a day's file anew that was ${what} while it was open, and tells it`, async (dir, host) => {
      const sink = makeSink(plan(dir), host);
      await sink.open(0);
      await write(sink, EVENTS.slice(0, 1));
      const [path] = await filesBelow(dir, host);
      const first = await host.files.readText(path);
      await take(path, host.files);
      await write(sink, EVENTS.slice(1));
      await sink.close();
      assert.deepEqual(await prices(path, host), ["2.5", "3.5"]);
      assert.match(JSON.stringify(sink.seen), /moved, removed or replaced/);
      if (what === "moved away") assert.equal(await host.files.readText(`${path}.1`), first);
      const text = await host.files.readText(path) ?? "";
      if (type === "csv") assert.match(text, /^exchange,symbol,/, "a new file begins with the column names");
    });
  }

  test("begins a day's file with its header again that was emptied while it was open", async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await write(sink, EVENTS.slice(0, 1));
    const [path] = await filesBelow(dir, host);
    const first = await host.files.readText(path) ?? "";
    const handle = await host.files.open(path, "append");
    await handle.truncate(0);
    await handle.close();
    await write(sink, EVENTS.slice(0, 1));
    await sink.close();
    assert.equal(await host.files.readText(path), first);
    assert.equal(sink.seen.length, 1);
  });

  test(
    "fails, so that lines are written again, when a file is taken away while it is being written to",
    async (dir, host) => {
      let path = "";
      let isArmed = false;
      const files = { ...host.files };
      files.open = async (name, mode) => {
        const handle = await host.files.open(name, mode);
        return {
          ...handle,
          sync: async () => {
            await handle.sync();
            if (isArmed) await host.files.remove(path);
          },
        };
      };
      const sink = makeSink(plan(dir), { ...host, files });
      await sink.open(0);
      await write(sink, EVENTS.slice(0, 1));
      [path] = await filesBelow(dir, host);
      isArmed = true;
      await sink.write(EVENTS.slice(1));
      await assert.rejects(sink.flush(), { name: "Failure", code: "sink", retry: true });
      await sink.close();
      isArmed = false;
      await sink.open(2);
      await write(sink, EVENTS.slice(1));
      await sink.close();
      assert.deepEqual(await prices(path, host), ["2.5", "3.5"]);
    },
  );

  test("cuts no file that was replaced since it was written to", async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await write(sink, EVENTS.slice(0, 1));
    await write(sink, EVENTS.slice(1));
    await sink.close();
    const [path] = await filesBelow(dir, host);
    const foreign = new TextEncoder().encode("somebody else's text, longer than what stood here before\n".repeat(20));
    await host.files.writeAtomic(path, foreign);
    await sink.open(2);
    await sink.close();
    assert.deepEqual(await host.files.readBytes(path), foreign);
    assert.match(JSON.stringify(sink.seen), /replaced since/);
  });

  test("cuts and removes nothing outside of its folder, whatever its undo file says", async (dir, host) => {
    await host.files.makeDir(dir);
    const victim = `${dir}/../victim`;
    await host.files.writeAtomic(victim, new TextEncoder().encode("precious"));
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await sink.close();
    const { inode } = await host.files.stat(victim) ?? { inode: null };
    for (
      const path of ["../victim", "trade/../../victim", "/etc/hostname", "", ".", "trade//x", "a\\..\\b", "a\u0000b"]
    ) {
      for (const bytes of [0, 3]) {
        const rounds = [{ first: 1, last: 2, flush: 0, files: [[path, bytes, inode]] }];
        const undo = { format: 2, journal: JOURNAL, next: 0, rounds };
        await host.files.writeAtomic(`${dir}/_undo.json`, new TextEncoder().encode(JSON.stringify(undo)));
        await assert.rejects(sink.open(0), (error) => error instanceof Failure && error.code === "corrupt", path);
        await sink.close();
      }
    }
    assert.equal(await host.files.readText(victim), "precious");
  });

  test("takes back nothing by an undo file of a version that marked nothing", async (dir, host) => {
    const kept = `${dir}/trade/2026-11-22.ndjson`;
    await host.files.makeDir(`${dir}/trade`);
    await host.files.writeAtomic(kept, new TextEncoder().encode("a line\nand another\n"));
    const undo = { rounds: [{ first: 7, last: 9, flush: 3, files: [["trade/2026-11-22.ndjson", 7]] }] };
    await host.files.writeAtomic(`${dir}/_undo.json`, new TextEncoder().encode(JSON.stringify(undo)));
    const sink = makeSink(plan(dir), host);
    assert.equal(await sink.open(7), 7);
    await sink.close();
    assert.equal(await host.files.readText(kept), "a line\nand another\n");
    assert.equal(sink.seen.length, 1, "it is told that lines may stand twice");
  });

  test("says what to do about an undo file that it cannot read", async (dir, host) => {
    const sink = makeSink(plan(dir), host);
    await sink.open(0);
    await sink.close();
    for (
      const text of ["", "null", "7", '{"format":3}', '{"format":2,"journal":"x","next":0,"rounds":[{"first":1}]}']
    ) {
      await host.files.writeAtomic(`${dir}/_undo.json`, new TextEncoder().encode(text));
      await assert.rejects(sink.open(0), { name: "Failure", code: "corrupt", retry: false, message: /move it away/ });
      await sink.close();
    }
  });
}
