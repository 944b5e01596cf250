import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { freePort } from "../support/collector_process.ts";
import { untilDemoHasAll } from "../support/demo_streams.ts";
import {
  compileFlags,
  compileProgram,
  compileTools,
  endOf,
  runExecutable,
  startExecutable,
} from "../support/executable.ts";
import { listFiles, readParquet } from "../support/stored_events.ts";
import { untilAnswer } from "../support/until_answer.ts";

/** A configuration of a shipped descriptor, on a simulator where one is given. */
function configText(port: number, urls: { readonly stream: string; readonly rest: string } | null): string {
  const overrides = urls === null
    ? ""
    : `[exchange.overrides]\nurls = ["${urls.stream}"]\nbase_urls = ["${urls.rest}"]\n`;
  return `[run]
http_port = ${port}

[[exchange]]
name = "binance"
descriptor_path = "builtin:binance"
symbols = ["BTC/USDT", "ETH/USDT"]
channels = ["trades", "book", "quotes"]
${overrides}`;
}

const TOOLS = compileTools();
const NEEDS = TOOLS === null ? " (ignored: DENORT_BIN and DENO_COMPILE are not set)" : "";

Deno.test(`the executable does everything from an empty folder, without Deno and without a question${NEEDS}`, {
  ignore: TOOLS === null,
}, async (t) => {
  const tools = TOOLS;
  assert.ok(tools !== null);
  const host = denoHost();
  const home = await Deno.makeTempDir({ prefix: "collector-executable-" });
  const program = `${home}/crypto-collector`;
  const cwd = `${home}/elsewhere`;
  await Deno.mkdir(cwd);
  try {
    await t.step("it is compiled with the flags of the task", async () => {
      assert.ok(compileFlags().includes("--no-prompt"));
      await compileProgram(tools, program);
    });

    await t.step("--version", async () => {
      const end = await runExecutable(program, ["--version"], cwd);
      assert.deepEqual(end, { code: 0, out: `crypto-collector ${manifest.version}\n`, err: "" });
    });

    await t.step("validate and plan find the shipped descriptors inside it", async () => {
      await Deno.writeTextFile(`${cwd}/collector.toml`, configText(8090, null));
      const validated = await runExecutable(program, ["validate", "--config", "collector.toml"], cwd);
      assert.equal(validated.code, 0, validated.err);
      assert.match(validated.out, /No issues/);
      const plan = await runExecutable(program, ["plan", "--config", "collector.toml"], cwd);
      assert.equal(plan.code, 0, plan.err);
      assert.match(plan.out, /send \{"method":"SUBSCRIBE","params":\["btcusdt@trade"/);
    });

    await t.step("schema", async () => {
      const { code, out } = await runExecutable(program, ["schema", "descriptor"], cwd);
      assert.equal(code, 0);
      assert.match(JSON.parse(out).$schema, /draft-07/);
    });

    await t.step("demo collects everything and writes files", async () => {
      const child = startExecutable(program, ["demo", "--for", "0", "--data-dir", "demo"], cwd);
      const ending = endOf(child);
      await Promise.race([untilDemoHasAll(host.files, `${cwd}/demo`), ending]);
      child.kill("SIGINT");
      const { code, out, err } = await ending;
      assert.equal(code, 0, out + err);
      assert.match(out, /Every event that the simulated exchanges sent is in the files/);
      const files = await listFiles(host.files, `${cwd}/demo/parquet`);
      const parts = files.filter((path) => path.endsWith(".parquet"));
      const exchanges = new Set(parts.map((path) => /exchange=(\w+)/.exec(path)?.[1]));
      assert.deepEqual([...exchanges].sort(), ["binance", "kraken", "okx"]);
      const trades = parts.find((path) => path.includes("kind=trade"));
      assert.ok(trades !== undefined);
      assert.ok((await readParquet(host.files, trades)).length > 0);
    });

    await t.step("journal verify, and replay of the journal", async () => {
      const verified = await runExecutable(program, ["journal", "verify", "demo/journal"], cwd);
      assert.equal(verified.code, 0, verified.out + verified.err);
      const replayed = await runExecutable(program, ["replay", "demo/journal", "--exchange", "okx"], cwd);
      assert.equal(replayed.code, 0, replayed.out + replayed.err);
      assert.match(replayed.out + replayed.err, /trade/);
    });

    await t.step("run answers /healthz and ends on SIGTERM with 0", async () => {
      const simulator = await startSimulator({
        host,
        dialect: "binance",
        port: 0,
        rate: 100,
        symbols: ["BTC/USDT", "ETH/USDT"],
      });
      const port = freePort();
      await Deno.writeTextFile(
        `${cwd}/run.toml`,
        configText(port, { stream: simulator.urls.ws.stream, rest: simulator.urls.rest }),
      );
      const child = startExecutable(program, ["run", "--config", "run.toml"], cwd);
      const ending = endOf(child);
      try {
        await untilAnswer(`http://127.0.0.1:${port}/readyz`, ({ status }) => status === 200);
        const health = await (await fetch(`http://127.0.0.1:${port}/healthz`)).json();
        for (const path of ["/", "/app.js", "/style.css"]) {
          const page = await fetch(`http://127.0.0.1:${port}${path}`);
          assert.equal(page.status, 200, await page.text());
        }
        assert.deepEqual([health.status, health.instances[0].state], ["ok", "live"]);
      } finally {
        child.kill("SIGTERM");
        await simulator.stop();
      }
      const { code, err } = await ending;
      assert.equal(code, 0, err);
      assert.doesNotMatch(err, /permission|prompt/i);
      assert.ok((await listFiles(host.files, `${cwd}/data/parquet`)).length > 0);
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
