import assert from "node:assert/strict";
import { CollectorProcess, freePort, runProgram } from "../support/collector_process.ts";

/** A folder with a configuration of one instance that cannot connect. */
async function withConfig(test: (config: string, dir: string) => Promise<void>, run = ""): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "signals-" });
  try {
    await Deno.writeTextFile(`${dir}/collector.toml`, configText(dir, run));
    await test(`${dir}/collector.toml`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function configText(dir: string, run = "", symbols = '["BTC/USDT"]', base = "http://127.0.0.1:9"): string {
  return `[run]
http_port = ${freePort()}
data_dir = "${dir}/data"
${run}
[[sink]]
name = "pipe"
type = "stdout"
[[exchange]]
name = "binance"
descriptor_path = "builtin:binance"
symbols = ${symbols}
channels = ["trades"]
[exchange.overrides]
urls = ["ws://127.0.0.1:9"]
base_urls = ["${base}"]
`;
}

/** A peer that takes connections and never says a word. */
async function withMutePeer(test: (url: string, isConnected: () => boolean) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connection: Deno.Conn | null = null;
  // It rejects where the listener is closed before anyone came.
  const accepting = listener.accept().then((accepted) => void (connection = accepted), () => {});
  try {
    await test(`http://127.0.0.1:${listener.addr.port}`, () => connection !== null);
  } finally {
    listener.close();
    await accepting.then(() => connection?.close());
  }
}

Deno.test("run remembers a SIGHUP that comes while it starts, and a SIGTERM then still stops it in order", async () => {
  await withMutePeer(async (url, isConnected) => {
    await withConfig(async (config, dir) => {
      // The list of instruments is waited for, because this symbol is in no map.
      await Deno.writeTextFile(config, configText(dir, "", '["NOT/LISTED"]', url));
      await using collector = new CollectorProcess(["run", "--config", config]);
      await collector.until("it asked for the list", isConnected);
      collector.kill("SIGHUP");
      collector.kill("SIGHUP");
      await new Promise((resolve) => setTimeout(resolve, 200));
      collector.kill("SIGTERM");
      const end = await collector.end();
      assert.equal(end.signal, null, "no signal kills it");
      assert.equal(end.code, 0, end.err);
    });
  });
});

Deno.test("run reloads on a SIGHUP where it belongs to no terminal", async () => {
  await withConfig(async (config) => {
    await using collector = new CollectorProcess(["run", "--config", config]);
    await collector.untilLog(/"config_loaded"/);
    collector.kill("SIGHUP");
    await collector.untilLog(/"event":"config_reload","accepted":true/);
    collector.kill("SIGTERM");
    assert.equal((await collector.end()).code, 0);
  });
});

Deno.test("run exits 78 where the configuration file does not exist, unless it is told to wait for it", async () => {
  await withConfig(async (config, dir) => {
    const missing = await runProgram(["run", "--config", `${dir}/colector.toml`]);
    assert.equal(missing.code, 78);
    assert.match(missing.err, /colector\.toml/);
    await using waiting = new CollectorProcess(["run", "--config", `${dir}/late.toml`, "--wait-config"]);
    await waiting.untilLog(/repair .*late\.toml and send SIGHUP/);
    await Deno.copyFile(config, `${dir}/late.toml`);
    waiting.kill("SIGHUP");
    await waiting.untilLog(/"config_loaded"/);
    waiting.kill("SIGTERM");
    assert.equal((await waiting.end()).code, 0);
  });
});

Deno.test("run with a broken configuration says that it waits for a repair and SIGHUP", async () => {
  await withConfig(async (config) => {
    await Deno.writeTextFile(config, "[run]\nhttp_prt = 1\n");
    await using collector = new CollectorProcess(["run", "--config", config]);
    await collector.untilLog(/Nothing is collected: repair .* and send SIGHUP/);
    collector.kill("SIGTERM");
    assert.equal((await collector.end()).code, 0);
  });
});

Deno.test("run --fail-fast reads a pipe once, and exits 78 where what came through it is broken", async () => {
  await withConfig(async (config, dir) => {
    for (const [text, code] of [["[run]\nhttp_prt = 1\n", 78], [await Deno.readTextFile(config), 0]] as const) {
      const fifo = `${dir}/fifo-${code}`;
      await new Deno.Command("mkfifo", { args: [fifo] }).output();
      const running = runProgram(["run", "--config", fifo, "--fail-fast", "--for", "300ms"]);
      await Deno.writeTextFile(fifo, text);
      const end = await running;
      assert.equal(end.code, code, end.err);
    }
  });
});
