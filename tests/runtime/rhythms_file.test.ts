import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import type { Observation } from "../../src/model/mod.ts";
import { openRhythms } from "../../src/runtime/mod.ts";

const STREAM = { channel: "trades", symbol: "BTC/USD" } as const;
const AT = 1_767_225_600_000_000;

async function open(path: string) {
  const { clock, files } = denoHost();
  const seen: Observation[] = [];
  const kept = await openRhythms({ clock, files, path, observe: (one) => seen.push(one) });
  return { ...kept, seen };
}

async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(`${dir}/data/rhythms.jsonl`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("openRhythms() goes on with what streams showed before a restart, each stream with its own", () =>
  withFile(async (path) => {
    const first = await open(path);
    const rhythm = first.store.begin("alpha", "public", STREAM);
    for (let ms = 0; ms < 600_000; ms += 1000) rhythm.saw(ms, AT + ms * 1000);
    const limits = rhythm.limits(AT);
    assert.ok(limits !== null);
    await first.close();
    const second = await open(path);
    assert.deepEqual(second.store.begin("alpha", "public", STREAM).limits(AT), limits);
    assert.equal(second.store.begin("beta", "public", STREAM).limits(AT), null);
    await second.close();
    const third = await open(path);
    assert.deepEqual(third.store.begin("alpha", "public", STREAM).limits(AT), limits);
    await third.close();
    assert.deepEqual([...first.seen, ...second.seen, ...third.seen], []);
  }));

Deno.test("RhythmStore.begin() gives each socket of a stream a rhythm of its own, which goes on where the last one was", () =>
  withFile(async (path) => {
    const { store, close } = await open(path);
    const one = store.begin("alpha", "public", STREAM);
    for (let ms = 0; ms < 600_000; ms += 1000) one.saw(ms, AT + ms * 1000);
    const two = store.begin("alpha", "public", STREAM);
    assert.notEqual(one, two);
    assert.equal(two.lastMs, null);
    assert.deepEqual(two.limits(AT), one.limits(AT));
    await close();
  }));

for (
  const [name, text] of [
    ["an empty", ""],
    ["a cut", '{"rhythms":1}\n["alpha public trades BTC/USD",{"cells":[[1'],
    ["a foreign", '{"BTC/USDT":"BTCUSDT"}\n'],
    ["a later", '{"rhythms":2}\n'],
    ["a mistyped", '{"rhythms":1}\n["alpha public trades BTC/USD",{"cells":1}]\n'],
  ] as const
) {
  Deno.test(`openRhythms() sets ${name} file aside and begins anew`, () =>
    withFile(async (path) => {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
      await Deno.writeTextFile(path, text);
      const { seen, close } = await open(path);
      assert.deepEqual(seen.map(({ kind }) => kind), ["kept_file_set_aside"]);
      assert.equal(await Deno.readTextFile(`${path}.damaged`), text);
      await close();
    }));
}
