import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import type { Observation } from "../../src/model/mod.ts";
import { openHostLimits } from "../../src/rest/mod.ts";

const signal = new AbortController().signal;
const LIMIT = { count: 3, perMs: 60_000 };

async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(`${dir}/data/limits.json`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function open(path: string) {
  const { clock, files } = denoHost();
  const seen: Observation[] = [];
  const kept = await openHostLimits({ clock, files, path, observe: (one) => seen.push(one) });
  return { ...kept, seen, clock };
}

Deno.test("openHostLimits() keeps connection attempts and blocks over a restart", () =>
  withFile(async (path) => {
    const first = await open(path);
    for (let i = 0; i < 3; i++) await first.limits.of("one").enter("ws.example.com", LIMIT, signal);
    first.limits.of("one").blockRequests("api.example.com", 60_000);
    await first.close();
    const second = await open(path);
    const abort = new AbortController();
    let entered = false;
    const entering = second.limits.of("one").enter("ws.example.com", LIMIT, abort.signal).then(() =>
      entered = !abort.signal.aborted
    );
    await second.clock.sleep(30);
    abort.abort();
    await entering;
    assert.ok(!entered);
    assert.ok(second.limits.of("one").requestBlockedMs("api.example.com") > 50_000);
    await second.close();
    assert.deepEqual(second.seen, []);
  }));

Deno.test("openHostLimits() writes within a moment, without being closed", () =>
  withFile(async (path) => {
    const { limits, close, clock } = await open(path);
    await limits.of("one").enter("ws.example.com", LIMIT, signal);
    const written = async () => JSON.parse(await Deno.readTextFile(path).catch(() => "{}")).hosts?.[0]?.opens.length;
    while (await written() !== 1) await clock.sleep(20);
    await close();
  }));

for (
  const [name, text] of [
    ["an empty", ""],
    ["a cut", '{"version":1,"hosts":[{"host":"ws.exa'],
    ["a foreign", '{"BTC/USDT":"BTCUSDT"}'],
    ["a mistyped", '{"version":1,"hosts":[{"host":"a","opens":["x"],"requests":[],"opensBlockedUntil":0}]}'],
    ["a later version's", '{"version":2,"hosts":[]}'],
  ]
) {
  Deno.test(`openHostLimits() sets ${name} file aside, tells it and goes on`, () =>
    withFile(async (path) => {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
      await Deno.writeTextFile(path, text);
      const { limits, close, seen } = await open(path);
      assert.deepEqual(seen.map(({ kind }) => kind), ["kept_file_set_aside"]);
      assert.equal(await Deno.readTextFile(`${path}.damaged`), text);
      await limits.of("one").enter("ws.example.com", LIMIT, signal);
      await close();
      assert.equal(JSON.parse(await Deno.readTextFile(path)).hosts.length, 1);
    }));
}

Deno.test("openHostLimits() tells a file that cannot be written and goes on", () =>
  withFile(async (path) => {
    await Deno.writeTextFile(path.slice(0, path.lastIndexOf("/")), "a file where the folder should be");
    const { limits, close, seen } = await open(path);
    await limits.of("one").enter("ws.example.com", LIMIT, signal);
    await close();
    assert.deepEqual(seen.map(({ kind }) => kind), ["kept_file_failed"]);
  }));
