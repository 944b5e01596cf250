import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import type { Envelope } from "../../src/model/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, loadPlan, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort, type ProcessEnd, runProgram } from "../support/collector_process.ts";
import { deriveAll, entriesOf } from "../support/journal_contents.ts";
import { assertSameCounts, countParquetRows, eventKey, parquetRowsOf } from "../support/stored_events.ts";

const HOST = denoHost();
const { files } = HOST;
const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env"];
const SYMBOLS = ["BTC/USDT"];

interface Rig {
  readonly dir: string;
  readonly config: string;
  readonly dataDir: string;
  readonly httpPort: number;
  readonly simulator: Simulator;
}

async function withRig(
  test: (rig: Rig) => Promise<void>,
  options: { readonly dataDir?: (dir: string) => string; readonly run?: string; readonly sinks?: string } = {},
): Promise<void> {
  const dir = await files.makeTempDir("process");
  const simulator = await startSimulator({ host: HOST, dialect: "binance", port: 0, symbols: SYMBOLS, rate: 1_000 });
  const config = `${dir}/collector.toml`;
  const dataDir = options.dataDir?.(dir) ?? `${dir}/data`;
  const httpPort = freePort();
  const text = configText({
    httpPort,
    dataDir,
    run: options.run,
    sinks: options.sinks,
    exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades", "quotes"] }),
  });
  try {
    await files.writeAtomic(config, new TextEncoder().encode(text));
    await test({ dir, config, dataDir, httpPort, simulator });
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
}

async function assertFilesHoldJournal({ config, dataDir }: Rig): Promise<number> {
  const expected = new Map<string, number>();
  for await (const envelope of deriveAll(files, `${dataDir}/journal`, loadPlan(config))) {
    expected.set(eventKey(envelope), parquetRowsOf(envelope));
  }
  assertSameCounts(await countParquetRows(files, `${dataDir}/parquet`), expected, "rows in Parquet");
  return expected.size;
}

/** The events of what is in the journal now. */
async function journaled({ config, dataDir }: Rig): Promise<readonly Envelope[]> {
  const events: Envelope[] = [];
  for await (const envelope of deriveAll(files, `${dataDir}/journal`, loadPlan(config))) events.push(envelope);
  return events;
}

function closedGaps(events: readonly Envelope[]): string[] {
  return events.flatMap(({ event }) =>
    event.kind === "gap" && event.state === "closed" ? [`${event.stream}: ${event.detail}`] : []
  );
}

function assertOneLine(end: ProcessEnd, pattern: RegExp): void {
  assert.equal(end.code, 1, end.err);
  const lines = end.err.trimEnd().split("\n").filter((line) => !line.startsWith("{"));
  assert.equal(lines.length, 1, end.err);
  assert.match(lines[0], pattern);
  assert.doesNotMatch(end.err, /\n\s+at /);
}

Deno.test("run stopped by SIGTERM exits 0 with everything received in the files and its sessions closed", async () => {
  await withRig(async (rig) => {
    await using collector = new CollectorProcess(["run", "--config", rig.config]);
    await collector.untilLog(/"session_opened"/);
    await collector.until("events are journaled", async () => (await journaled(rig)).length > 150);
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.equal(end.code, 0, end.err);
    assert.match(end.err, /"event":"stopped"/);
    assert.ok(await assertFilesHoldJournal(rig) > 150);
    const closed: string[] = [];
    for await (const { record } of entriesOf(files, `${rig.dataDir}/journal`)) {
      if (record.kind === "closed") closed.push(record.cause);
    }
    assert.deepEqual(closed, ["shutdown"]);
    const { next } = JSON.parse(await files.readText(`${rig.dataDir}/journal/cursors/archive.json`) ?? "{}");
    let last = 0;
    for await (const { offset } of entriesOf(files, `${rig.dataDir}/journal`)) last = offset;
    assert.equal(next, last + 1, "the sink has committed the whole journal");
  });
});

Deno.test("run --for stops by itself and exits 0", async () => {
  await withRig(async (rig) => {
    const end = await runProgram(["run", "--config", rig.config, "--for", "1s"]);
    assert.equal(end.code, 0, end.err);
    assert.match(end.err, /"event":"stopped"/);
    await assertFilesHoldJournal(rig);
  });
});

Deno.test("run goes on after an orderly stop where it ended, without a crash and with one gap a stream", async () => {
  await withRig(async (rig) => {
    for (let gaps = 0; gaps <= 2; gaps += 2) {
      await using collector = new CollectorProcess(["run", "--config", rig.config]);
      await collector.untilLog(/"session_opened"/);
      await collector.until("both streams go on", async () => {
        const events = await journaled(rig);
        const kinds = new Set(events.map(({ event }) => event.kind));
        return kinds.has("trade") && kinds.has("quote") && closedGaps(events).length >= gaps;
      });
      collector.kill("SIGTERM");
      const end = await collector.end();
      assert.equal(end.code, 0, end.err);
    }
    await assertFilesHoldJournal(rig);
    const gaps = closedGaps(await journaled(rig));
    assert.deepEqual(gaps.sort(), ["quotes: shutdown 1000: shutdown", "trades: shutdown 1000: shutdown"]);
  });
});

const LEFT: Readonly<Record<string, (text: string) => string>> = {
  disabled: (text) => text.replace('name = "binance"', 'name = "binance"\nenabled = false'),
  renamed: (text) => text.replace('name = "binance"', 'name = "other"'),
  narrowed: (text) => text.replace('channels = ["trades","quotes"]', 'channels = ["quotes"]'),
  mistyped: (text) => text.replace('"builtin:binance"', '"builtin:binanse"'),
};

for (const [how, change] of Object.entries(LEFT)) {
  Deno.test(`frames that were journaled before a kill reach the files although their instance was ${how}`, async () => {
    await withRig(async (rig) => {
      await using collector = new CollectorProcess(["run", "--config", rig.config]);
      await collector.untilLog(/"session_opened"/);
      await collector.until(
        "trades are journaled",
        async () => (await journaled(rig)).filter(({ event }) => event.kind === "trade").length > 50,
      );
      collector.kill("SIGKILL");
      await collector.end();
      const before = await files.readText(rig.config) ?? "";
      const after = change(before);
      assert.notEqual(after, before);
      await files.writeAtomic(rig.config, new TextEncoder().encode(after));
      const end = await runProgram(["run", "--config", rig.config, "--for", "1s"]);
      assert.equal(end.code, 0, end.err);
      // What the journal says follows from the journal alone; the helper only wants a file that loads.
      await files.writeAtomic(rig.config, new TextEncoder().encode(before));
      const events = await assertFilesHoldJournal(rig);
      assert.ok(events > 50, `${events} events`);
      const trades = [...(await countParquetRows(files, `${rig.dataDir}/parquet`)).keys()]
        .filter((key) => key.endsWith(":trade"));
      assert.ok(trades.length > 50, `${trades.length} trades`);
    });
  });
}

/** A peer that takes connections and never says a word. */
async function withMutePeer(test: (url: string, connected: Promise<unknown>) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  try {
    await test(`http://127.0.0.1:${listener.addr.port}`, accepted);
  } finally {
    listener.close();
    (await accepted).close();
  }
}

Deno.test("run stopped while it waits for an exchange's list of instruments does not wait for it", async () => {
  await withMutePeer(async (url, connected) => {
    await withRig(async ({ config }) => {
      const text = (await files.readText(config) ?? "").replace(/^symbols = .*$/m, 'symbols = ["NOT/LISTED"]')
        .replace(/^base_urls = .*$/m, `base_urls = ["${url}"]`);
      await files.writeAtomic(config, new TextEncoder().encode(text));
      await using collector = new CollectorProcess(["run", "--config", config]);
      await connected;
      collector.kill("SIGTERM");
      const end = await collector.end();
      assert.equal(end.code, 0, end.err);
      assert.doesNotMatch(end.err, /timed out/);
    });
  });
});

Deno.test("run exits within its shutdown timeout although a sink hangs, and at once on a second signal", async () => {
  const sinks = '[[sink]]\nname = "pipe"\ntype = "stdout"';
  for (const second of [false, true]) {
    await withRig(async (rig) => {
      // Nobody reads standard output: once the pipe is full, the sink's write never returns.
      const collector = new Deno.Command(Deno.execPath(), {
        args: ["run", ...PERMISSIONS, MAIN, "run", "--config", rig.config],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      await untilSinkHangs(rig);
      collector.kill("SIGTERM");
      const ended = collector.status;
      let isOver = false;
      void ended.then(() => isOver = true);
      // Two that come before the process looks are one.
      while (second && !isOver) {
        await HOST.clock.sleep(50);
        try {
          if (!isOver) collector.kill("SIGTERM");
        } catch (error) {
          assert.ok(error instanceof TypeError, "it has ended");
        }
      }
      const { code } = await ended;
      await collector.stdout.cancel();
      assert.equal(code, second ? 1 : 0);
    }, { sinks, run: `shutdown_timeout_ms = ${second ? 600_000 : 300}` });
  }
});

/** Waits until the sink has not moved for some looks while the journal has. The first batch alone may fill the pipe. */
async function untilSinkHangs({ httpPort }: Rig): Promise<void> {
  const look = async (): Promise<{ readonly events: number; readonly lag: number } | null> => {
    try {
      const body = await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json();
      return body.journal === null ? null : { events: body.sinks[0].events, lag: body.sinks[0].lag_records };
    } catch (error) {
      // Not listening yet.
      if (error instanceof TypeError) return null;
      throw error;
    }
  };
  const until = HOST.clock.monotonicMs() + 120_000;
  for (let before = await look(), still = 0; still < 5;) {
    assert.ok(HOST.clock.monotonicMs() < until, "the pipe fills");
    await HOST.clock.sleep(100);
    const now = await look();
    const isStill = before !== null && now !== null && now.events === before.events && now.lag > before.lag;
    still = isStill && now.lag > 500 ? still + 1 : 0;
    before = now;
  }
}

Deno.test("run says in one line that its port is taken, and exits 1", async () => {
  await withRig(async (rig) => {
    const other = Deno.listen({ hostname: "127.0.0.1", port: rig.httpPort });
    try {
      assertOneLine(await runProgram(["run", "--config", rig.config]), new RegExp(`^error: .*${rig.httpPort}`));
    } finally {
      other.close();
    }
  });
});

Deno.test("run names the collector that holds its port", async () => {
  await withRig(async (rig) => {
    await using first = new CollectorProcess(["run", "--config", rig.config]);
    await first.untilLog(/"session_opened"/);
    assertOneLine(
      await runProgram(["run", "--config", rig.config]),
      new RegExp(`^error: .*${rig.httpPort}.*: process \\d+ \\(crypto-collector\\) holds it$`),
    );
    first.kill("SIGTERM");
    assert.equal((await first.end()).code, 0);
  });
});

Deno.test("run says in one line that another process holds the journal, and exits 1", async () => {
  await withRig(async (rig) => {
    await using first = new CollectorProcess(["run", "--config", rig.config]);
    await first.untilLog(/"session_opened"/);
    const second = `${rig.dir}/second.toml`;
    const text = (await files.readText(rig.config) ?? "").replace(/^http_port = .*$/m, `http_port = ${freePort()}`);
    await files.writeAtomic(second, new TextEncoder().encode(text));
    const end = await runProgram(["run", "--config", second]);
    assertOneLine(end, /^error: Cannot open journal .*: it is held by process \d+ since /);
    first.kill("SIGTERM");
    assert.equal((await first.end()).code, 0);
    await assertFilesHoldJournal(rig);
  });
});

Deno.test("run says in one line that its data folder cannot be made, and exits 1", async () => {
  await withRig(async (rig) => {
    await files.writeAtomic(`${rig.dir}/occupied`, new Uint8Array([1]));
    assertOneLine(await runProgram(["run", "--config", rig.config]), /^error: Cannot .*occupied/);
  }, { dataDir: (dir) => `${dir}/occupied` });
});

Deno.test("run says in one line that its data folder may not be written, and exits 1", async () => {
  await withRig(async (rig) => {
    assertOneLine(await runProgram(["run", "--config", rig.config]), /^error: Cannot .*\/proc\/collector/);
  }, { dataDir: () => "/proc/collector" });
});
