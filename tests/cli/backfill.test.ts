import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { type EventLine, instanceOf, ServiceRig } from "../support/service_rig.ts";
import { listFiles } from "../support/stored_events.ts";

const BTC = "BTC/USDT";
const { files } = denoHost();

/** A simulated exchange whose markets took some steps and stand still, and a configuration that collects from it. */
async function withExchange(
  steps: number,
  body: (rig: { readonly dir: string; readonly simulator: Simulator; readonly config: string }) => Promise<void>,
): Promise<void> {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    speed: 0,
    symbols: [BTC],
    dialect: "binance",
    limitsConnections: false,
  });
  const dir = await files.makeTempDir("backfill");
  try {
    simulator.advance(steps);
    const config = `${dir}/my.toml`;
    const instance = instanceOf(simulator, { symbols: [BTC], channels: ["trades"] });
    await Deno.writeTextFile(
      config,
      `[run]\nhttp_port = 8090\ndata_dir = "${dir}/data"\n${instance}\n[[sink]]\nname = "lines"\ntype = "ndjson"\n`,
    );
    await body({ dir, simulator, config });
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
}

async function eventsIn(dir: string): Promise<readonly EventLine[]> {
  const paths = (await listFiles(files, dir)).filter((path) => path.endsWith(".ndjson"));
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  return texts.flatMap((text) => text.trimEnd().split("\n").map((line) => JSON.parse(line)));
}

const iso = (ms: number) => new Date(ms).toISOString();

/** What the exchange says of its newest trades. */
async function tradesOf(simulator: Simulator): Promise<readonly { readonly id: number; readonly time: number }[]> {
  const answer = await fetch(`${simulator.urls.rest}/api/v3/historicalTrades?symbol=BTCUSDT&limit=1000`);
  return await answer.json();
}

Deno.test("backfill fetches a range that nobody collected, and nothing of it a second time", async () => {
  await withExchange(4000, async ({ dir, simulator, config }) => {
    const trades = await tradesOf(simulator);
    assert.ok(trades.length > 20);
    const [from, to] = [iso(trades[0].time - 60_000), iso(trades[trades.length - 1].time + 60_000)];
    const args = ["backfill", "--config", config, "--exchange", "binance", "--from", from, "--to", to, "--json"];
    const first = await runCli(args);
    assert.equal(first.code, 0, first.err + first.out);
    const { streams: [stream], behind } = JSON.parse(first.out);
    assert.ok(stream.fetched > trades.length, "the markets moved at once: there is more than a page of the range");
    assert.deepEqual([stream.symbol, stream.known], [BTC, 0]);
    assert.deepEqual([stream.missing, behind], [[], []]);
    const events = await eventsIn(`${dir}/data/ndjson`);
    const told = events.filter(({ kind }) => kind === "trade");
    assert.ok(told.every(({ backfilled }) => backfilled === true));
    const newest = trades[trades.length - 1].id;
    const ids = told.map(({ trade_id }) => Number(trade_id)).sort((a, b) => a - b);
    assert.deepEqual(ids, ids.map((_, at) => newest - stream.fetched + 1 + at));
    const second = await runCli(args);
    assert.equal(second.code, 0, second.err);
    const again = JSON.parse(second.out).streams[0];
    assert.deepEqual([again.known, again.fetched], [stream.fetched, 0]);
    assert.equal((await eventsIn(`${dir}/data/ndjson`)).length, events.length);
  });
});

Deno.test("backfill completes what a collector has missed, and tells its gaps as filled", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    rate: 300,
    symbols: [BTC],
    dialect: "binance",
    limitsConnections: false,
    faults: { gapEvery: { kind: "frames", count: 20 } },
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  // A collector whose exchange has no history at first: its holes stay.
  const instance = instanceOf(simulator, { symbols: [BTC], channels: ["trades"] });
  const broken = instance.replace(/base_urls = .*/, 'base_urls = ["http://127.0.0.1:1"]');
  await using rig = await ServiceRig.start({ config: broken });
  await rig.until("a few frames are lost", () => simulator.statistics().droppedFrames >= 3);
  simulator.freeze();
  await rig.stop();
  await Deno.writeTextFile(
    `${rig.dir}/collector.toml`,
    (await Deno.readTextFile(`${rig.dir}/collector.toml`)).replace(
      'base_urls = ["http://127.0.0.1:1"]',
      `base_urls = ["${simulator.urls.rest}"]`,
    ),
  );
  const config = `${rig.dir}/collector.toml`;
  const done = await runCli([
    "backfill",
    "--config",
    config,
    "--exchange",
    "binance",
    "--from",
    iso(Date.now() - 600_000),
  ]);
  assert.equal(done.code, 0, done.err + done.out);
  const events = await rig.events();
  const ids = events.filter(({ kind }) => kind === "trade").map(({ trade_id }) => Number(trade_id));
  const sorted = [...ids].sort((a, b) => a - b);
  assert.deepEqual(sorted, sorted.map((_, at) => sorted[0] + at), "no trade is missing and none is there twice");
  const gaps = events.filter(({ kind, cause }) => kind === "gap" && cause === "sequence");
  const filled = new Set(gaps.flatMap(({ state, gap_id }) => state === "filled" ? [gap_id] : []));
  assert.ok(filled.size >= 3 && gaps.every(({ gap_id }) => filled.has(gap_id)));
});

Deno.test("backfill lets a running collector fetch what came before it, beside what it collects", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    rate: 300,
    symbols: [BTC],
    dialect: "binance",
    limitsConnections: false,
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  simulator.advance(200);
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["trades"] }),
  });
  await rig.untilLive("binance", 1);
  const config = `${rig.dir}/collector.toml`;
  const port = rig.address.split(":")[2];
  await Deno.writeTextFile(config, (await Deno.readTextFile(config)).replace(/http_port = \d+/, `http_port = ${port}`));
  const args = ["backfill", "--config", config, "--exchange", "binance", "--from", iso(Date.now() - 600_000), "--json"];
  const { code, out, err } = await runCli(args);
  assert.equal(code, 0, err + out);
  assert.match(err, /A collector has the journal/);
  assert.ok(JSON.parse(out).streams[0].fetched > 50);
  const unknown = await fetch(`${rig.address}/api/v1/backfill?exchange=other&from=2026-01-01`, { method: "POST" });
  assert.deepEqual([unknown.status, (await unknown.json()).error.startsWith("No exchange instance other")], [
    422,
    true,
  ]);
  simulator.freeze();
  await rig.stop();
  const trades = (await rig.events()).filter(({ kind }) => kind === "trade");
  const ids = trades.map(({ trade_id }) => Number(trade_id)).sort((a, b) => a - b);
  assert.deepEqual(ids, ids.map((_, at) => ids[0] + at), "no trade is missing and none is there twice");
});

Deno.test("backfill says what to do where a collector has the journal, and touches nothing", async () => {
  await withExchange(10, async ({ dir, config }) => {
    const range = ["--from", "2026-11-22"];
    await runCli(["backfill", "--config", config, "--exchange", "binance", ...range]);
    const lock = await files.lock(`${dir}/data/journal/lock`);
    const { code, err } = await runCli(["backfill", "--config", config, "--exchange", "binance", ...range]);
    await lock.release();
    assert.equal(code, 1);
    assert.match(err, /it is held by .*, and no collector answers for it: .*; stop that process, or ask it/);
  });
});

Deno.test("backfill says what is wrong with what is asked for", async () => {
  await withExchange(10, async ({ config }) => {
    const said = async (...args: string[]) => {
      const { code, err } = await runCli(["backfill", "--config", config, ...args]);
      return `${code} ${err}`;
    };
    const range = ["--from", "2026-11-22", "--to", "2026-11-23"];
    assert.match(
      await said("--exchange", "binanze", ...range),
      /^64 .*No exchange instance binanze.*did you mean binance/,
    );
    assert.match(
      await said("--exchange", "binance", "--from", "2026-11-23", "--to", "2026-11-22"),
      /^64 .*Nothing lies/,
    );
    assert.match(await said("--exchange", "binance", "--from", "2199-01-01"), /^64 .*clock says/);
    assert.match(await said("--exchange", "binance", "--from", "soon"), /^64 .*--from takes a time/);
    assert.match(await said("--exchange", "binance", ...range, "--kind", "candles"), /^64 .*no way to fetch candles/);
    assert.match(
      await said("--exchange", "binance", ...range, "--symbols", "BTC/USDC"),
      /^64 .*did you mean BTC\/USDT/,
    );
  });
});
