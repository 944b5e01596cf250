import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { CuttableProxy } from "./cuttable_proxy.ts";
import { type EngineServer, GROUP_ENGINES } from "./group_engines.ts";

const HOST = denoHost();
const { clock, files } = HOST;
const SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT"];
const MEMBERS = ["m1", "m2", "m3"];
const SHARES = 6;
/** How long a condition is waited for, in ms. */
const GIVE_UP_MS = 300_000;
/** How long what is missing at the end may take to be fetched, in ms. */
const FETCHED_MS = 60_000;

/**
 * What is done to a member, or to the engine: `partition` cuts a member off from the engine alone, `isolate` lets nothing
 * through to the engine, the exchange and the archive without ending a connection.
 */
export const GROUP_FAULTS = ["kill", "pause", "partition", "isolate", "engine"] as const;
export type GroupFault = (typeof GROUP_FAULTS)[number];

export interface GroupOutageOptions {
  readonly engine: (typeof GROUP_ENGINES)[number];
  readonly replicas: 1 | 2;
  /** Market steps a second and symbol. */
  readonly rate: number;
  readonly ttlMs: number;
  /** How long a fault lasts, and the load between two of them, in ms. */
  readonly faultMs: number;
  readonly loadMs: number;
  /** How long the engine is away, in ms. */
  readonly engineMs: number;
  /** Who is in the group, and who of them fails. */
  readonly members: readonly string[];
  readonly failing: readonly string[];
  readonly faults: readonly GroupFault[];
  readonly report?: (line: string) => void;
}

/** What the archive holds, against what the simulator's markets traded. */
export interface GroupOutageResult {
  /** What the simulator's markets traded from the first archived trade of each symbol on. */
  readonly traded: number;
  /** Rows of the archive, and how many of them were fetched afterwards. */
  readonly trades: number;
  readonly fetched: number;
  readonly duplicates: number;
  /** Stretches of trades that are missing, and how many trades they are. */
  readonly holes: number;
  readonly missing: number;
  /** Gaps of streams of which nobody had a share meanwhile. */
  readonly tookOver: number;
  /** Holes that no gap event covers. */
  readonly untold: number;
}

interface Member {
  readonly name: string;
  readonly config: string;
  readonly httpPort: number;
  /** On the way to the engine, the exchange and the archive. */
  readonly proxies: {
    readonly engine: CuttableProxy;
    readonly exchange: CuttableProxy;
    readonly archive: CuttableProxy;
  };
  process: CollectorProcess;
}

/** What the members run in. */
interface World {
  readonly dir: string;
  readonly simulator: Simulator;
  /** Where all of them deliver. */
  readonly archive: PostgresServer;
  readonly engine: EngineServer;
}

/**
 * Runs three collectors as one group over an engine, lets each fail in turn under load, and compares the archive that they
 * share with the consecutive ids of the simulator's trades.
 */
export async function runGroupOutage(options: GroupOutageOptions): Promise<GroupOutageResult> {
  const dir = await files.makeTempDir("group-outage");
  const simulator = await startSimulator({
    ...{ host: HOST, dialect: "binance", port: 0, symbols: SYMBOLS, rate: options.rate, limitsConnections: false },
  });
  const archive = await PostgresServer.start();
  const engine = await options.engine.start();
  const run = new GroupRun(options, { dir, simulator, archive, engine });
  try {
    await run.run();
    return await run.judge(options.report);
  } finally {
    await run.stop();
    await engine.resume();
    await engine.stop();
    await archive.stop();
    await simulator.stop();
    await files.removeTree(dir);
  }
}

class GroupRun {
  readonly #options: GroupOutageOptions;
  readonly #world: World;
  readonly #members: Member[] = [];
  readonly #newest = new Map<string, number>();

  constructor(options: GroupOutageOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  async run(): Promise<void> {
    for (const name of this.#options.members) this.#members.push(await this.#join(name));
    await this.#untilWhole();
    for (const fault of this.#options.faults) {
      for (const member of this.#members) {
        if (!this.#options.failing.includes(member.name)) continue;
        await clock.sleep(this.#options.loadMs);
        const beganMs = clock.monotonicMs();
        await this.#fail(fault, member);
        await this.#untilWhole();
        const seconds = ((clock.monotonicMs() - beganMs) / 1000).toFixed(1);
        this.#options.report?.(`  ${fault} ${fault === "engine" ? "" : member.name}: whole again after ${seconds} s`);
        if (fault === "engine") break;
      }
    }
    await clock.sleep(this.#options.loadMs);
    this.#world.simulator.freeze();
    for (const member of this.#members) await this.#untilDrained(member);
    // What cannot be fetched stays a hole, and is told as one.
    const untilMs = clock.monotonicMs() + FETCHED_MS;
    while ((await this.judge()).holes > 0 && clock.monotonicMs() < untilMs) await clock.sleep(500);
  }

  async #fail(fault: GroupFault, member: Member): Promise<void> {
    const { engine } = this.#world;
    const { faultMs, ttlMs } = this.#options;
    switch (fault) {
      case "kill":
        member.process.kill("SIGKILL");
        await member.process.end();
        await this.#untilWhole(this.#members.filter((one) => one !== member));
        await clock.sleep(faultMs);
        member.process = this.#start(member.config);
        return;
      case "pause":
        member.process.kill("SIGSTOP");
        await clock.sleep(faultMs);
        member.process.kill("SIGCONT");
        return await clock.sleep(ttlMs);
      case "partition":
        member.proxies.engine.cut();
        await clock.sleep(faultMs);
        member.proxies.engine.heal();
        return await clock.sleep(ttlMs);
      case "isolate":
        for (const proxy of Object.values(member.proxies)) proxy.hold();
        await clock.sleep(faultMs);
        for (const proxy of Object.values(member.proxies)) proxy.heal();
        return await clock.sleep(ttlMs);
      case "engine": {
        await engine.kill();
        // A share that was just being handed over may still go.
        await this.#until("everybody misses the engine", async () => {
          const all = await Promise.all(this.#members.map((one) => this.#health(one)));
          return all.every(({ group }) => group !== null && group.engine_away !== null);
        });
        const before = await Promise.all(this.#members.map((one) => this.#opened(one)));
        await clock.sleep(this.#options.engineMs);
        const after = await Promise.all(this.#members.map((one) => this.#opened(one)));
        assert.deepEqual(after, before, "a collector stopped or opened sockets while the engine was away");
        await engine.start();
        return await clock.sleep(2 * ttlMs);
      }
    }
  }

  /** Sockets of a member, and how often they were opened anew. */
  async #opened(member: Member): Promise<unknown> {
    const { instances } = await this.#health(member);
    return instances[0].connections.map(({ connection, state, reconnects }) => [connection, state, reconnects]);
  }

  /** Writes the configuration of a member, which reaches the engine by a proxy of its own, and starts it. */
  async #join(name: string): Promise<Member> {
    const { dir, simulator, archive, engine } = this.#world;
    const { replicas, ttlMs } = this.#options;
    const proxies = {
      engine: new CuttableProxy(Number(new URL(engine.url()).port)),
      exchange: new CuttableProxy(simulator.port),
      archive: new CuttableProxy(Number(new URL(archive.url()).port)),
    };
    const [config, httpPort] = [`${dir}/${name}.toml`, freePort()];
    const text = configText({
      httpPort,
      dataDir: `${dir}/${name}`,
      run: `collector = "${name}"`,
      journal: "sync_ms = 20\nretain_hours = 1000",
      sinks: `[group]
engine = "${this.#options.engine.name}"
url = "${throughPort(engine.url(), proxies.engine.port)}"
ttl = "${ttlMs}ms"
replicas = ${replicas}
shares = ${SHARES}

[[sink]]
name = "archive"
type = "postgres"
url = "${throughPort(archive.url(), proxies.archive.port)}"
identity = "content"
kinds = ["trade", "gap"]`,
      exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: ["trades"] }).replaceAll(
        `:${simulator.port}`,
        `:${proxies.exchange.port}`,
      ),
    });
    await files.writeAtomic(config, new TextEncoder().encode(text));
    return { name, config, httpPort, proxies, process: this.#start(config) };
  }

  #start(config: string): CollectorProcess {
    return new CollectorProcess(["run", "--config", config]);
  }

  /** Every share is collected by as many of the members as are wanted, and all of them see the engine. */
  async #untilWhole(members: readonly Member[] = this.#members): Promise<void> {
    const copies = Math.min(this.#options.replicas, members.length);
    const names = new Set(members.map(({ name }) => name));
    await this.#until("the group is whole", async () => {
      const groups = (await Promise.all(members.map((member) => this.#health(member)))).map(({ group }) => group);
      return groups.every((group) => {
        const live = group?.members.filter(({ name, state }) => names.has(name) && state === "active")
          .flatMap((one) => one.live) ?? [];
        return group?.engine_away === null && live.length === SHARES * copies &&
          new Set(live).size === SHARES;
      });
    });
  }

  async #untilDrained(member: Member): Promise<void> {
    await this.#until(`${member.name} has delivered`, async () => {
      const [{ state, lag_records: lag }] = (await this.#health(member)).sinks;
      return state === "delivering" && lag <= 1;
    });
  }

  async #health(member: Member): Promise<Health> {
    const answer = await fetch(`http://127.0.0.1:${member.httpPort}/healthz`);
    return await answer.json();
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const untilMs = clock.monotonicMs() + GIVE_UP_MS;
    while (!await holds().catch(() => false)) {
      if (clock.monotonicMs() > untilMs) {
        const groups = await Promise.all(
          this.#members.map((member) => this.#health(member).then(({ group }) => JSON.stringify(group), String)),
        );
        assert.fail(`${what}: not within time:\n${groups.join("\n")}`);
      }
      await clock.sleep(50);
    }
  }

  /** Compares the archive with the simulator's trades as they are by now. */
  async judge(report: (line: string) => void = () => {}): Promise<GroupOutageResult> {
    const { archive } = this.#world;
    const rows = await archive.query(
      `select symbol, trade_id::bigint as id, ${micros("received_ts")} as ts, backfilled::int as fetched
from trade order by symbol, trade_id::bigint, ts`,
    );
    const told = (await archive.query(
      `select symbol, ${micros("min(from_ts)")} as from_ts, ${micros("max(to_ts)")} as to_ts
from gap where stream = 'trades' group by symbol, collector, gap_id`,
    )).map((row) => ({
      symbol: String(row.symbol),
      // Where nothing is known to have come before, nothing is known to be missing.
      from: row.from_ts === null ? Infinity : Number(row.from_ts),
      to: row.to_ts === null ? Infinity : Number(row.to_ts),
    }));
    const [{ count: tookOver }] = await archive.query(
      `select count(distinct (collector, gap_id)) as count from gap where stream = 'trades' and cause = 'takeover'`,
    );
    const total = {
      ...{ traded: 0, trades: rows.length, fetched: 0, duplicates: 0, holes: 0, missing: 0, untold: 0 },
      tookOver: Number(tookOver),
    };
    for (const symbol of SYMBOLS) {
      const ofSymbol = rows.filter((row) => row.symbol === symbol).map(({ id, ts, fetched }) => ({
        id: Number(id),
        ts: Number(ts),
        fetched: Number(fetched) === 1,
      }));
      assert.ok(ofSymbol.length > 0, `the archive has no trades of ${symbol}`);
      const newest = await this.#newestOf(symbol);
      total.traded += newest - ofSymbol[0].id + 1;
      // What the market traded last is the end of a stretch like any other.
      const end = { id: newest + 1, ts: Infinity, fetched: false };
      let fromTs = -Infinity;
      for (const [index, { id, ts, fetched }] of ofSymbol.entries()) {
        const next = ofSymbol[index + 1] ?? end;
        if (fetched) total.fetched++;
        else fromTs = ts;
        if (next.id === id) total.duplicates++;
        if (next.id <= id + 1) continue;
        total.holes++;
        total.missing += next.id - id - 1;
        const toTs = ofSymbol.slice(index + 1).find((row) => !row.fetched)?.ts ?? Infinity;
        if (!told.some((gap) => gap.symbol === symbol && gap.from <= fromTs && gap.to >= toTs)) {
          total.untold++;
          report(`  untold: ${symbol} ${id + 1} to ${next.id - 1}, received ${fromTs} to ${toTs}`);
        }
      }
    }
    return total;
  }

  /** Id of the last trade of a market that stands still: asked for once, because the exchange weighs requests. */
  async #newestOf(symbol: string): Promise<number> {
    const known = this.#newest.get(symbol);
    if (known !== undefined) return known;
    const url = `${this.#world.simulator.urls.rest}/api/v3/historicalTrades?symbol=${symbol.replace("/", "")}&limit=1`;
    // The simulator ends idle connections, which may be while the client takes one from its pool.
    const [{ id }] = await (await fetch(url, { headers: { connection: "close" } })).json();
    this.#newest.set(symbol, Number(id));
    return Number(id);
  }

  async stop(): Promise<void> {
    for (const { process, proxies } of this.#members) {
      process.kill("SIGCONT");
      await process[Symbol.asyncDispose]();
      for (const proxy of Object.values(proxies)) proxy.stop();
    }
  }
}

interface Health {
  readonly instances: readonly {
    readonly connections: readonly {
      readonly connection: string;
      readonly state: string;
      readonly reconnects: number;
    }[];
  }[];
  readonly sinks: readonly { readonly state: string; readonly lag_records: number }[];
  readonly group: {
    readonly engine_away: unknown;
    readonly members: readonly { readonly name: string; readonly state: string; readonly live: readonly number[] }[];
  } | null;
}

function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`;
}

function throughPort(address: string, port: number): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}

if (import.meta.main) {
  const [minutes = "10"] = Deno.args.filter((arg) => /^[\d.]+$/.test(arg));
  const names = Deno.args.filter((arg) => /^[a-z]+$/.test(arg));
  const only = Deno.args.filter((arg) => /^replicas=[12]$/.test(arg)).map((arg) => arg.slice(-1));
  const faults = GROUP_FAULTS.map((fault): number => fault === "engine" ? 1 : MEMBERS.length).reduce(
    (sum, one) => sum + one,
    0,
  );
  let isGood = true;
  for (const engine of GROUP_ENGINES) {
    if (names.length > 0 && !names.includes(engine.name)) continue;
    const absent = engine.absent ?? POSTGRES_ABSENT;
    if (absent !== null) {
      console.log(`${engine.name}: left out: ${absent}`);
      continue;
    }
    for (const replicas of [1, 2] as const) {
      if (only.length > 0 && !only.includes(String(replicas))) continue;
      console.log(`${engine.name}, replicas = ${replicas}:`);
      const eachMs = Number(minutes) * 60_000 / faults;
      const result = await runGroupOutage({
        ...{ engine, replicas, rate: 60, ttlMs: 5_000, members: MEMBERS, failing: MEMBERS, faults: GROUP_FAULTS },
        ...{ faultMs: Math.max(8_000, eachMs / 2), loadMs: Math.max(1_000, eachMs / 3), engineMs: 60_000 },
        report: (line) => console.log(line),
      });
      const { traded, trades, fetched, duplicates, holes, missing, untold } = result;
      console.log(
        `  ${traded} traded, ${trades} in the archive, ${fetched} of them fetched, ${duplicates} twice, ` +
          `${holes} holes of ${missing} trades, ${untold} of them untold`,
      );
      isGood &&= duplicates === 0 && untold === 0 && (replicas === 1 || holes === 0);
    }
  }
  if (!isGood) Deno.exit(1);
}
