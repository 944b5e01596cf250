/**
 * `deno task slow-sink [minutes]`: a collector with a sink whose reader takes one percent of what comes in, beside one of
 * files. The reader then takes all it gets. Shows what the slow sink costs the others, and that it loses nothing.
 */
import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { freePort } from "../support/collector_process.ts";
import { memoryMib } from "../support/process_memory.ts";
import { listFiles } from "../support/stored_events.ts";

const HOST = denoHost();
const { files, clock } = HOST;
const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env"];
const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
/** Roughly what an event is as a line. */
const LINE_BYTES = 300;
const LOOK_MS = 50;

export interface SlowSinkOptions {
  /** Market events a second and symbol. */
  readonly rate: number;
  /** Part of what comes in that the slow reader takes. */
  readonly share: number;
  /** The sink is slow until it is so far behind, and for so long at least. */
  readonly lagRecords: number;
  readonly slowMs: number;
  readonly seed: number;
}

export interface SlowSinkResult {
  /** Events on standard output, and in the files of the other sink. */
  readonly events: number;
  readonly others: number;
  /** Events out of order, or twice, on standard output. */
  readonly outOfOrder: number;
  /** Whether both have the same events. */
  readonly isSame: boolean;
  /** Events that the slow sink took while it was slow, and those that the other one took meanwhile. */
  readonly slowEvents: number;
  readonly othersMeanwhile: number;
  /** Most records that each was behind meanwhile. */
  readonly lagMax: number;
  readonly othersLagMax: number;
  /** Resident memory of the collector as its slow time began, and the most of it, in MiB. */
  readonly memoryMib: number;
  readonly memoryMaxMib: number;
  /** Sockets that were opened beyond the first of each connection, and gaps that were told. */
  readonly reconnects: number;
  readonly gaps: number;
  readonly journalMib: number;
  /** How long it took to catch up, and by which multiple of what came in meanwhile. */
  readonly drainMs: number;
  readonly drainRatio: number;
}

export async function runSlowSink(options: SlowSinkOptions): Promise<SlowSinkResult> {
  const dir = await files.makeTempDir("slow-sink");
  const { rate, seed } = options;
  const simulator = await startSimulator({
    ...{ host: HOST, dialect: "binance", port: 0, symbols: SYMBOLS, rate, seed, limitsConnections: false },
  });
  const [httpPort, dataDir, config] = [freePort(), `${dir}/data`, `${dir}/collector.toml`];
  const text = configText({
    httpPort,
    dataDir,
    journal: "sync_ms = 20\nsegment_mb = 4\nretain_hours = 1000",
    sinks: '[[sink]]\nname = "slow"\ntype = "stdout"\n\n[[sink]]\nname = "files"\ntype = "ndjson"',
    exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades", "quotes", "book"] }),
  });
  await files.writeAtomic(config, new TextEncoder().encode(text));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, MAIN, "run", "--config", config],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  const log = new Response(child.stderr).text();
  const reader = new SlowReader(child.stdout);
  const read = reader.run();
  try {
    const health = () => readHealth(httpPort);
    await until("both sinks take events", async () => {
      const now = await health();
      return now.slow.events > 200 && now.files.events > 200;
    });
    const before = await health();
    const memoryBefore = await memoryMib(child.pid);
    let [lagMax, othersLagMax, memoryMaxMib] = [0, 0, memoryBefore];
    const look = async () => {
      const now = await health();
      lagMax = Math.max(lagMax, now.slow.lag_records);
      othersLagMax = Math.max(othersLagMax, now.files.lag_records);
      return now;
    };
    reader.bytesPerSecond = SYMBOLS.length * rate * LINE_BYTES * options.share;
    const slowUntilMs = clock.monotonicMs() + options.slowMs;
    await until("the slow sink is far behind", async () => {
      const { slow, files: other } = await look();
      const meanwhile = other.events - before.files.events;
      if (options.slowMs > 10_000) memoryMaxMib = Math.max(memoryMaxMib, await memoryMib(child.pid));
      return Math.min(slow.lag_records, meanwhile) >= options.lagRecords && clock.monotonicMs() >= slowUntilMs;
    }, options.slowMs);
    const after = await look();
    reader.bytesPerSecond = Infinity;
    const drainBeganMs = clock.monotonicMs();
    await until("it has caught up", async () => (await look()).slow.lag_records < 2 * rate, options.slowMs);
    const drainMs = clock.monotonicMs() - drainBeganMs;
    const drained = await look();
    memoryMaxMib = Math.max(memoryMaxMib, await memoryMib(child.pid));
    simulator.freeze();
    await until("nothing is left", async () => {
      const { slow, files: other } = await look();
      return slow.lag_records === 0 && other.lag_records === 0;
    });
    const gaps = await gapsTold(httpPort);
    child.kill("SIGTERM");
    const { code } = await child.status;
    assert.equal(code, 0, await log);
    await read;
    const stored = await storedEvents(`${dataDir}/ndjson`);
    const opened = (await log).split("\n").filter((line) => line.includes('"session_opened"')).length;
    return {
      events: reader.events,
      others: stored.events,
      outOfOrder: reader.outOfOrder,
      isSame: reader.events === stored.events && reader.sum === stored.sum,
      slowEvents: after.slow.events - before.slow.events,
      othersMeanwhile: after.files.events - before.files.events,
      ...{ lagMax, othersLagMax, memoryMaxMib, gaps },
      memoryMib: memoryBefore,
      reconnects: opened - 1,
      journalMib: Math.round(await bytesBelow(`${dataDir}/journal`) / 1024 / 1024),
      drainMs: Math.round(drainMs),
      drainRatio: Math.round(
        (drained.slow.events - after.slow.events) / Math.max(1, drained.files.events - after.files.events) * 10,
      ) / 10,
    };
  } finally {
    reader.bytesPerSecond = Infinity;
    await endNow(child);
    await read;
    await log;
    await simulator.stop();
    await files.removeTree(dir);
  }
}

/** Reads lines of events at a pace, counts them, and looks at their order. */
class SlowReader {
  readonly #stream: ReadableStream<Uint8Array>;
  bytesPerSecond = Infinity;
  events = 0;
  outOfOrder = 0;
  sum = 0;
  #last = { offset: -1, index: 0 };

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#stream = stream;
  }

  async run(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
      // A change of pace is seen soon.
      for (let owedMs = 1000 * chunk.length / this.bytesPerSecond; owedMs > 0; owedMs -= LOOK_MS) {
        if (this.bytesPerSecond === Infinity) break;
        await clock.sleep(Math.min(owedMs, LOOK_MS));
      }
    }
  }

  #take(line: string): void {
    const { offset, index } = JSON.parse(line);
    if (offset < this.#last.offset || (offset === this.#last.offset && index <= this.#last.index)) this.outOfOrder++;
    this.#last = { offset, index };
    this.events++;
    this.sum = sumWith(this.sum, offset, index);
  }
}

/** A sum that tells two sets of events apart. */
function sumWith(sum: number, offset: number, index: number): number {
  return (sum + offset % 1_000_000_007 + index * 7_919) % Number.MAX_SAFE_INTEGER;
}

async function storedEvents(dir: string): Promise<{ readonly events: number; readonly sum: number }> {
  let [events, sum] = [0, 0];
  for (const path of await listFiles(files, dir)) {
    if (!path.endsWith(".ndjson")) continue;
    for (const line of (await files.readText(path) ?? "").split("\n")) {
      if (line === "") continue;
      const { offset, index } = JSON.parse(line);
      events++;
      sum = sumWith(sum, offset, index);
    }
  }
  return { events, sum };
}

interface SinkFigures {
  readonly name: string;
  readonly lag_records: number;
  readonly events: number;
}

async function readHealth(port: number): Promise<{ readonly slow: SinkFigures; readonly files: SinkFigures }> {
  const { sinks }: { readonly sinks: readonly SinkFigures[] } = await (await fetch(`http://127.0.0.1:${port}/healthz`))
    .json();
  const [slow, other] = ["slow", "files"].map((name) => sinks.find((sink) => sink.name === name));
  if (slow === undefined || other === undefined) throw new TypeError("The collector has not begun to deliver");
  return { slow, files: other };
}

async function gapsTold(port: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return metrics.split("\n").filter((line) => line.startsWith("collector_gaps_total{"))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Makes sure that nothing is left of a process. */
async function endNow(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
  await child.status;
}

async function bytesBelow(dir: string): Promise<number> {
  let sum = 0;
  for (const path of await listFiles(files, dir)) sum += (await files.stat(path))?.bytes ?? 0;
  return sum;
}

async function until(what: string, holds: () => Promise<boolean>, beyondMs = 0): Promise<void> {
  const deadlineMs = clock.monotonicMs() + 120_000 + 2 * beyondMs;
  // A machine that does not keep up loses a connection now and then: the next look counts.
  const look = () => holds().catch((error) => error instanceof TypeError ? false : Promise.reject(error));
  while (!await look()) {
    assert.ok(clock.monotonicMs() < deadlineMs, `${what}: not within time`);
    await clock.sleep(LOOK_MS);
  }
}

if (import.meta.main) {
  const minutes = Number(Deno.args[0] ?? 10);
  const seed = Math.floor(HOST.random.next() * 2 ** 31);
  console.log(`seed ${seed}, ${minutes} minutes at one percent`);
  const result = await runSlowSink({ rate: 200, share: 0.01, lagRecords: 0, slowMs: minutes * 60_000, seed });
  for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(16)} ${value}`);
  if (!result.isSame || result.outOfOrder > 0 || result.reconnects > 0) Deno.exit(1);
}
