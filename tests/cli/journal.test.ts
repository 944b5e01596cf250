import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { frame, inTempDir, openRig } from "../support/journal_rig.ts";

/** A journal of one session of an instance that is called "mine", and some frames. */
async function writeJournal(dir: string): Promise<string> {
  const pipeline = new Pipeline([], { enabled: false, windowSeconds: 0, keysMax: 0 });
  const journal = await openRig(dir, { checkpoint: () => pipeline.saveState() });
  const at = 1_770_000_000_000_000;
  const streams = [{ channel: "trades" as const, symbol: "BTC/USDT" }];
  const exchange = {
    exchange: "mine",
    connection: "public",
    url: "ws://127.0.0.1:9/x",
    descriptorHash: "",
    planHash: null,
    streams,
  };
  const session = journal.append({ kind: "opened", at, ...exchange });
  for (let i = 0; i < 20; i++) {
    journal.append({ ...frame(`{"number":${i},"text":"long enough to be damaged"}`, at + i), session });
  }
  await journal.close();
  for await (const { name } of Deno.readDir(dir)) {
    if (name.endsWith(".journal")) return `${dir}/${name}`;
  }
  throw new Error("no segment was written");
}

Deno.test("journal verify names segment, byte and offset of a damage in plain words and exits 1", () =>
  inTempDir(async (dir) => {
    const path = await writeJournal(dir);
    assert.deepEqual((await runCli(["journal", "verify", dir])).code, 0);
    const bytes = await Deno.readFile(path);
    bytes[bytes.length >> 1] ^= 0xff;
    await Deno.writeFile(path, bytes);
    const { code, out, err } = await runCli(["journal", "verify", dir]);
    assert.equal(code, 1);
    assert.match(err, /^error: segment \d+\.journal: damaged at byte \d+, offset \d+: the record's checksum is 0x/);
    assert.match(out, /1 damaged/);
  }));

Deno.test("replay of a journal asks for --exchange where an instance's name and address tell no descriptor", () =>
  inTempDir(async (dir) => {
    await writeJournal(dir);
    const { code, err } = await runCli(["replay", dir]);
    assert.equal(code, 64);
    assert.match(
      err,
      /^error: Cannot tell which descriptor the journal's exchange "mine" needs. Name it with --exchange/,
    );
    assert.equal((await runCli(["replay", dir, "--exchange", "binance"])).code, 0);
  }));

Deno.test("journal repair shows what it would do, does it with --yes, and a collector can go on", () =>
  inTempDir(async (dir) => {
    const path = await writeJournal(dir);
    const bytes = await Deno.readFile(path);
    bytes[bytes.length >> 1] ^= 0xff;
    await Deno.writeFile(path, bytes);
    await assert.rejects(openRig(dir), /journal repair/);
    const shown = await runCli(["journal", "repair", dir]);
    assert.equal(shown.code, 0);
    assert.match(
      shown.out,
      /bytes \d+ to \d+ are damaged: they are set aside, a gap tells records \d+ to \d+, received from/,
    );
    assert.match(shown.out, /Nothing was changed: add --yes/);
    assert.deepEqual(await Deno.readFile(path), bytes);
    const done = await runCli(["journal", "repair", dir, "--yes"]);
    assert.equal(done.code, 0);
    assert.equal((await runCli(["journal", "verify", dir])).code, 0);
    assert.match((await runCli(["journal", "repair", dir])).out, /Nothing to repair/);
    await (await openRig(dir)).close();
  }));
