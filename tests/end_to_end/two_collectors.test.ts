import assert from "node:assert/strict";
import { denoHost, type Dialer, type Host } from "../../src/host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { CLICKHOUSE_ABSENT, ClickhouseServer } from "../support/clickhouse_server.ts";
import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";
import { QUESTDB_ABSENT, QuestdbServer } from "../support/questdb_server.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

const BTC = "BTC/USDT";

/** A real server that both collectors write to. */
interface SharedServer {
  /** TOML of the sink. */
  readonly toml: string;
  /** Ids of the trades that it holds, in any order, and how many gaps of each collector. */
  tradeIds(): Promise<readonly string[]>;
  collectorsOfGaps(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

interface SharedDestination {
  readonly name: string;
  readonly absent: string | null;
  start(): Promise<SharedServer>;
}

const DESTINATIONS: readonly SharedDestination[] = [
  {
    name: "NATS",
    absent: NATS_ABSENT,
    start: async () => {
      const server = await NatsServer.start();
      const events = async () => (await server.read("BOTH")).map(({ body }) => JSON.parse(body));
      return {
        toml: `type = "nats"\nurl = "${server.url()}"\nstream = "BOTH"\nmode = "content_id"\nflush_ms = 50`,
        tradeIds: async () => (await events()).flatMap(({ kind, trade_id: id }) => kind === "trade" ? [id] : []),
        collectorsOfGaps: async () =>
          (await events()).flatMap(({ kind, collector }) => kind === "gap" ? [collector] : []),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: "PostgreSQL",
    absent: POSTGRES_ABSENT,
    start: async () => {
      const server = await PostgresServer.start();
      const column = async (name: string, table: string) =>
        (await server.query(`select "${name}" as value from "${table}"`)).map(({ value }) => String(value));
      return {
        toml: `type = "postgres"\nurl = "${server.url()}"\nidentity = "content"`,
        tradeIds: () => column("trade_id", "trade"),
        collectorsOfGaps: () => column("collector", "gap"),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: "QuestDB",
    absent: QUESTDB_ABSENT,
    start: async () => {
      const server = await QuestdbServer.start();
      const column = async (name: string, table: string) => {
        await server.applied();
        return (await server.query(`select ${name} from '${table}'`)).map(([value]) => String(value));
      };
      return {
        toml: `type = "questdb"\nurl = "${server.url()}"\nidentity = "content"`,
        tradeIds: () => column("trade_id", "trade"),
        collectorsOfGaps: () => column("collector", "gap"),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: "ClickHouse",
    absent: CLICKHOUSE_ABSENT,
    start: async () => {
      const server = await ClickhouseServer.start();
      const column = async (name: string, table: string) =>
        (await server.query(`select ${name} from ${table} final`)).split("\n").filter((line) => line !== "");
      return {
        toml: `type = "clickhouse"\nurl = "${server.url()}"\nidentity = "content"`,
        tradeIds: () => column("trade_id", "trade"),
        collectorsOfGaps: () => column("collector", "gap"),
        stop: () => server.stop(),
      };
    },
  },
];

/** A host that loses trades whose number says so. */
function losing(host: Host, loses: (trade: number) => boolean): Host {
  const decoder = new TextDecoder();
  const dialer: Dialer = {
    dial: (options, callbacks, signal) =>
      host.dialer.dial(options, {
        onFrame: (payload, binary, at) => {
          const trade = /"e":"trade".*"t":(\d+)/.exec(decoder.decode(payload));
          if (trade === null || !loses(Number(trade[1]))) callbacks.onFrame(payload, binary, at);
        },
        onPing: (at) => callbacks.onPing(at),
        onPong: (at) => callbacks.onPong(at),
        onClose: (code, reason) => callbacks.onClose(code, reason),
      }, signal),
  };
  return { ...host, dialer };
}

async function collect(
  simulator: Simulator,
  server: SharedServer,
  lost: readonly [string, (trade: number) => boolean][],
) {
  const rigs = await Promise.all(lost.map(([name, loses]) =>
    ServiceRig.start({
      // Nothing is fetched later, so that what one has lost the other alone can give.
      config: `${
        instanceOf(simulator, { symbols: [BTC], channels: ["trades"], overrides: "" }).replace(
          /base_urls = .*/,
          'base_urls = ["http://127.0.0.1:1"]',
        )
      }\n[[sink]]\nname = "both"\n${server.toml}\n`,
      run: `collector = "${name}"`,
      wrapHost: (host) => losing(host, loses),
    })
  ));
  return rigs;
}

for (const { name, absent, start } of DESTINATIONS) {
  const claim = `two collectors that lose different trades leave their union once in ${name}`;
  Deno.test({
    name: absent === null ? claim : `${claim} (ignored: ${absent})`,
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const server = await start();
      const simulator = await startSimulator({
        host: denoHost(),
        dialect: "binance",
        port: 0,
        limitsConnections: false,
        rate: 300,
        symbols: [BTC],
      });
      // The simulator's numbers begin where they like: ten in a row of every hundred are lost, others by each.
      const rigs = await collect(simulator, server, [
        ["eu", (trade) => trade % 100 >= 20 && trade % 100 < 30],
        ["us", (trade) => trade % 100 >= 60 && trade % 100 < 75],
      ]);
      try {
        for (const rig of rigs) await rig.untilLive("binance", 1);
        const { dataFrames } = simulator.statistics();
        await rigs[0].until("a thousand frames were sent", () => simulator.statistics().dataFrames > dataFrames + 1500);
        simulator.freeze();
        for (const rig of rigs) await rig.stop();
        const seen = await Promise.all(
          rigs.map(async (rig) =>
            new Set((await rig.events()).flatMap(({ kind, trade_id: id }) => kind === "trade" ? [String(id)] : []))
          ),
        );
        const [eu, us] = seen;
        assert.ok([...eu].some((id) => !us.has(id)) && [...us].some((id) => !eu.has(id)), "each has lost some");
        const union = [...new Set([...eu, ...us])].sort();
        assert.deepEqual([...await server.tradeIds()].sort(), union);
        const numbers = union.map(Number).sort((a, b) => a - b);
        const overlap = numbers.filter((id) => id >= Math.max(...seen.map((one) => Math.min(...[...one].map(Number)))));
        overlap.forEach((id, index) =>
          assert.equal(id, overlap[0] + index, "nothing is missing while both were there")
        );
        // What each has missed stays told by each.
        assert.deepEqual([...new Set(await server.collectorsOfGaps())].sort(), ["eu", "us"]);
      } finally {
        for (const rig of rigs) await rig[Symbol.asyncDispose]();
        await simulator.stop();
        await server.stop();
      }
    },
  });
}
