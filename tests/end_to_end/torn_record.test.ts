import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { configText, loadPlan, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { assertExtends, deriveAll, digestJournal, type JournalDigest } from "../support/journal_contents.ts";
import { seeded } from "../support/seeded.ts";
import { assertSameCounts, countParquetRows, eventKey, parquetRowsOf } from "../support/stored_events.ts";

const HOST = denoHost();
const { files } = HOST;
const SYMBOLS = ["BTC/USDT"];

/** Cuts some bytes off the segment that was being written; in every other round what is left ends with noise. */
async function tear(journal: string, options: { readonly bytes: number; readonly noise: number }): Promise<void> {
  const names = (await files.list(journal) ?? []).map(({ name }) => name).filter((name) => name.endsWith(".journal"));
  const path = `${journal}/${names.sort().at(-1)}`;
  const stat = await files.stat(path);
  assert.ok(stat !== null && stat.bytes > options.bytes);
  const handle = await files.open(path, "append");
  await handle.truncate(stat.bytes - options.bytes);
  await handle.write(new Uint8Array(options.noise).fill(0xa5));
  await handle.close();
}

Deno.test("run goes on after a kill that tore the last record at any byte, and keeps all records before it", async () => {
  const seed = Math.floor(HOST.random.next() * 2 ** 31);
  console.log(`torn record: seed ${seed}`);
  const random = seeded(seed);
  const dir = await files.makeTempDir("torn");
  const simulator = await startSimulator({
    host: HOST,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate: 1_000,
    limitsConnections: false,
  });
  const [config, dataDir] = [`${dir}/collector.toml`, `${dir}/data`];
  const journal = `${dataDir}/journal`;
  try {
    // The sink commits at the stop alone: what is torn has been in no file yet.
    const text = configText({
      httpPort: freePort(),
      dataDir,
      journal: "sync_ms = 20\nsegment_mb = 1\nretain_hours = 1000",
      sinks: '[[sink]]\nname = "archive"\ntype = "parquet"\npart_seconds = 3600',
      exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades", "quotes"] }),
    });
    await files.writeAtomic(config, new TextEncoder().encode(text));
    let kept: JournalDigest | null = null;
    const run = async (signal: Deno.Signal) => {
      const before = simulator.statistics().dataFrames;
      await using collector = new CollectorProcess(["run", "--config", config]);
      await collector.untilLog(/"session_opened"/);
      await collector.until("frames were sent", () => simulator.statistics().dataFrames >= before + 300);
      collector.kill(signal);
      return await collector.end();
    };
    for (let round = 0; round < 3; round++) {
      await run("SIGKILL");
      const whole = await digestJournal(files, journal);
      if (kept !== null) assertExtends(whole, kept, `round ${round}`);
      await tear(journal, {
        bytes: 1 + Math.floor(random() * 300),
        noise: round % 2 === 0 ? 0 : 1 + Math.floor(random() * 100),
      });
      kept = await digestJournal(files, journal);
      assertExtends(whole, kept, `round ${round}, torn`);
      assert.ok(kept.crcs.length < whole.crcs.length && kept.crcs.length > whole.crcs.length - 20);
    }
    const end = await run("SIGTERM");
    assert.equal(end.code, 0, end.err);
    assert.match(end.err, /"event":"journal_recovered"/);
    assert.ok(kept !== null);
    assertExtends(await digestJournal(files, journal), kept, "at the end");
    const expected = new Map<string, number>();
    for await (const envelope of deriveAll(files, journal, loadPlan(config))) {
      expected.set(eventKey(envelope), parquetRowsOf(envelope));
    }
    assertSameCounts(await countParquetRows(files, `${dataDir}/parquet`), expected, "rows in Parquet");
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
});
