import assert from "node:assert/strict";
import { freePort } from "../support/collector_process.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env"];
const DENO = `'${Deno.execPath()}' run ${PERMISSIONS.join(" ")} '${MAIN}'`;

/** Runs a shell command to its end. */
async function shell(command: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", command], stdin: "null" }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

async function withConfig(
  test: (config: string, port: number) => Promise<void>,
  exchange = "",
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "streams-" });
  const port = freePort();
  try {
    await Deno.writeTextFile(
      `${dir}/collector.toml`,
      `[run]\nhttp_port = ${port}\ndata_dir = "${dir}/data"\nlog_level = "trace"\n${exchange}`,
    );
    await test(`${dir}/collector.toml`, port);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Asks /healthz until it answers. */
async function untilHealthy(port: number): Promise<void> {
  const until = performance.now() + 120_000;
  while (performance.now() < until) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) })
      .then((response) => response.text(), () => null);
    if (answer !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("/healthz never answered");
}

const onLinux = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "a command whose output cannot be written says so and exits 1, without a word of a bug",
  onLinux,
  async () => {
    await withConfig(async (config) => {
      for (const command of [`validate --config ${config}`, `plan --config ${config}`, "schema config", "--help"]) {
        const { code, err } = await shell(`${DENO} ${command} > /dev/full`);
        assert.equal(code, 1, `${command}: ${err}`);
        assert.match(err, /^error: Cannot write standard output: .*[Nn]o space/m, command);
        assert.doesNotMatch(err, /bug|\n\s+at /);
      }
    });
  },
);

/** A recording of so many trades that their events fill a pipe many times. */
async function writeTrades(path: string): Promise<void> {
  const trade = (id: number) =>
    JSON.stringify({
      t: 1723161255000001 + id,
      dir: "in",
      data:
        `{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255000,"s":"BTCUSDT","t":${id},"p":"1.5","q":"2",` +
        '"T":1723161254999,"m":true}}',
    });
  const open = JSON.stringify({ t: 1723161255000000, dir: "open", url: "wss://stream.binance.com:9443/stream" });
  await Deno.writeTextFile(path, [open, ...Array.from({ length: 3_000 }, (_, id) => trade(id))].join("\n"));
}

Deno.test(
  "a command whose reader goes away ends quietly, with the exit code that it has without one",
  onLinux,
  async () => {
    await withConfig(async (config) => {
      const dir = config.replace(/\/[^/]*$/, "");
      await writeTrades(`${dir}/trades.jsonl`);
      const broken = Array.from({ length: 300 }, (_, i) => `${"x".repeat(200)}${i} = 1`).join("\n");
      await Deno.writeTextFile(`${dir}/broken.toml`, broken);
      for (
        const [command, expected] of [
          ["schema descriptor", 0],
          ["run --help", 0],
          [`replay ${dir}/trades.jsonl --to stdout`, 0],
          [`validate --config ${dir}/broken.toml`, 78],
          [`validate --config ${dir}/broken.toml --json`, 78],
          [`explain binance '${JSON.stringify({ x: "y".repeat(100_000) })}' --all --json`, 1],
        ] as const
      ) {
        const { err } = await shell(`{ ${DENO} ${command}; echo "code $?" >&2; } | head -c 10`);
        const code = /code (\d+)\n$/.exec(err);
        assert.equal(code?.[1], String(expected), `${command}: ${err}`);
        assert.doesNotMatch(err, /bug|EPIPE|[Bb]roken pipe|\n\s+at /, command);
      }
    });
  },
);

Deno.test(
  "replay reads standard input, from a pipe as from a file, and refuses to read it twice",
  onLinux,
  async () => {
    await withConfig(async (config) => {
      const trades = `${config.replace(/\/[^/]*$/, "")}/trades.jsonl`;
      await writeTrades(trades);
      for (const command of [`cat ${trades} | ${DENO} replay -`, `${DENO} replay - < ${trades}`]) {
        const { code, out, err } = await shell(command);
        assert.equal(code, 0, err);
        assert.match(out, /^binance: 3,000 frames /);
      }
      const twice = await shell(`cat ${trades} | ${DENO} replay - -`);
      assert.deepEqual([twice.code, twice.err], [64, "error: Standard input is given twice: it can be read once\n"]);
    });
  },
);

Deno.test("run answers and stops while nobody reads standard error", onLinux, async () => {
  const exchange = `[[exchange]]
name = "binance"
descriptor_path = "builtin:binance"
symbols = ["BTC/USDT"]
channels = ["trades"]
[exchange.overrides]
urls = ["ws://127.0.0.1:9"]
`;
  await withConfig(async (config, port) => {
    // A pipe of one page that is never read: a few log lines fill it.
    const child = new Deno.Command("sh", {
      args: ["-c", `exec ${DENO} run --config ${config}`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    await untilHealthy(port);
    // Each reload writes several lines; together they are more than a pipe holds.
    for (let i = 0; i < 400; i++) {
      child.kill("SIGHUP");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 200, await answer.text());
    child.kill("SIGTERM");
    const over = Promise.withResolvers<null>();
    const timer = setTimeout(() => over.resolve(null), 60_000);
    const status = await Promise.race([child.status, over.promise]);
    clearTimeout(timer);
    if (status === null) child.kill("SIGKILL");
    await child.stderr.cancel();
    await child.status;
    assert.equal(status?.code, 0);
  }, exchange);
});

Deno.test("run answers and lives on with more idle HTTP connections than it may have files", onLinux, async () => {
  await withConfig(async (config, port) => {
    const child = new Deno.Command("sh", {
      args: ["-c", `ulimit -n 256; exec ${DENO} run --config ${config}`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await untilHealthy(port);
    const connections: Deno.Conn[] = [];
    for (let i = 0; i < 400; i++) connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    for (const connection of connections) connection.close();
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 0);
  });
});
