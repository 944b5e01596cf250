import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { tableOf } from "../../src/sink/table_rows.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, loadPlan, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { deriveAll } from "../support/journal_contents.ts";
import { memoryMib } from "../support/process_memory.ts";
import { parquetRowsOf } from "../support/stored_events.ts";
import {
  type HeldEvent,
  OUTAGE_DESTINATIONS,
  type OutageDestination,
  type OutageServer,
} from "./outage_destinations.ts";

const HOST = denoHost();
const { files, clock } = HOST;
const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
/** Fewer events than these behind the first batch say nothing about how fast a sink drains. */
const LEFT_MIN = 2_000;

/** What is done to a server, or to the collector. */
export const OUTAGES = ["kill", "hang", "purge", "collector", "both"] as const;
export type Outage = (typeof OUTAGES)[number];

export interface OutageOptions {
  readonly destination: OutageDestination;
  readonly outages: readonly Outage[];
  readonly seed: number;
  /** Market events a second and symbol. */
  readonly rate: number;
  /** How long a server that was killed stays away, one that was stopped hangs, and the load goes on between, in ms. */
  readonly awayMs: number;
  readonly hangMs: number;
  readonly loadMs: number;
  readonly timeoutMs: number;
  readonly report?: (line: string) => void;
}

/** What one outage came to. */
export interface OutageFigures {
  readonly outage: Outage;
  /** From the outage to the sink's state `failing`, in ms; null where the collector was away itself. */
  readonly noticedMs: number | null;
  /** From the server's return until the sink had written its first batch, in ms: attempts are some time apart. */
  readonly takenMs: number;
  /** From then until nothing was left to catch up with, in ms. */
  readonly drainMs: number;
  /** Events delivered in that time. */
  readonly drained: number;
  /** Those as a multiple of the frames that came in meanwhile; null where the first batch left nothing behind it. */
  readonly drainRatio: number | null;
  /** Events that the other sink had while this one was away. */
  readonly othersEvents: number;
  /** Resident memory of the collector after the drain, in MiB. */
  readonly memoryMib: number;
}

export interface OutageResult {
  readonly destination: string;
  readonly events: number;
  readonly missing: number;
  readonly twice: number;
  readonly outOfOrder: number;
  readonly outages: readonly OutageFigures[];
  readonly seconds: number;
}

/**
 * Runs a collector under load against a real server, lets the server and the collector fail in turn, and compares at the
 * end what the server holds with what the journal says.
 */
export async function runOutages(options: OutageOptions): Promise<OutageResult> {
  const beganMs = clock.monotonicMs();
  const dir = await files.makeTempDir("outage");
  const simulator = await startSimulator({
    host: HOST,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate: options.rate,
    seed: options.seed,
    limitsConnections: false,
  });
  let server: OutageServer | null = null;
  try {
    server = await options.destination.start(options.timeoutMs);
    const run = new OutageRun(options, { dir, simulator, server });
    const figures = await run.run();
    const judged = await run.judge();
    return {
      destination: options.destination.name,
      ...judged,
      outages: figures,
      seconds: Math.round((clock.monotonicMs() - beganMs) / 1000),
    };
  } finally {
    await server?.resume();
    await server?.stop();
    await simulator.stop();
    await files.removeTree(dir);
  }
}

interface SinkHealth {
  readonly name: string;
  readonly state: string;
  readonly lag_records: number;
  readonly events: number;
  readonly error: string | null;
}

class OutageRun {
  readonly #options: OutageOptions;
  readonly #simulator: Simulator;
  readonly #server: OutageServer;
  readonly #config: string;
  readonly #dataDir: string;
  readonly #httpPort = freePort();
  readonly #text: string;
  #collector: CollectorProcess | null = null;

  constructor(
    options: OutageOptions,
    { dir, simulator, server }: {
      readonly dir: string;
      readonly simulator: Simulator;
      readonly server: OutageServer;
    },
  ) {
    this.#options = options;
    this.#simulator = simulator;
    this.#server = server;
    this.#config = `${dir}/collector.toml`;
    this.#dataDir = `${dir}/data`;
    this.#text = configText({
      httpPort: this.#httpPort,
      dataDir: this.#dataDir,
      run: 'collector = "outage"',
      journal: "sync_ms = 20\nsegment_mb = 4\nretain_hours = 1000",
      sinks: `[[sink]]\nname = "tried"\n${server.toml}\n\n[[sink]]\nname = "other"\ntype = "ndjson"`,
      exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades", "quotes", "book"] }),
    });
  }

  async run(): Promise<readonly OutageFigures[]> {
    await files.writeAtomic(this.#config, new TextEncoder().encode(this.#text));
    const figures: OutageFigures[] = [];
    try {
      await this.#startCollector();
      await this.#until("events were delivered", async () => (await this.#health("tried")).events > 200);
      for (const outage of this.#options.outages) {
        await clock.sleep(this.#options.loadMs);
        const seen = await this.#try(outage);
        this.#options.report?.(rowOf(this.#options.destination.name, seen));
        figures.push(seen);
      }
      await clock.sleep(this.#options.loadMs);
      this.#simulator.freeze();
      await this.#untilDrained();
      const collector = this.#running();
      collector.kill("SIGTERM");
      const end = await collector.end();
      assert.equal(end.code, 0, end.err);
      return figures;
    } catch (cause) {
      this.#collector?.kill("SIGKILL");
      const end = await this.#collector?.end();
      throw new Error(`The outages were not survived: the collector said last:\n${end?.err.slice(-3000)}`, { cause });
    } finally {
      await this.#collector?.[Symbol.asyncDispose]();
    }
  }

  async #try(outage: Outage): Promise<OutageFigures> {
    const { awayMs, hangMs } = this.#options;
    const beganMs = clock.monotonicMs();
    const othersBefore = (await this.#health("other")).events;
    let noticedMs: number | null = null;
    const notice = async () => {
      await this.#until(`${outage} is noticed`, async () => (await this.#health("tried")).state === "failing");
      noticedMs = clock.monotonicMs() - beganMs;
    };
    switch (outage) {
      case "kill":
        await this.#server.kill();
        await notice();
        await clock.sleep(Math.max(0, awayMs - (clock.monotonicMs() - beganMs)));
        break;
      case "hang":
        await this.#server.suspend();
        await notice();
        await clock.sleep(Math.max(0, hangMs - (clock.monotonicMs() - beganMs)));
        break;
      case "purge":
        await this.#server.kill();
        await notice();
        break;
      case "collector":
        this.#running().kill("SIGKILL");
        await this.#running().end();
        break;
      case "both":
        await this.#server.kill();
        this.#running().kill("SIGKILL");
        await this.#running().end();
        await this.#startCollector();
        await clock.sleep(awayMs);
        break;
    }
    const isCollectorAway = outage === "collector";
    const others = isCollectorAway || outage === "both" ? 0 : (await this.#health("other")).events - othersBefore;
    if (outage === "hang") await this.#server.resume();
    else if (outage === "purge") {
      // Emptied before the sink sees it again: the collector is stopped for that moment.
      this.#running().kill("SIGSTOP");
      await this.#server.start();
      await this.#server.purge();
      this.#running().kill("SIGCONT");
    } else if (isCollectorAway) await this.#startCollector();
    else await this.#server.start();
    return {
      outage,
      noticedMs: noticedMs === null ? null : Math.round(noticedMs),
      ...await this.#drain(),
      othersEvents: others,
      memoryMib: await memoryMib(this.#running().pid),
    };
  }

  /** Waits until the sink has caught up after the server is back, and measures how. */
  async #drain(): Promise<Pick<OutageFigures, "takenMs" | "drainMs" | "drained" | "drainRatio">> {
    const backMs = clock.monotonicMs();
    const eventsBefore = (await this.#health("tried")).events;
    await this.#until("the sink has taken events", async () => (await this.#health("tried")).events > eventsBefore);
    const [takenMs, taken] = [clock.monotonicMs(), (await this.#health("tried")).events];
    const framesBefore = this.#simulator.statistics().dataFrames;
    await this.#untilDrained();
    const drained = (await this.#health("tried")).events - taken;
    const came = this.#simulator.statistics().dataFrames - framesBefore;
    return {
      takenMs: Math.round(takenMs - backMs),
      drainMs: Math.round(clock.monotonicMs() - takenMs),
      drained,
      drainRatio: drained < LEFT_MIN || came === 0 ? null : Math.round(drained / came * 10) / 10,
    };
  }

  async #startCollector(): Promise<void> {
    this.#collector = new CollectorProcess(["run", "--config", this.#config]);
    await this.#collector.untilLog(/"session_opened"/);
  }

  #running(): CollectorProcess {
    assert.ok(this.#collector !== null);
    return this.#collector;
  }

  /** A sink is drained when it delivers and has nearly nothing before it. */
  async #untilDrained(): Promise<void> {
    await this.#until("the sink has drained", async () => {
      const { state, lag_records } = await this.#health("tried");
      return state === "delivering" && lag_records <= this.#options.rate;
    });
  }

  async #health(name: string): Promise<SinkHealth> {
    const answer = await fetch(`http://127.0.0.1:${this.#httpPort}/healthz`);
    const { sinks }: { readonly sinks: readonly SinkHealth[] } = await answer.json();
    const found = sinks.find((sink) => sink.name === name);
    assert.ok(found !== undefined);
    return found;
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const { awayMs, hangMs } = this.#options;
    const untilMs = clock.monotonicMs() + 120_000 + 4 * (awayMs + hangMs);
    // A machine that does not keep up loses a connection now and then: the next look counts.
    const look = () => holds().catch((error) => error instanceof TypeError ? false : Promise.reject(error));
    while (!await look()) {
      if (clock.monotonicMs() > untilMs) {
        assert.fail(`${what}: not within time: ${JSON.stringify(await this.#health("tried"))}`);
      }
      await clock.sleep(20);
    }
  }

  /** Compares what the server holds with what the journal says. */
  async judge(): Promise<Pick<OutageResult, "events" | "missing" | "twice" | "outOfOrder">> {
    const held = await this.#server.held();
    const isTables = held.every(({ group }) => group === null);
    const expected = new Map<string, number>();
    let events = 0;
    for await (const envelope of deriveAll(files, `${this.#dataDir}/journal`, loadPlan(this.#config))) {
      events++;
      const place = isTables ? tableOf(envelope.event.kind) : envelope.event.kind;
      const key = `${envelope.offset}:${envelope.index}:${place}`;
      expected.set(key, isTables ? parquetRowsOf(envelope) : 1);
    }
    const counts = new Map<string, number>();
    for (const { offset, index, place, rows } of held) {
      const key = `${offset}:${index}:${place}`;
      counts.set(key, (counts.get(key) ?? 0) + rows);
    }
    let [missing, twice] = [0, 0];
    for (const [key, count] of expected) {
      const found = counts.get(key) ?? 0;
      if (found < count) missing++;
      if (found > count) twice++;
    }
    const extra = [...counts.keys()].filter((key) => !expected.has(key));
    assert.deepEqual(extra.slice(0, 5), [], "the server holds events that the journal does not know");
    return { events, missing, twice, outOfOrder: outOfOrder(held) };
  }
}

function outOfOrder(held: readonly HeldEvent[]): number {
  const last = new Map<string, HeldEvent>();
  let count = 0;
  for (const event of held) {
    if (event.group === null) continue;
    const before = last.get(event.group);
    const isBehind = before !== undefined &&
      (event.offset < before.offset || (event.offset === before.offset && event.index < before.index));
    if (isBehind) count++;
    last.set(event.group, event);
  }
  return count;
}

function rowOf(name: string, seen: OutageFigures): string {
  const noticed = seen.noticedMs === null ? "–" : `${seen.noticedMs} ms`;
  const ratio = seen.drainRatio === null ? "in one batch" : `${seen.drainRatio} ×`;
  return `| ${name} | ${seen.outage} | ${noticed} | ${seen.takenMs} ms | ${seen.drained} | ${seen.drainMs} ms | ${ratio} | ` +
    `${seen.othersEvents} | ${seen.memoryMib} MiB |`;
}

if (import.meta.main) {
  const wanted = Deno.args.filter((arg) => !arg.startsWith("--"));
  const seed = Math.floor(HOST.random.next() * 2 ** 31);
  console.log(`seed ${seed}`);
  console.log(
    "| sink | outage | noticed after | taken again after | events drained | in | drain / live rate | other sink | memory |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  let isGood = true;
  for (const destination of OUTAGE_DESTINATIONS) {
    if (wanted.length > 0 && !wanted.includes(destination.name)) continue;
    if (destination.absent !== null) {
      console.log(`| ${destination.name} | left out: ${destination.absent} |`);
      continue;
    }
    const result = await runOutages({
      ...{
        destination,
        outages: OUTAGES,
        seed,
        rate: 600,
        awayMs: 5_000,
        hangMs: 15_000,
        loadMs: 4_000,
        timeoutMs: 5_000,
      },
      report: (line) => console.log(line),
    });
    const { events, missing, twice, outOfOrder, seconds } = result;
    console.log(
      `| ${destination.name} | ${events} events: ${missing} missing, ${twice} twice, ${outOfOrder} out of order | ${seconds} s |`,
    );
    isGood &&= missing + twice + outOfOrder === 0;
  }
  if (!isGood) Deno.exit(1);
}
