import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { verifyJournal } from "../../src/journal/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { deriveAll } from "../support/journal_contents.ts";
import { seeded } from "../support/seeded.ts";
import { SmallDisk } from "../support/small_disk.ts";
import { ToldTrades } from "../support/told_trades.ts";
import { assertSameCounts, countLines, countParquetRows, eventKey, parquetRowsOf } from "../support/stored_events.ts";

const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
const CHANNELS = ["trades", "book", "quotes"];
const HOST = denoHost();
/** The name that events carry where the configuration gives none. */
const COLLECTOR = HOST.machineName();
const { files, clock } = HOST;

/** How the configuration reads in one round. The second instance is there in all but `unreadable`. */
const CONFIGURATIONS = [
  "whole",
  "removed",
  "renamed",
  "disabled",
  "fewer_channels",
  "fewer_symbols",
  "no_descriptor",
  "broken_descriptor",
  "unreadable",
] as const;
type Configuration = (typeof CONFIGURATIONS)[number];

/** What goes wrong in one round besides. */
const TROUBLES = ["nothing", "nothing", "disk_full", "sink_folder_gone", "reader_stalls", "reload"] as const;
type Trouble = (typeof TROUBLES)[number];

export interface ReconfigurationLoopOptions {
  readonly kills: number;
  readonly seed: number;
  /** Market events a second and symbol. */
  readonly rate: number;
  readonly report?: (line: string) => void;
}

/** What a loop came to. */
export interface ReconfigurationFigures {
  readonly kills: number;
  readonly rounds: Readonly<Record<string, number>>;
  readonly events: number;
  readonly trades: number;
  /** Trades between two delivered ones that never came, each inside a told gap. */
  readonly missedTrades: number;
  /** Of those the ones that were fetched later. */
  readonly filledTrades: number;
  readonly gapsOpened: number;
  readonly gapsClosed: number;
  readonly droppedGaps: number;
  readonly stdoutEvents: number;
  readonly seconds: number;
}

/**
 * Kills a collector again and again and edits its configuration in between: instances leave, come back under another
 * name, are disabled, lose channels or symbols, or their descriptor breaks. Disks fill and are freed, a sink's folder
 * is taken away and brought back, and the reader of standard output stalls. At the end both file sinks hold exactly what
 * the journal and the plans in it give, and every trade that the exchange sent and nobody delivered is inside a gap.
 */
export async function runReconfigurationLoop(options: ReconfigurationLoopOptions): Promise<ReconfigurationFigures> {
  const startedMs = clock.monotonicMs();
  await using disk = await SmallDisk.create({ bytes: 1 << 30 });
  const simulator = await startSimulator({
    host: HOST,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate: options.rate,
    seed: options.seed,
    limitsConnections: false,
  });
  try {
    const loop = new ReconfigurationLoop(options, disk, simulator);
    await loop.run();
    return { ...await loop.judge(), seconds: Math.round((clock.monotonicMs() - startedMs) / 1000) };
  } finally {
    await simulator.stop();
  }
}

class ReconfigurationLoop {
  readonly #options: ReconfigurationLoopOptions;
  readonly #disk: SmallDisk;
  readonly #simulator: Simulator;
  readonly #random: () => number;
  readonly #config: string;
  readonly #dataDir: string;
  readonly #httpPort = freePort();
  readonly #rounds = new Map<string, number>();
  #stdoutEvents = 0;

  constructor(options: ReconfigurationLoopOptions, disk: SmallDisk, simulator: Simulator) {
    this.#options = options;
    this.#disk = disk;
    this.#simulator = simulator;
    this.#random = seeded(options.seed);
    this.#config = `${disk.outside}/collector.toml`;
    this.#dataDir = `${disk.dir}/data`;
  }

  async run(): Promise<void> {
    await files.writeAtomic(`${this.#disk.outside}/broken.toml`, new TextEncoder().encode("[meta]\nname = 7\n"));
    for (let kill = 1; kill <= this.#options.kills; kill++) await this.#round(kill);
    await this.#stopInOrder();
  }

  async #round(kill: number): Promise<void> {
    const configuration = kill === 1 ? "whole" : this.#pick(CONFIGURATIONS);
    const trouble = this.#pick(this.#disk.canFill ? TROUBLES : TROUBLES.filter((one) => one !== "disk_full"));
    const delayMs = Math.round(200 + this.#random() * 900);
    this.#count(configuration);
    this.#count(trouble);
    await this.#write(configuration);
    const collector = new CollectorProcess(["run", "--config", this.#config]);
    try {
      // One in five dies while it starts.
      if (this.#random() < 0.8 && configuration !== "unreadable") await collector.untilLog(/"session_opened"/);
      await this.#trouble(trouble, delayMs, collector);
      collector.kill("SIGKILL");
      const end = await collector.end();
      assert.equal(end.signal, "SIGKILL", `round ${kill}: the collector had ended by itself:\n${end.err}`);
      this.#stdoutEvents += end.out.split("\n").filter((line) => line.startsWith("{")).length;
    } finally {
      await collector[Symbol.asyncDispose]();
      await this.#disk.free();
      await this.#bringBack();
    }
    this.#options.report?.(`round ${kill}: ${configuration}, ${trouble}, ${delayMs} ms`);
  }

  async #trouble(trouble: Trouble, delayMs: number, collector: CollectorProcess): Promise<void> {
    switch (trouble) {
      case "disk_full":
        await clock.sleep(delayMs / 2);
        await this.#disk.fill();
        await clock.sleep(delayMs);
        // Half of the processes live on to see the space come back.
        if (this.#random() < 0.5) {
          await this.#disk.free();
          await clock.sleep(delayMs);
        }
        return;
      case "sink_folder_gone":
        await clock.sleep(delayMs / 2);
        await this.#takeAway();
        await clock.sleep(delayMs);
        if (this.#random() < 0.5) {
          await this.#bringBack();
          await clock.sleep(delayMs);
        }
        return;
      case "reader_stalls":
        collector.stallOutput();
        await clock.sleep(delayMs);
        collector.resumeOutput();
        await clock.sleep(delayMs / 4);
        return;
      case "reload":
        // Before the program's first line nobody listens to signals, and this one ends the process.
        await collector.untilLog(/./);
        await clock.sleep(delayMs / 2);
        await this.#write(this.#pick(CONFIGURATIONS));
        collector.kill("SIGHUP");
        await clock.sleep(delayMs);
        return;
      case "nothing":
        await clock.sleep(delayMs);
        return;
    }
  }

  /** A file stands where the folder of the NDJSON sink was. */
  async #takeAway(): Promise<void> {
    const dir = `${this.#dataDir}/ndjson`;
    if (await files.stat(dir) === null) return;
    await Deno.rename(dir, `${dir}.away`);
    await Deno.writeTextFile(dir, "not a folder");
  }

  async #bringBack(): Promise<void> {
    const dir = `${this.#dataDir}/ndjson`;
    if (await files.stat(`${dir}.away`) === null) return;
    await Deno.remove(dir);
    await Deno.rename(`${dir}.away`, dir);
  }

  async #stopInOrder(): Promise<void> {
    await this.#write("whole");
    await using collector = new CollectorProcess(["run", "--config", this.#config]);
    await collector.untilLog(/"session_opened"/);
    const sent = this.#simulator.statistics().dataFrames;
    await collector.until("frames were sent", () => this.#simulator.statistics().dataFrames >= sent + 500);
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.deepEqual({ code: end.code, signal: end.signal }, { code: 0, signal: null }, end.err);
    this.#stdoutEvents += end.out.split("\n").filter((line) => line.startsWith("{")).length;
  }

  async #write(configuration: Configuration): Promise<void> {
    const text = configuration === "unreadable" ? "[run\nhttp_port = " : this.#text(configuration);
    await files.writeAtomic(this.#config, new TextEncoder().encode(text));
  }

  #text(configuration: Configuration): string {
    const instance = (name: string, symbols: readonly string[], channels: readonly string[]) =>
      simulatedExchange(this.#simulator, { symbols, channels }).replace(/name = "[^"]+"/, `name = "${name}"`);
    const whole = instance("first", SYMBOLS, CHANNELS);
    const first: Readonly<Record<Exclude<Configuration, "unreadable">, string>> = {
      whole,
      removed: "",
      renamed: instance("renamed", SYMBOLS, CHANNELS),
      disabled: whole.replace("[exchange.overrides]", "enabled = false\n[exchange.overrides]"),
      fewer_channels: instance("first", SYMBOLS, ["trades"]),
      fewer_symbols: instance("first", SYMBOLS.slice(1), CHANNELS),
      no_descriptor: whole.replace(/descriptor_path = "[^"]+"/, `descriptor_path = "builtin:binanse"`),
      broken_descriptor: whole.replace(
        /descriptor_path = "[^"]+"/,
        `descriptor_path = ${JSON.stringify(`${this.#disk.outside}/broken.toml`)}`,
      ),
    };
    return configText({
      httpPort: this.#httpPort,
      dataDir: this.#dataDir,
      run: "shutdown_timeout_ms = 30000",
      journal: "sync_ms = 20\nsegment_mb = 1\nretain_hours = 1000",
      sinks: `[[sink]]
name = "archive"
type = "parquet"
part_seconds = 0.3
exact_digits = true
[[sink]]
name = "lines"
type = "ndjson"
[[sink]]
name = "pipe"
type = "stdout"
kinds = ["trade"]`,
      exchanges: `${first[configuration as Exclude<Configuration, "unreadable">]}\n${
        instance("second", SYMBOLS, ["trades"])
      }`,
    });
  }

  /** Compares the file sinks with the journal, and the trades with their gaps. */
  async judge(): Promise<Omit<ReconfigurationFigures, "seconds">> {
    const journal = `${this.#dataDir}/journal`;
    assert.deepEqual((await verifyJournal(files, journal)).damage, [], "the journal is sound");
    const rows = new Map<string, number>();
    const lines = new Map<string, number>();
    const told = new ToldTrades();
    for await (const envelope of deriveAll(files, journal)) {
      const key = eventKey(envelope);
      assert.ok(!rows.has(key), `${key} is derived once`);
      rows.set(key, parquetRowsOf(envelope));
      lines.set(eventJson(envelope, COLLECTOR), 1);
      told.saw(envelope);
    }
    assertSameCounts(await countParquetRows(files, `${this.#dataDir}/parquet`), rows, "rows in Parquet");
    const found = await countLines(files, `${this.#dataDir}/ndjson`, (line) => line);
    assertSameCounts(found, lines, "lines in NDJSON");
    return {
      kills: this.#options.kills,
      rounds: Object.fromEntries([...this.#rounds].sort()),
      events: lines.size,
      stdoutEvents: this.#stdoutEvents,
      ...told.figures,
    };
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)];
  }

  #count(what: string): void {
    this.#rounds.set(what, (this.#rounds.get(what) ?? 0) + 1);
  }
}

if (import.meta.main) {
  const argument = (name: string, fallback: number): number => {
    const at = Deno.args.indexOf(name);
    return at < 0 ? fallback : Number(Deno.args[at + 1]);
  };
  const seed = argument("--seed", Math.floor(HOST.random.next() * 2 ** 31));
  console.log(`seed ${seed}`);
  const figures = await runReconfigurationLoop({
    kills: argument("--kills", 200),
    seed,
    rate: argument("--rate", 300),
    report: (line) => console.log(line),
  });
  console.log(JSON.stringify(figures, null, 2));
}
