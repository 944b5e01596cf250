import assert from "node:assert/strict";
import { cli } from "../../src/cli/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { Envelope } from "../../src/model/mod.ts";
import { World } from "../../src/simulated_host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText } from "../support/collector_config.ts";
import { deriveAll, entriesOf } from "../support/journal_contents.ts";
import { seeded } from "../support/seeded.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const SHIPPED = { dir: ROOT, files: denoHost().files };
const DATA = "/data";
const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
/** Age at which the exchange of the loop ends a socket, in simulated ms. */
const AGE_MS = 60_000;

/** What a loop came to, over all streams of trades and books. */
export interface RotationFigures {
  readonly rotations: number;
  readonly trades: number;
  readonly bookUpdates: number;
  /** Numbers that the exchange used and nobody delivered, that came twice, and that came after later ones. */
  readonly missing: number;
  readonly twice: number;
  readonly late: number;
  readonly gaps: number;
}

/**
 * Runs the program against a simulated exchange whose sockets end at a short age, in a world on time of its own, until so
 * many sockets were replaced: one instance with one socket a connection, one with two. Counts the numbers of trades and of
 * book updates that were delivered against those that the exchange has used.
 */
export async function runRotations({ rotations, seed }: {
  readonly rotations: number;
  readonly seed: number;
}): Promise<RotationFigures> {
  const world = new World({ random: seeded(seed), shipped: SHIPPED });
  const { clock } = world;
  const simulator = await startSimulator({
    ...{ host: world.process().host, dialect: "binance", port: 0, symbols: SYMBOLS, rate: 2, seed, tickMs: 100 },
    limitsConnections: false,
  });
  const { host } = world.process();
  await host.files.makeDir("/etc");
  const write = (path: string, text: string) => host.files.writeAtomic(path, new TextEncoder().encode(text));
  await write("/etc/aging.toml", await agingDescriptor());
  await write("/etc/collector.toml", configOf(simulator));
  const process = world.process();
  let code: number | null = null;
  void cli(["run", "--config", "/etc/collector.toml"], process.host).then((ended) => code = ended);
  const closedByAge = async () => {
    let count = 0;
    for await (const { record } of entriesOf(host.files, `${DATA}/journal`)) {
      if (record.kind === "closed" && record.cause === "max_age") count++;
    }
    return count;
  };
  let seen = 0;
  while (seen < rotations) {
    await clock.advance(Math.max(AGE_MS * 2, (rotations - seen) / 3 * AGE_MS * 0.8));
    seen = await closedByAge();
    assert.equal(code, null, process.printed.slice(-5).join("\n"));
  }
  simulator.freeze();
  // For what is on its way; streams that stand still for longer are told as stalled.
  await clock.advance(2_500);
  process.signal("SIGTERM");
  assert.ok(await clock.advanceUntil(() => code !== null, 60_000), "it stops");
  const figures = { rotations: seen, trades: 0, bookUpdates: 0, missing: 0, twice: 0, late: 0, gaps: 0 };
  const streams = new Map<string, Numbers>();
  for await (const envelope of deriveAll(host.files, `${DATA}/journal`)) count(envelope, { figures, streams });
  assert.equal(streams.size, 2 * 2 * SYMBOLS.length, "two instances have trades and a book of each symbol");
  for (const numbers of streams.values()) {
    const { missing, twice, late } = numbers.figures;
    figures.missing += missing;
    figures.twice += twice;
    figures.late += late;
  }
  for (const { symbol, trades } of simulator.statistics().symbols) {
    const newest = Math.max(...trades.ids.map(Number));
    for (const instance of ["one", "two"]) {
      const last = streams.get(`${instance} trades ${symbol}`)?.last ?? 0;
      figures.missing += Math.max(0, newest - last);
    }
  }
  await simulator.stop();
  return figures;
}

/** Follows numbers that rise without a hole. */
class Numbers {
  #last: number | null = null;
  readonly #open = new Set<number>();
  #twice = 0;
  #late = 0;

  get last(): number | null {
    return this.#last;
  }

  get figures() {
    return { missing: this.#open.size, twice: this.#twice, late: this.#late };
  }

  /** Numbers from `first` to `to` came; `whole`: with all that came before. */
  saw(first: number, to: number, whole = false): void {
    if (whole || this.#last === null) {
      if (whole) this.#open.clear();
      this.#last = Math.max(to, this.#last ?? to);
      return;
    }
    for (let number = Math.max(first, this.#last + 1 - (to - first)); number <= to; number++) {
      if (number > this.#last) continue;
      if (this.#open.delete(number)) this.#late++;
      else this.#twice++;
    }
    for (let number = this.#last + 1; number < first; number++) this.#open.add(number);
    this.#last = Math.max(this.#last, to);
  }
}

function count({ exchange, symbol, event }: Envelope, { figures, streams }: {
  readonly figures: { trades: number; bookUpdates: number; gaps: number };
  readonly streams: Map<string, Numbers>;
}): void {
  const numbersOf = (stream: string) => {
    const key = `${exchange} ${stream} ${symbol}`;
    const known = streams.get(key) ?? new Numbers();
    streams.set(key, known);
    return known;
  };
  switch (event.kind) {
    case "trade":
      figures.trades++;
      return numbersOf("trades").saw(Number(event.trade_id), Number(event.trade_id));
    case "book_snapshot":
      return numbersOf("book").saw(Number(event.sequence), Number(event.sequence), true);
    case "book_delta":
      figures.bookUpdates++;
      return numbersOf("book").saw(Number(event.first_sequence), Number(event.last_sequence));
    case "gap":
      // The end of the run is one of each stream.
      if (!(event.state === "opened" && event.detail.startsWith("shutdown"))) figures.gaps++;
      return;
    default:
      return;
  }
}

/** The shipped descriptor with a short age. */
async function agingDescriptor(): Promise<string> {
  const text = await Deno.readTextFile(`${ROOT}/config/exchanges/binance.toml`);
  const aged = text.replace(/max_age_ms = [\d_]+/, `max_age_ms = ${AGE_MS}`);
  assert.notEqual(aged, text);
  return aged.replaceAll('symbol_map_file = "maps/', `symbol_map_file = "${ROOT}/config/maps/`);
}

function configOf({ urls }: Simulator): string {
  const instance = (name: string, redundancy: number) => `
[[exchange]]
name = "${name}"
descriptor_path = "/etc/aging.toml"
symbols = ${JSON.stringify(SYMBOLS)}
channels = ["trades", "book"]
redundancy = ${redundancy}
[exchange.overrides]
urls = ["${urls.ws.stream}"]
base_urls = ["${urls.rest}"]
`;
  return configText({
    httpPort: 8090,
    dataDir: DATA,
    run: "shutdown_timeout_ms = 30000",
    journal: "sync_ms = 500\nretain_hours = 100000",
    sinks: '[[sink]]\nname = "nothing"\ntype = "ndjson"\nkinds = ["gap"]',
    exchanges: instance("one", 1) + instance("two", 2),
  });
}

if (import.meta.main) {
  const [rotations = "1000", seed = String(Math.floor(Math.random() * 2 ** 31))] = Deno.args;
  console.log(`seed ${seed}`);
  const began = performance.now();
  const figures = await runRotations({ rotations: Number(rotations), seed: Number(seed) });
  console.log(JSON.stringify(figures), `in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  if (figures.missing + figures.twice + figures.gaps > 0) Deno.exit(1);
}
