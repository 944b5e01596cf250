import assert from "node:assert/strict";
import { cli } from "../../src/cli/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { verifyJournal } from "../../src/journal/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { type SimulatedProcess, World } from "../../src/simulated_host/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { DIALECTS, type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { deriveAll } from "../support/journal_contents.ts";
import { seeded } from "../support/seeded.ts";
import { assertSameCounts, countLines, countParquetRows, eventKey, parquetRowsOf } from "../support/stored_events.ts";
import { ToldTrades } from "../support/told_trades.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The program's own files, as `cli` finds them. */
const SHIPPED = {
  dir: new URL("../..", import.meta.url).pathname.replace(/\/$/, ""),
  files: denoHost().files,
};
const CONFIG = "/etc/collector.toml";
const DATA = "/data";
const HTTP_PORT = 8090;
/** Longest that an orderly stop may take, in simulated ms. */
const STOP_MS_MAX = MINUTE_MS;

/** What happens to the program and the world, each with its weight. */
const ACTS = {
  kill: 3,
  power_cut: 2,
  terminate: 2,
  reload: 4,
  clock_step: 1,
  disk_full: 2,
  disk_errors: 2,
  disk_slow: 2,
  reset: 4,
  partition: 3,
  unknown_name: 1,
  latency: 2,
} as const;
type Act = keyof typeof ACTS;

export interface WorldRunOptions {
  readonly seed: number;
  /** Simulated hours. */
  readonly hours: number;
  /** Mean time between two acts, in simulated ms. */
  readonly actEveryMs?: number;
  readonly report?: (line: string) => void;
  /** Real folder that gets a copy of the data where something is wrong. */
  readonly keepIn?: string;
}

/** What a world came to. */
export interface WorldFigures {
  readonly seed: number;
  readonly hours: number;
  readonly acts: Readonly<Record<string, number>>;
  readonly starts: number;
  readonly events: number;
  readonly trades: number;
  readonly missedTrades: number;
  readonly filledTrades: number;
  readonly gapsOpened: number;
  readonly gapsClosed: number;
  /** Simulated time as a multiple of the real one. */
  readonly speed: number;
}

/**
 * Runs the shipped program in a world of its own, from one seed: a random configuration, random faults of disk, network and
 * exchanges, and random acts of an operator. At the end everything is healed and stopped in order, and what the sinks hold
 * is compared with the journal, and the journal with what the exchanges have sent. Rejects with what is wrong.
 */
export async function runWorld(options: WorldRunOptions): Promise<WorldFigures> {
  const began = performance.now();
  const run = new WorldRun(options);
  const figures = await run.run();
  const elapsed = performance.now() - began;
  return { ...figures, speed: Math.round(options.hours * HOUR_MS / elapsed) };
}

class WorldRun {
  readonly #options: WorldRunOptions;
  readonly #random: () => number;
  readonly #world: World;
  readonly #simulators: Simulator[] = [];
  readonly #acts = new Map<string, number>();
  readonly #trace: string[] = [];
  #process: SimulatedProcess | null = null;
  /** How the process ended; null while it runs. */
  #end: { readonly code: number } | null = null;
  #starts = 0;
  #wish: readonly string[] = [];
  #strange: unknown = null;

  constructor(options: WorldRunOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#world = new World({ random: this.#random, shipped: SHIPPED });
  }

  async run(): Promise<Omit<WorldFigures, "speed">> {
    const { hours, actEveryMs = 4 * MINUTE_MS } = this.#options;
    const { clock } = this.#world;
    try {
      await this.#startSimulators();
      await this.#write(CONFIG, this.#configuration());
      this.#start();
      const endMs = hours * HOUR_MS;
      while (clock.elapsedMs < endMs) {
        const waitMs = -Math.log(1 - this.#random()) * actEveryMs;
        await this.#pass(Math.min(waitMs, endMs - clock.elapsedMs));
        if (clock.elapsedMs < endMs) await this.#act(this.#pick());
        await this.#look();
      }
      await this.#settle();
      return { ...await this.#judge(), ...this.#counts() };
    } catch (cause) {
      if (this.#options.keepIn !== undefined) await this.#keep(DATA, this.#options.keepIn);
      const last = [...this.#trace.slice(-25), ...(this.#process?.printed.slice(-15) ?? [])].join("\n");
      const { seed } = this.#options;
      throw new Error(`seed ${seed}: deno task world --seed ${seed} --hours ${hours}\n${last}`, { cause });
    }
  }

  #counts() {
    const { seed, hours } = this.#options;
    return { seed, hours, acts: Object.fromEntries([...this.#acts].sort()), starts: this.#starts };
  }

  /** Exchanges run on machines of their own, which nothing happens to. */
  async #startSimulators(): Promise<void> {
    const { host } = this.#world.process();
    for (const dialect of DIALECTS) {
      if (this.#simulators.length > 0 && this.#random() < 0.4) continue;
      const chance = (probability: number, every: number) =>
        this.#random() < probability
          ? { kind: "frames" as const, count: Math.ceil(every * (0.5 + this.#random())) }
          : null;
      this.#simulators.push(
        await startSimulator({
          host,
          dialect,
          port: 0,
          symbols: ["BTC/USDT", "ETH/USDT"],
          rate: 0.2 + this.#random() * 1.5,
          seed: Math.floor(this.#random() * 1e9),
          tickMs: 250,
          limitsConnections: false,
          faults: {
            // Only Binance numbers its trades so that a lost frame shows.
            gapEvery: dialect === "binance" ? chance(0.4, 400) : null,
            garbageEvery: chance(0.3, 500),
            disconnectEvery: chance(0.4, 1_500),
          },
        }),
      );
    }
  }

  /** A configuration that asks for some of what there is. */
  #configuration(): string {
    const exchanges = this.#simulators.filter((_, at) => at === 0 || this.#random() < 0.8).map((simulator) => {
      const symbols = this.#some(["BTC/USDT", "ETH/USDT"]);
      const channels = this.#some(["trades", "book", "quotes"].slice(0, simulator.dialect === "kraken" ? 2 : 3));
      return simulatedExchange(simulator, { symbols, channels });
    });
    this.#wish = exchanges;
    return configText({
      httpPort: HTTP_PORT,
      dataDir: DATA,
      run: 'collector = "world"\nshutdown_timeout_ms = 30000',
      journal: "sync_ms = 100\nsegment_mb = 1\nretain_hours = 100000",
      sinks: `[[sink]]
name = "archive"
type = "parquet"
part_seconds = 30
exact_digits = true
[[sink]]
name = "lines"
type = "ndjson"`,
      exchanges: exchanges.join("\n"),
    });
  }

  /** At least one of some values. */
  #some<T>(values: readonly T[]): readonly T[] {
    const kept = values.filter(() => this.#random() < 0.7);
    return kept.length === 0 ? [values[0]] : kept;
  }

  #start(): void {
    const process = this.#process = this.#world.process();
    this.#end = null;
    this.#starts++;
    cli(["run", "--config", CONFIG], process.host).then(
      (code) => {
        if (this.#process === process) this.#end = { code };
        process.kill();
      },
      (error) => {
        if (process.lives) this.#strange ??= error;
      },
    );
  }

  /** Lets time pass. A process that ends by itself is started again, as whatever supervises it would. */
  async #pass(ms: number): Promise<void> {
    const { clock } = this.#world;
    const until = clock.elapsedMs + ms;
    while (clock.elapsedMs < until) {
      const ended = await clock.advanceUntil(
        () => this.#end !== null || this.#strange !== null,
        until - clock.elapsedMs,
      );
      if (this.#strange !== null) throw this.#strange;
      if (!ended) return;
      this.#note(`ended by itself with code ${this.#end?.code}`);
      assert.equal(this.#end?.code, 1, `the program ended by itself:\n${this.#process?.printed.slice(-10).join("\n")}`);
      await clock.advance(5 * SECOND_MS);
      this.#start();
    }
  }

  #pick(): Act {
    const entries = Object.entries(ACTS) as [Act, number][];
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let at = this.#random() * total;
    for (const [act, weight] of entries) {
      at -= weight;
      if (at < 0) return act;
    }
    return "kill";
  }

  async #act(act: Act): Promise<void> {
    this.#acts.set(act, (this.#acts.get(act) ?? 0) + 1);
    this.#note(act);
    const { clock, disk, network } = this.#world;
    const forMs = SECOND_MS * (1 + this.#random() * 90);
    const simulator = this.#simulators[Math.floor(this.#random() * this.#simulators.length)];
    const link = network.link(simulator.port);
    switch (act) {
      case "kill":
      case "power_cut":
        this.#process?.kill();
        if (act === "power_cut") disk.powerCut(this.#random);
        await clock.advance(this.#random() < 0.5 ? 100 : forMs);
        return this.#start();
      case "terminate":
        await this.#terminate();
        if (this.#random() < 0.5) await this.#write(CONFIG, this.#configuration());
        await clock.advance(forMs);
        return this.#start();
      case "reload":
        await this.#write(CONFIG, this.#random() < 0.2 ? "[run\nhttp_port = " : this.#configuration());
        return this.#process?.signal("SIGHUP");
      case "clock_step":
        return clock.step((this.#random() - 0.5) * 20 * SECOND_MS);
      case "disk_full":
        disk.capacity = disk.usedBytes + Math.floor(this.#random() * 200_000);
        await this.#pass(forMs);
        disk.capacity = Number.MAX_SAFE_INTEGER;
        return;
      case "disk_errors": {
        const share = this.#random() * 0.3;
        disk.fault = ({ what, path }) =>
          path.startsWith(DATA) && this.#random() < share
            ? new Failure("file", `Cannot ${what} ${path}: an error`)
            : null;
        await this.#pass(forMs);
        disk.fault = () => null;
        return;
      }
      case "disk_slow": {
        const waitMs = this.#random() * 300;
        disk.delay = () => clock.of({ lives: true }).sleep(waitMs);
        await this.#pass(forMs);
        disk.delay = null;
        return;
      }
      case "reset":
        return network.reset({ port: simulator.port });
      case "partition":
        link.cut = true;
        await this.#pass(forMs);
        link.cut = false;
        return;
      case "unknown_name":
        link.unknown = true;
        network.reset({ port: simulator.port });
        await this.#pass(forMs);
        link.unknown = false;
        return;
      case "latency":
        link.latencyMs = 1 + this.#random() * 800;
        return;
    }
  }

  async #terminate(): Promise<void> {
    const { clock } = this.#world;
    this.#process?.signal("SIGTERM");
    const process = this.#process;
    const inTime = await clock.advanceUntil(() => this.#end !== null || this.#strange !== null, STOP_MS_MAX);
    if (this.#strange !== null) throw this.#strange;
    assert.ok(inTime, `SIGTERM ends the program within ${STOP_MS_MAX} ms`);
    assert.equal(this.#end?.code, 0, `the program stops in order:\n${process?.printed.slice(-10).join("\n")}`);
  }

  /** What holds at any time. */
  async #look(): Promise<void> {
    for (const line of this.#process?.printed ?? []) {
      assert.ok(!/"bug":true|"event":"(?:uncaught_error|frame_quarantined)"|this is a bug/.test(line), line);
    }
    const { clock, disk } = this.#world;
    const health = this.#ask("/healthz");
    await clock.advanceUntil(() => health.done, 10 * SECOND_MS);
    if (health.failure !== null && !(health.failure instanceof Failure)) throw health.failure;
    assert.ok(disk.count(DATA) < 20_000, "files stay few");
  }

  /** What one request to the program came to. */
  #ask(path: string): { done: boolean; failure: unknown; body: Readonly<Record<string, unknown>> | null } {
    const asked = { done: false, failure: null as unknown, body: null as Readonly<Record<string, unknown>> | null };
    const request = { method: "GET", url: `http://127.0.0.1:${HTTP_PORT}${path}`, headers: {}, body: null } as const;
    const fetcher = this.#world.network.fetcherOf({ lives: true });
    fetcher.fetch({ ...request, caCertPaths: [], timeoutMs: 5 * SECOND_MS, bytesMax: 2 ** 26 }).then(
      ({ body, status }) => {
        assert.ok(status === 200 || status === 503, `${path}: status ${status}`);
        asked.body = JSON.parse(new TextDecoder().decode(body));
      },
    ).catch((error) => {
      asked.failure = error;
    }).finally(() => {
      asked.done = true;
    });
    return asked;
  }

  /** Heals everything, lets the exchanges fall silent, and waits until all is delivered. */
  async #settle(): Promise<void> {
    const { clock, network } = this.#world;
    for (const { port } of this.#simulators) {
      Object.assign(network.link(port), { cut: false, unknown: false, latencyMs: 1 });
    }
    await this.#write(CONFIG, this.#configuration());
    if (this.#process?.lives === true) await this.#terminate();
    this.#start();
    this.#note("healed");
    await this.#pass(3 * MINUTE_MS);
    for (const simulator of this.#simulators) simulator.freeze();
    const isDrained = async () => {
      const health = this.#ask("/healthz");
      await clock.advanceUntil(() => health.done, 10 * SECOND_MS);
      const sinks = (health.body?.sinks ?? []) as readonly { readonly lag_records: number }[];
      return sinks.length > 0 && sinks.every(({ lag_records }) => lag_records === 0);
    };
    let drained = await isDrained();
    for (let tries = 0; !drained && tries < 60; tries++) {
      await this.#pass(10 * SECOND_MS);
      drained = await isDrained();
    }
    assert.ok(drained, "the sinks have everything within ten minutes");
    await this.#terminate();
  }

  async #judge() {
    const { files } = this.#world.process().host;
    const journal = `${DATA}/journal`;
    assert.deepEqual((await verifyJournal(files, journal)).damage, [], "the journal is sound");
    const rows = new Map<string, number>();
    const lines = new Map<string, number>();
    const sent = this.#sent();
    const told = new ToldTrades((stream, after, before) => sent(stream).filter((id) => id > after && id < before));
    for await (const envelope of deriveAll(files, journal)) {
      const key = eventKey(envelope);
      assert.ok(!rows.has(key), `${key} is derived once`);
      rows.set(key, parquetRowsOf(envelope));
      lines.set(eventJson(envelope, "world"), 1);
      told.saw(envelope);
    }
    assertSameCounts(await countParquetRows(files, `${DATA}/parquet`), rows, "rows in Parquet");
    assertSameCounts(await countLines(files, `${DATA}/ndjson`, (line) => line), lines, "lines in NDJSON");
    const { trades, missedTrades, filledTrades, gapsOpened, gapsClosed } = told.figures;
    return { events: lines.size, trades, missedTrades, filledTrades, gapsOpened, gapsClosed };
  }

  /** The ids of trades by stream: those that an exchange has, or where it sums trades up, those that it sent. */
  #sent(): (stream: string) => readonly number[] {
    const ids = new Map<string, readonly number[]>();
    for (const simulator of this.#simulators) {
      for (const { symbol, trades } of simulator.statistics().symbols) {
        const known = [...new Set(trades.ids.map(Number))].sort((a, b) => a - b);
        const [first, last] = [known[0] ?? 0, known.at(-1) ?? -1];
        const all = Array.from({ length: last - first + 1 }, (_, at) => first + at);
        ids.set(`${simulator.dialect} ${symbol}`, simulator.dialect === "binance" ? all : known);
      }
    }
    return (stream) => ids.get(stream) ?? [];
  }

  async #write(path: string, text: string): Promise<void> {
    const { files } = this.#world.process().host;
    await files.makeDir(path.slice(0, path.lastIndexOf("/")));
    await files.writeAtomic(path, new TextEncoder().encode(text));
    await files.syncDir("/");
  }

  /** Copies a folder of the world to a real one. */
  async #keep(from: string, to: string): Promise<void> {
    const { files } = this.#world.process().host;
    await Deno.mkdir(to, { recursive: true });
    for (const { name, isDirectory } of await files.list(from) ?? []) {
      if (isDirectory) await this.#keep(`${from}/${name}`, `${to}/${name}`);
      else await Deno.writeFile(`${to}/${name}`, await files.readBytes(`${from}/${name}`) ?? new Uint8Array());
    }
  }

  #note(text: string): void {
    const at = (this.#world.clock.elapsedMs / SECOND_MS).toFixed(1);
    this.#trace.push(`${at} s: ${text}`);
    this.#options.report?.(`${at} s: ${text}`);
  }
}

if (import.meta.main) {
  const argument = (name: string, fallback: number): number => {
    const at = Deno.args.indexOf(name);
    return at < 0 ? fallback : Number(Deno.args[at + 1]);
  };
  const first = argument("--seed", Math.floor(Math.random() * 2 ** 31));
  const runs = argument("--runs", 1);
  const hours = argument("--hours", 1);
  const keepAt = Deno.args.indexOf("--keep");
  const keepIn = keepAt < 0 ? {} : { keepIn: Deno.args[keepAt + 1] };
  const report = Deno.args.includes("--trace") ? (line: string) => console.log(line) : undefined;
  for (let seed = first; seed < first + runs; seed++) {
    console.log(`seed ${seed}`);
    console.log(
      JSON.stringify(await runWorld({ seed, hours, ...keepIn, ...(report === undefined ? {} : { report }) })),
    );
  }
}
