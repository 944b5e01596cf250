import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";
import { GROUP_ENGINES } from "./group_engines.ts";

const HOST = denoHost();
const SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT"];
const TTL_MS = 1_500;

interface GroupBody {
  readonly held: readonly number[];
  readonly engine_away: unknown;
  readonly uncovered: readonly number[] | null;
  readonly members: readonly { readonly name: string; readonly state: string; readonly live: readonly number[] }[];
}

for (const { name: engine, absent, start } of GROUP_ENGINES) {
  Deno.test({
    name: `collectors of a group on ${engine} share streams, hand them over and outlive their engine` +
      (absent === null ? "" : ` (ignored: ${absent})`),
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      await using server = await serverOf(start);
      const simulator = await startSimulator({
        ...{ host: HOST, dialect: "binance", port: 0, symbols: SYMBOLS, rate: 20, limitsConnections: false },
      });
      const rigs: ServiceRig[] = [];
      const join = async (collector: string) => {
        const rig = await ServiceRig.start({
          run: `collector = "${collector}"`,
          config: `[group]
engine = "${engine}"
url = "${server.url()}"
ttl = "${TTL_MS}ms"
${instanceOf(simulator, { symbols: SYMBOLS, channels: ["trades", "book"] })}`,
        });
        rigs.push(rig);
        return rig;
      };
      const group = async (rig: ServiceRig): Promise<GroupBody> => JSON.parse((await rig.get("/healthz")).text).group;
      const isWhole = async (members: readonly ServiceRig[]) => {
        const bodies = await Promise.all(members.map(group));
        const live = bodies[0].members.flatMap((one) => one.state === "active" ? one.live : []);
        return bodies.every(({ uncovered }) => uncovered?.length === 0) && live.length === 8;
      };
      try {
        const a = await join("a");
        await t.step("one alone collects everything, and is ready", async () => {
          await a.until("whole", () => isWhole([a]));
          await a.until("ready", async () => (await a.get("/readyz")).status === 200);
          assert.deepEqual((await group(a)).held, [1, 2, 3, 4, 5, 6, 7, 8]);
        });
        const b = await join("b");
        await t.step("a second one takes its part, without a gap of any stream", async () => {
          await b.until("whole", async () => (await group(b)).held.length === 4 && await isWhole([a, b]));
          await a.until("released", async () => (await group(a)).held.length === 4);
          const connections = (await a.health()).instances[0].connections;
          assert.ok(connections.length > 0 && connections.every(({ reconnects }) => reconnects === 0));
        });
        await t.step("both outlive the engine", async () => {
          await server.kill();
          await a.until("away", async () => (await group(a)).engine_away !== null);
          await b.until("away", async () => (await group(b)).engine_away !== null);
          await HOST.clock.sleep(TTL_MS * 1.5);
          for (const rig of [a, b]) {
            const { instances, problems } = await rig.health();
            assert.ok(instances[0].connections.every(({ state, reconnects }) => state === "live" && reconnects === 0));
            assert.deepEqual(problems.map(({ scope, code }) => `${scope} ${code}`), ["group engine_away"]);
          }
          await server.start();
          for (const rig of [a, b]) await rig.until("back", async () => (await group(rig)).engine_away === null);
          // Each has to have heard the other again.
          await HOST.clock.sleep(TTL_MS);
          await a.until("whole", async () => await isWhole([a, b]) && (await group(a)).held.length === 4);
          assert.ok((await a.health()).instances[0].connections.every(({ reconnects }) => reconnects === 0));
        });
        await t.step("one that stops hands its shares over first", async () => {
          const held = (await group(b)).held;
          await b.stop();
          await a.until("whole", async () => (await group(a)).held.length === 8 && await isWhole([a]));
          const told = await b.events();
          const released = told.filter(({ kind, cause, action }) =>
            kind === "gap" && cause === "takeover" && action === "collected elsewhere"
          );
          const words = held.map((share) => `share ${share} of 8 released: a collects it`);
          assert.ok(released.some(({ detail }) => words.includes(String(detail))), JSON.stringify(released));
          // The log of a process is one: the rig that came last has the lines.
          const taken = [...a.log, ...b.log].filter((line) =>
            line.includes('"group_share"') && line.includes("taken from b")
          );
          assert.ok(taken.length > 0 && taken.every((line) => !line.includes("nobody has collected")));
        });
        await t.step("what was collected is whole over both, and each knows what the other had", async () => {
          await a.stop();
          const all = [...await a.events(), ...await b.events()];
          const ids = new Map<string, Set<number>>();
          for (const { kind, symbol, trade_id: id } of all) {
            if (kind !== "trade") continue;
            const known = ids.get(symbol) ?? new Set<number>();
            known.add(Number(id));
            ids.set(symbol, known);
          }
          assert.equal(ids.size, SYMBOLS.length);
          for (const [symbol, known] of ids) {
            const [first, last] = [Math.min(...known), Math.max(...known)];
            assert.equal(known.size, last - first + 1, `${symbol} misses trades`);
          }
          assert.ok(
            all.every(({ kind, cause, state }) => kind !== "gap" || cause !== "takeover" || state === "closed"),
          );
        });
      } finally {
        for (const rig of rigs) await rig[Symbol.asyncDispose]();
        await simulator.stop();
      }
    },
  });
}

async function serverOf(start: (typeof GROUP_ENGINES)[number]["start"]) {
  const server = await start();
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}
