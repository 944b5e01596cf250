import assert from "node:assert/strict";
import { certifyArchive, checkCertificates, readCertificates } from "../../src/certificate/mod.ts";
import { cli } from "../../src/cli/mod.ts";
import { type ConnectionCallbacks, denoHost, type Host } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { World } from "../../src/simulated_host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { configText, simulatedExchange } from "../support/collector_config.ts";
import { seeded } from "../support/seeded.ts";
import type { EventLine } from "../support/service_rig.ts";
import { listFiles } from "../support/stored_events.ts";
import { isLive, judgeStream, streamsOf } from "./certificate_loop.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const CONFIG = "/etc/collector.toml";
const SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT"];
const CHANNELS = ["trades", "book"] as const;
const SHIPPED = {
  dir: new URL("../..", import.meta.url).pathname.replace(/\/$/, ""),
  files: denoHost().files,
};
/** Share of snapshots that are refused, in turn with 429, 500 and a page of something else. */
const REFUSED_SHARE = 0.3;

/** What went wrong, and what was judged. */
export interface HourJudgement {
  readonly seed: number;
  readonly stalled: number;
  readonly refusedSnapshots: number;
  readonly maintenances: number;
  readonly clockSteps: number;
  readonly droppedFrames: number;
  readonly disconnects: number;
  readonly trades: number;
  readonly losses: number;
  readonly stretches: number;
  readonly filledGaps: number;
  readonly filledTrades: number;
}

/**
 * Lets the shipped program run in simulated time on an exchange that does all wrong: one stream in ten falls silent while
 * its socket lives, sockets are closed, frames are lost, snapshots are refused, there is maintenance, and the machine's
 * clock is set. Compares what is certified with the numbers that the exchange gave out.
 */
export async function judgeHour(
  { seed, minutes, rate = 4 }: {
    readonly seed: number;
    /** Simulated minutes; a few more pass until all is settled. */
    readonly minutes: number;
    /** Market events a second and symbol. */
    readonly rate?: number;
  },
): Promise<HourJudgement> {
  const random = seeded(seed);
  const world = new World({ random, shipped: SHIPPED });
  const { clock, network } = world;
  const simulator = await startSimulator({
    host: world.process().host,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate,
    seed,
    tickMs: 250,
    limitsConnections: false,
    faults: {
      gapEvery: { kind: "frames", count: 197 },
      disconnectEvery: { kind: "frames", count: 6_007 },
    },
  });
  const counts = { stalled: 0, refusedSnapshots: 0, maintenances: 0, clockSteps: 0 };
  const wrong = new Faults(random, counts);
  const process = world.process();
  const write = process.host.files;
  await write.makeDir("/etc");
  await write.writeAtomic(
    CONFIG,
    new TextEncoder().encode(configText({
      httpPort: 8090,
      dataDir: "/data",
      run: "compare_books_every_ms = 30000",
      journal: "sync_ms = 200",
      sinks: '[[sink]]\nname = "lines"\ntype = "ndjson"',
      exchanges: simulatedExchange(simulator, { symbols: SYMBOLS, channels: CHANNELS }),
    })),
  );
  let ended = null as { readonly code: number | unknown } | null;
  cli(["run", "--config", CONFIG], wrong.host(process.host)).then((code) => ended = { code }, (error) => {
    ended = { code: error };
  });
  const link = network.link(simulator.port);
  for (let minute = 1; minute <= minutes; minute++) {
    await clock.advance(MINUTE_MS);
    assert.equal(ended, null, `it ended: ${process.printed.slice(-5).join("\n")}`);
    if (minute % 2 === 1) wrong.stallOne();
    if (minute % 13 === 2) {
      counts.maintenances++;
      link.cut = true;
      network.reset({ port: simulator.port });
      await clock.advance((30 + random() * 90) * SECOND_MS);
      link.cut = false;
    }
    if (minute % 9 === 1) {
      counts.clockSteps++;
      clock.step((random() - 0.5) * 20 * SECOND_MS);
    }
  }
  wrong.heal();
  await clock.advance(90 * SECOND_MS);
  simulator.freeze();
  await clock.advance(90 * SECOND_MS);
  process.signal("SIGTERM");
  await clock.advanceUntil(() => ended !== null, MINUTE_MS);
  assert.deepEqual(ended, { code: 0 }, process.printed.slice(-5).join("\n"));
  const judged = await judge(world.process().host);
  const { droppedFrames, forcedDisconnects: disconnects } = simulator.statistics();
  const stopping = simulator.stop();
  await clock.advance(5 * SECOND_MS);
  await stopping;
  return { seed, ...counts, droppedFrames, disconnects, ...judged };
}

/** What lies between the program and the exchange. */
class Faults {
  readonly #random: () => number;
  readonly #counts: { stalled: number; refusedSnapshots: number };
  /** Streams that a socket does not bring any more, by socket. */
  readonly #sockets = new Set<{ readonly seen: Set<string>; readonly stalled: Set<string> }>();
  #isHealed = false;
  #refused = 0;

  constructor(random: () => number, counts: { stalled: number; refusedSnapshots: number }) {
    this.#random = random;
    this.#counts = counts;
  }

  /** One stream of those that come falls silent, until it is asked for anew. */
  stallOne(): void {
    const all = [...this.#sockets].flatMap((socket) => [...socket.seen].map((stream) => ({ socket, stream })));
    const one = all[Math.floor(this.#random() * all.length)];
    if (one === undefined || one.socket.stalled.has(one.stream)) return;
    one.socket.stalled.add(one.stream);
    this.#counts.stalled++;
  }

  heal(): void {
    this.#isHealed = true;
    for (const { stalled } of this.#sockets) stalled.clear();
  }

  host(host: Host): Host {
    return {
      ...host,
      dialer: {
        dial: async (options, callbacks, signal) => {
          const socket = { seen: new Set<string>(), stalled: new Set<string>() };
          const connection = await host.dialer.dial(options, this.#filtered(socket, callbacks), signal);
          this.#sockets.add(socket);
          const send = connection.send.bind(connection);
          connection.send = (text) => {
            if (text.includes('"SUBSCRIBE"')) {
              for (const stream of socket.stalled) if (text.includes(`"${stream}"`)) socket.stalled.delete(stream);
            }
            send(text);
          };
          return connection;
        },
      },
      fetcher: {
        fetch: async (request, signal) => {
          if (!this.#isHealed && request.url.includes("/depth") && this.#random() < REFUSED_SHARE) {
            this.#counts.refusedSnapshots++;
            const kind = this.#refused++ % 4;
            if (kind === 0) throw new Failure("connect", "Connection refused");
            const body = new TextEncoder().encode(
              kind === 3 ? "<html>maintenance</html>" : '{"code":-1003,"msg":"no"}',
            );
            const receivedTs = host.clock.nowMicros();
            return { status: [0, 429, 500, 200][kind], body, receivedTs, retryAfterMs: kind === 1 ? 5_000 : null };
          }
          return await host.fetcher.fetch(request, signal);
        },
      },
    };
  }

  #filtered(
    socket: { readonly seen: Set<string>; readonly stalled: Set<string> },
    callbacks: ConnectionCallbacks,
  ): ConnectionCallbacks {
    const decoder = new TextDecoder();
    return {
      onFrame: (payload, binary, receivedTs) => {
        const stream = /^\{"stream":"([^"]+)"/.exec(decoder.decode(payload.subarray(0, 80)))?.[1];
        if (stream !== undefined) {
          socket.seen.add(stream);
          if (socket.stalled.has(stream)) return;
        }
        callbacks.onFrame(payload, binary, receivedTs);
      },
      onPing: (at) => callbacks.onPing(at),
      onPong: (at) => callbacks.onPong(at),
      onClose: (code, reason) => {
        this.#sockets.delete(socket);
        callbacks.onClose(code, reason);
      },
    };
  }
}

async function judge(host: Host) {
  const dir = "/data/ndjson";
  const common = { host, dir, journalDir: "/data/journal", pause: () => Promise.resolve() };
  await certifyArchive({
    ...common,
    key: null,
    onlyNews: false,
    onlySafe: false,
    tell: (text: string) => assert.fail(text),
  });
  const { files, clock } = host;
  const { differences } = await checkCertificates({ ...common, host: { files, clock }, publicKey: null });
  assert.deepEqual(differences, []);
  const certificates = await readCertificates(files, dir);
  const events = await eventsIn(host, dir);
  const told = { trades: 0, losses: 0, stretches: 0, filledGaps: 0, filledTrades: 0 };
  for (const symbol of SYMBOLS) {
    for (const channel of CHANNELS) {
      const own = events.filter((event) => event.symbol === symbol && isLive(event, channel));
      const { losses, stretches } = judgeStream(own, { channel, symbol, certificates });
      told.losses += losses;
      told.stretches += stretches;
    }
    const trades = events.filter(({ kind, symbol: of }) => kind === "trade" && of === symbol);
    const ids = new Set(trades.map(({ trade_id }) => Number(trade_id)));
    assert.equal(ids.size, trades.length, `${symbol}: each trade is there once`);
    told.trades += trades.length;
    const fetched = trades.filter(({ backfilled }) => backfilled === true).map(({ trade_id }) => Number(trade_id));
    const missing = new Set<number>();
    for (const gap of events) {
      if (gap.kind !== "gap" || gap.symbol !== symbol || gap.stream !== "trades" || gap.state !== "filled") continue;
      told.filledGaps++;
      for (let id = Number(gap.from_sequence) + 1; id < Number(gap.to_sequence); id++) {
        assert.ok(ids.has(id), `${symbol}: gap ${gap.gap_id} is called filled and lacks ${id}`);
        missing.add(id);
      }
    }
    for (const id of fetched) assert.ok(missing.has(id), `${symbol}: ${id} was fetched for no filled gap`);
    told.filledTrades += fetched.length;
    const filled = streamsOf(certificates, "trades", symbol).flatMap(({ gaps }) => gaps)
      .filter(({ fate }) => fate === "filled");
    assert.ok(filled.length > 0, `${symbol}: its certificates tell of filled gaps`);
  }
  return told;
}

async function eventsIn({ files }: Host, dir: string): Promise<readonly EventLine[]> {
  const events: EventLine[] = [];
  for (const path of await listFiles(files, dir)) {
    if (!path.endsWith(".ndjson")) continue;
    const text = await files.readText(path) ?? "";
    for (const line of text.trimEnd().split("\n")) events.push(JSON.parse(line));
  }
  return events.sort((a, b) => a.offset - b.offset || Number(a.index) - Number(b.index));
}

if (import.meta.main) {
  const [minutes = "60", first = "1", rounds = "1"] = Deno.args;
  for (let seed = Number(first); seed < Number(first) + Number(rounds); seed++) {
    console.log(JSON.stringify(await judgeHour({ seed, minutes: Number(minutes) })));
  }
}
