import assert from "node:assert/strict";
import { encodeEntry, encodeNote, entryKey, type NotedStream, openEngine } from "../../src/group/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";
import { GROUP_ENGINES } from "./group_engines.ts";

const HOST = denoHost();
const SYMBOLS = ["BTC/USDT", "XRP/USDT"];
const TTL_MS = 1_000;
const LAYOUT = { shares: 2, replicas: 1 };

for (const { name: engine, absent, start } of GROUP_ENGINES) {
  Deno.test({
    name: `a collector that takes over on ${engine} tells and fetches what nobody had, each trade once` +
      (absent === null ? "" : ` (ignored: ${absent})`),
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const server = await start();
      const simulator = await startSimulator({
        ...{ host: HOST, dialect: "binance", port: 0, symbols: SYMBOLS, speed: 0, limitsConnections: false },
      });
      try {
        simulator.advance(200);
        const last = await Promise.all(SYMBOLS.map((symbol) => newestOf(simulator, symbol)));
        await leaveEntries(engine, server.url(), last);
        // What the one that is gone did not see any more, and nobody else yet.
        simulator.advance(300);
        // Its lease runs out by the engine's clock.
        await HOST.clock.sleep(TTL_MS + 100);
        await using rig = await ServiceRig.start({
          run: `collector = "b"`,
          config: `[group]
engine = "${engine}"
url = "${server.url()}"
ttl = "${TTL_MS}ms"
shares = ${LAYOUT.shares}
${instanceOf(simulator, { symbols: SYMBOLS, channels: ["trades"] })}`,
        });
        await rig.until("taken over", async () => {
          const { group } = JSON.parse((await rig.get("/healthz")).text);
          const own = group.members.find(({ name }: { readonly name: string }) => name === "b");
          return own?.live.length === LAYOUT.shares;
        });
        simulator.advance(100);
        const labels = { exchange: "binance", outcome: "filled" };
        await rig.until(
          "filled",
          async () => await rig.metric("collector_gaps_filled_total", labels) === SYMBOLS.length,
        );
        const newest = await Promise.all(SYMBOLS.map((symbol) => newestOf(simulator, symbol)));
        await rig.stop();
        const events = await rig.events();
        for (const [at, symbol] of SYMBOLS.entries()) {
          const ids = events.filter((event) => event.kind === "trade" && event.symbol === symbol).map((event) =>
            Number(event.trade_id)
          );
          const [from, to] = [Number(last[at].id) + 1, Number(newest[at].id)];
          const wanted = Array.from({ length: to - from + 1 }, (_, index) => from + index);
          assert.deepEqual(ids.toSorted((a, b) => a - b), wanted, symbol);
          const told = events.filter(({ kind, symbol: of, stream }) =>
            kind === "gap" && of === symbol && stream === "trades"
          );
          assert.deepEqual(told.map(({ cause, state }) => [cause, state]), [
            ["takeover", "opened"],
            ["takeover", "closed"],
            ["takeover", "filled"],
          ]);
          assert.ok(told.every((gap) => gap.from_ts === BEGAN_TS), "the hole begins where the note ends");
        }
      } finally {
        await simulator.stop();
        await server.stop();
      }
    },
  });
}

/** Time up to which the one that is gone had everything: before its last word. */
const BEGAN_TS = HOST.clock.nowMicros() - 5_000_000;

/** What a collector that was killed leaves on the engine. */
async function leaveEntries(engine: "nats" | "postgres", url: string, last: readonly NotedStream[]): Promise<void> {
  const plan = { engine, url, caPath: null, credsPath: null, name: "collectors", ttlMs: TTL_MS, ...LAYOUT } as const;
  const opened = await openEngine({ plan: { ...plan, replicas: 1 }, host: HOST, timeoutMs: 5_000 });
  const gone = { member: "a", journal: "a's journal" };
  await opened.putNote(entryKey("a"), encodeNote({ journal: gone.journal, at: BEGAN_TS, last }));
  const entry = encodeEntry({
    ...gone,
    state: "active",
    layout: LAYOUT,
    ttlMs: TTL_MS,
    at: HOST.clock.nowMicros(),
    shares: new Map([[1, "live"], [2, "live"]]),
  });
  await opened.put(entryKey("a"), entry, 0);
  await opened.close();
}

async function newestOf(simulator: Simulator, symbol: string): Promise<NotedStream> {
  const url = `${simulator.urls.rest}/api/v3/historicalTrades?symbol=${symbol.replace("/", "")}&limit=1`;
  const [{ id, time }] = await (await fetch(url, { headers: { connection: "close" } })).json();
  return { exchange: "binance", channel: "trades", symbol, id: String(id), ts: time * 1000 };
}
