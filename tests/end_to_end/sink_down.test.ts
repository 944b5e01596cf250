import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { assertSameCounts, countLines, countParquetRows } from "../support/stored_events.ts";

const HOST = denoHost();
const { files } = HOST;
const SYMBOLS = ["BTC/USDT", "ETH/USDT"];

interface SinkHealth {
  readonly name: string;
  readonly state: string;
  readonly lag_records: number;
  readonly events: number;
}

Deno.test("a sink that is down delays only itself and has every event once after it came back", async () => {
  const dir = await files.makeTempDir("sink-down");
  const simulator = await startSimulator({
    host: HOST,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate: 2_500,
    limitsConnections: false,
  });
  const [httpPort, dataDir] = [freePort(), `${dir}/data`];
  // The sink writes through a link, which can be turned elsewhere in one step: were its folder renamed, the sink might
  // make it anew before anything else can be put in its place.
  const [parquet, archive, down] = [`${dataDir}/parquet`, `${dataDir}/archive`, `${dataDir}/down`];
  const turn = async (target: string) => {
    await Deno.symlink(target, `${parquet}.link`);
    await files.rename(`${parquet}.link`, parquet);
  };
  const health = async (name: string): Promise<SinkHealth> => {
    const body: { readonly sinks: readonly SinkHealth[] } = await (await fetch(`http://127.0.0.1:${httpPort}/healthz`))
      .json();
    const found = body.sinks.find((sink) => sink.name === name);
    assert.ok(found !== undefined);
    return found;
  };
  /** First offsets of the segments: while one is compressed it has two files. */
  const segments = async () => {
    const names = (await files.list(`${dataDir}/journal`) ?? []).map(({ name }) => /^\d{16}/.exec(name)?.[0] ?? "");
    return [...new Set(names)].filter((name) => name !== "").sort();
  };
  try {
    const config = `${dir}/collector.toml`;
    const text = configText({
      httpPort,
      dataDir,
      journal: "sync_ms = 20\nsegment_mb = 1\nretain_hours = 0",
      sinks: `[[sink]]
name = "archive"
type = "parquet"
part_seconds = 0.2
[[sink]]
name = "lines"
type = "ndjson"`,
      exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades", "quotes"] }),
    });
    await files.writeAtomic(config, new TextEncoder().encode(text));
    await files.makeDir(archive);
    await files.writeAtomic(down, new Uint8Array([1]));
    await turn(archive);
    await using collector = new CollectorProcess(["run", "--config", config]);
    await collector.untilLog(/"session_opened"/);
    await collector.until("parts were written", async () => (await health("archive")).events > 500);

    // Where its folder was there is a file: nothing can be written below it.
    await turn(down);
    await collector.until("the sink fails", async () => (await health("archive")).state === "failing");
    const begun = (await segments()).length;
    const before = (await health("lines")).events;
    await collector.until("the journal has rolled twice", async () => (await segments()).length >= begun + 2);
    assert.ok((await health("archive")).lag_records > 0);
    await collector.until("the other sink goes on", async () => (await health("lines")).events > before + 1_000);
    assert.notEqual((await health("lines")).state, "failing");
    const held = await segments();

    await turn(archive);
    simulator.freeze();
    await collector.until("the sink has caught up", async () => {
      const { state, lag_records } = await health("archive");
      return state !== "failing" && lag_records === 0;
    });
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.equal(end.code, 0, end.err);
    assert.match(end.err, /"event":"sink_failed"/);
    assert.match(end.err, /"event":"sink_recovered"/);

    const lines = await countLines(files, `${dataDir}/ndjson`);
    assertSameCounts(await countParquetRows(files, archive), lines, "rows in Parquet");
    assert.ok([...lines.values()].every((count) => count === 1), "every line stands once");
    const sent = simulator.statistics().symbols.reduce((sum, { events }) => sum + (events.trade ?? 0), 0);
    const stored = [...lines.keys()].filter((key) => key.endsWith(":trade")).length;
    assert.equal(stored, sent, "every trade that was sent");
    const left = await segments();
    assert.ok(!left.includes(held[0]), `what every sink has passed is deleted: ${held[0]}`);
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
});
