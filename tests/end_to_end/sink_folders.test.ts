import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";

const HOST = denoHost();
const { files } = HOST;
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

interface Rig {
  readonly dir: string;
  /** Writes a configuration with data folder and sinks, and returns its path and its port. */
  config(name: string, sinks: string): Promise<{ readonly path: string; readonly port: number }>;
}

async function withRig(test: (rig: Rig) => Promise<void>): Promise<void> {
  const dir = await files.makeTempDir("sink-folders");
  const symbols = ["BTC/USDT"];
  const simulator = await startSimulator({
    ...{ host: HOST, dialect: "binance", port: 0, symbols, rate: 500 },
    limitsConnections: false,
  });
  const config = async (name: string, sinks: string) => {
    const port = freePort();
    const path = `${dir}/${name}.toml`;
    const exchanges = simulatedExchange(simulator, { symbols, channels: ["trades"] });
    const text = configText({ httpPort: port, dataDir: `${dir}/${name}`, journal: "sync_ms = 20", sinks, exchanges });
    await files.writeAtomic(path, new TextEncoder().encode(text));
    return { path, port };
  };
  try {
    await test({ dir, config });
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
}

interface SinkHealth {
  readonly state: string;
  readonly error: string;
  readonly events: number;
  readonly committed_offset: number;
}

async function sinkOf(port: number): Promise<SinkHealth> {
  const answer: { readonly sinks: readonly [SinkHealth] } = await (await fetch(`http://127.0.0.1:${port}/healthz`))
    .json();
  return answer.sinks[0];
}

const lines = async (path: string) => (await files.readText(path) ?? "").split("\n").filter((line) => line !== "");

Deno.test("run | head ends by itself, in order, when nobody reads its only sink any more", () =>
  withRig(async ({ config }) => {
    const { path } = await config("a", '[[sink]]\nname = "out"\ntype = "stdout"\n');
    const run = `${Deno.execPath()} run --no-prompt --allow-net --allow-read --allow-write --allow-env ${MAIN}`;
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", `${run} run --config ${path} | head -n 3; exit \${PIPESTATUS[0]}`],
      signal: AbortSignal.timeout(240_000),
    }).output();
    const [out, err] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
    assert.equal(out.trim().split("\n").length, 3);
    assert.equal(code, 0, err);
    assert.match(err, /Stopping on the last reader's leaving/);
  }));

Deno.test("run goes on for its other sinks when nobody reads standard output any more", () =>
  withRig(async ({ dir, config }) => {
    const { path, port } = await config(
      "a",
      '[[sink]]\nname = "lines"\ntype = "ndjson"\n[[sink]]\nname = "out"\ntype = "stdout"\n',
    );
    const args = ["run", "--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env", MAIN];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args, "run", "--config", path],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    try {
      await child.stdout.cancel();
      const deadline = performance.now() + 120_000;
      let isGone = false;
      while (!isGone && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const health = await fetch(`http://127.0.0.1:${port}/healthz`).then((answer) => answer.json(), () => null);
        isGone = health?.sinks?.[1]?.state === "stopped";
      }
      assert.ok(isGone);
      const { events } = await sinkOf(port);
      while ((await sinkOf(port)).events < events + 100) await new Promise((resolve) => setTimeout(resolve, 50));
      child.kill("SIGTERM");
      assert.equal((await child.status).code, 0);
      assert.ok(await files.stat(`${dir}/a/ndjson/trade`) !== null);
    } finally {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        assert.ok(error instanceof TypeError, "it has ended");
      }
      await child.status;
    }
  }));

Deno.test("two collectors with one folder: the second is blocked, says why, and the first loses nothing over restarts", () =>
  withRig(async ({ dir, config }) => {
    for (const type of ["parquet", "ndjson"]) {
      const options = type === "parquet" ? "part_seconds = 0.2\n" : "";
      const sink = `[[sink]]\nname = "shared"\ntype = "${type}"\ndir = "${dir}/${type}"\n${options}`;
      const first = await config(`${type}-a`, sink);
      const second = await config(`${type}-b`, sink);
      await using a = new CollectorProcess(["run", "--config", first.path]);
      await a.until("the first writes", async () => (await sinkOf(first.port).catch(() => null))?.events !== undefined);
      await a.until("the first has written", async () => (await sinkOf(first.port)).events > 100);
      for (let round = 0; round < 2; round++) {
        await using b = new CollectorProcess(["run", "--config", second.path]);
        await b.until(
          "the second is blocked",
          async () => (await sinkOf(second.port).catch(() => null))?.state === "blocked",
        );
        assert.match((await sinkOf(second.port)).error, /is writing there/);
        b.kill("SIGKILL");
        await b.end();
      }
      a.kill("SIGTERM");
      const end = await a.end();
      assert.equal(end.code, 0, end.err);
      await using b = new CollectorProcess(["run", "--config", second.path]);
      await b.until(
        "the second is blocked still",
        async () => (await sinkOf(second.port).catch(() => null))?.state === "blocked",
      );
      assert.match((await sinkOf(second.port)).error, /belongs to sink "shared"/);
      b.kill("SIGTERM");
      await b.end();
      const report = await runCli([
        "replay",
        `${dir}/${type}-a/journal`,
        "--exchange",
        "binance",
        "--to",
        `ndjson:${dir}/${type}-again`,
      ]);
      assert.equal(report.code, 0, report.err);
      if (type === "ndjson") {
        const days = (await files.list(`${dir}/ndjson/trade`) ?? []).map(({ name }) => name);
        for (const day of days) {
          assert.deepEqual(await lines(`${dir}/ndjson/trade/${day}`), await lines(`${dir}/ndjson-again/trade/${day}`));
        }
      }
    }
  }));

Deno.test("SIGHUP makes a sink begin a day's file anew that was moved away, without a line lost or twice", () =>
  withRig(async ({ dir, config }) => {
    const { path, port } = await config("a", '[[sink]]\nname = "lines"\ntype = "ndjson"\n');
    await using collector = new CollectorProcess(["run", "--config", path]);
    await collector.untilLog(/"session_opened"/);
    await collector.until("lines were written", async () => (await sinkOf(port)).events > 100);
    await collector.until("a file is there", async () => (await files.list(`${dir}/a/ndjson/trade`) ?? []).length > 0);
    // Right after a commit: lines that are being written while their file is moved would be written again.
    const { committed_offset: before } = await sinkOf(port);
    await collector.until("lines are committed", async () => (await sinkOf(port)).committed_offset > before);
    const [{ name }] = await files.list(`${dir}/a/ndjson/trade`) ?? [];
    const day = `${dir}/a/ndjson/trade/${name}`;
    await files.rename(day, `${day}.1`);
    collector.kill("SIGHUP");
    await collector.until("the file is begun anew", async () => ((await files.stat(day))?.bytes ?? 0) > 0);
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.equal(end.code, 0, end.err);
    const all = [...await lines(`${day}.1`), ...await lines(day)];
    const ids = all.map((line) => BigInt(JSON.parse(line).trade_id));
    assert.ok(ids.length > 100);
    assert.equal(new Set(ids).size, ids.length, "none stands twice");
    assert.deepEqual(ids, ids.toSorted((left, right) => left < right ? -1 : 1));
    assert.equal(ids.at(-1)! - ids[0], BigInt(ids.length - 1), "none is missing");
  }));

Deno.test("validate finds that two sinks write to one folder, whichever way they spell it", () =>
  withRig(async ({ dir, config }) => {
    await files.makeDir(`${dir}/real`);
    await Deno.symlink(`${dir}/real`, `${dir}/link`);
    for (const other of [`${dir}/link`, `${dir}/real/`, `${dir}/./real`, `${dir}/x/../real`, `${dir}//real`]) {
      const { path } = await config(
        "a",
        `[[sink]]\nname = "one"\ntype = "ndjson"\ndir = "${dir}/real"\n[[sink]]\nname = "two"\ntype = "csv"\ndir = "${other}"\n`,
      );
      const { code, out, err } = await runCli(["validate", "--config", path]);
      assert.equal(code, 78, other);
      assert.match(out + err, /Sink "two" writes to the same folder as "one"/);
    }
  }));
