import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { seeded } from "../support/seeded.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

const SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT"];
/** Channels with the exchange's words for them. */
const CHANNELS = { trades: "trade", quotes: "bookTicker", ticker: "ticker" } as const;
type Channel = keyof typeof CHANNELS;

export interface ReloadLoopOptions {
  readonly reloads: number;
  readonly seed: number;
  readonly report?: (line: string) => void;
}

/** What a loop came to. */
export interface ReloadFigures {
  readonly reloads: number;
  readonly refused: number;
  readonly subscribed: number;
  readonly unsubscribed: number;
  /** Trades of the instrument that was there all the time. */
  readonly keptTrades: number;
}

/**
 * Reloads a running collector with symbols and channels at random, now and then with a file that is refused. After each
 * the exchange's books name exactly what the last good file asks for. The streams that were in every file see nothing of
 * it: one session, one socket, no gap, and every trade that the exchange sent.
 */
export async function runReloadLoop({ reloads, seed, report }: ReloadLoopOptions): Promise<ReloadFigures> {
  const random = seeded(seed);
  const figures = { reloads: 0, refused: 0, subscribed: 0, unsubscribed: 0, keptTrades: 0 };
  const simulator = await startSimulator({
    host: denoHost(),
    dialect: "binance",
    port: 0,
    rate: 20,
    seed,
    symbols: SYMBOLS,
  });
  try {
    const configOf = (symbols: readonly string[], channels: readonly Channel[]) =>
      instanceOf(simulator, { symbols, channels });
    const namesOf = (symbols: readonly string[], channels: readonly Channel[]) =>
      symbols.flatMap((symbol) =>
        channels.map((channel) => `${symbol.replace("/", "").toLowerCase()}@${CHANNELS[channel]}`)
      ).sort();
    await using rig = await ServiceRig.start({ config: configOf(SYMBOLS.slice(0, 1), ["trades"]) });
    await rig.untilLive("binance", 1);
    let expected = namesOf(SYMBOLS.slice(0, 1), ["trades"]);
    for (let round = 1; round <= reloads; round++) {
      const symbols = SYMBOLS.filter((_, index) => index === 0 || random() < 0.5);
      const others = (Object.keys(CHANNELS) as Channel[]).slice(1);
      const channels: Channel[] = ["trades", ...others.filter(() => random() < 0.5)];
      if (random() < 0.1) {
        figures.refused++;
        await rig.reload(configOf(symbols, channels).replace("symbols =", "symbolz ="));
      } else {
        await rig.reload(configOf(symbols, channels));
        const next = namesOf(symbols, channels);
        figures.subscribed += next.filter((name) => !expected.includes(name)).length;
        figures.unsubscribed += expected.filter((name) => !next.includes(name)).length;
        expected = next;
      }
      figures.reloads++;
      await rig.until(`subscribed to ${expected.join(" ")} after reload ${round} of seed ${seed}`, () => {
        const [own, ...more] = simulator.subscriptions();
        return more.length === 0 && own !== undefined && JSON.stringify([...own].sort()) === JSON.stringify(expected);
      });
      if (round % 10 === 0) report?.(`${round} reloads, ${expected.length} streams`);
    }
    simulator.freeze();
    const sent = simulator.statistics().symbols.find(({ native }) => native === "BTCUSDT")?.events.trade ?? 0;
    await rig.until("all trades delivered", async () => {
      return (await rig.events()).filter(({ kind, symbol }) => kind === "trade" && symbol === SYMBOLS[0]).length >=
        sent;
    });
    await rig.stop();
    const events = await rig.events();
    const kept = events.filter(({ kind, symbol }) => kind === "trade" && symbol === SYMBOLS[0]);
    figures.keptTrades = kept.length;
    // A socket that the exchange ended, or a stream that stood still, shows as trades that were fetched besides.
    const ids = kept.map(({ trade_id }) => trade_id);
    const seen = () => {
      const told = events.filter(({ kind }) => kind === "gap").map((gap) => JSON.stringify(gap)).join("\n");
      const fetched = kept.filter(({ backfilled }) => backfilled === true).length;
      return `${fetched} of ${kept.length} were fetched; gaps:\n${told}`;
    };
    assert.equal(new Set(ids).size, ids.length, `no trade twice: ${seen()}`);
    assert.equal(ids.length, sent, `every trade that the exchange sent, and no more: ${seen()}`);
    assert.equal(new Set(kept.map(({ session }) => session)).size, 1, "one session");
    assert.equal(simulator.statistics().connectionsOpened, 1, "one socket");
    const gaps = events.filter(({ kind, symbol, stream }) =>
      kind === "gap" && (symbol === "" || (symbol === SYMBOLS[0] && String(stream).startsWith("trades")))
    );
    assert.deepEqual(gaps, [], "no gap");
    return figures;
  } finally {
    await simulator.stop();
  }
}

if (import.meta.main) {
  const [reloads = "100", seed = String(Date.now() % 1_000_000)] = Deno.args;
  console.log(`seed ${seed}`);
  const figures = await runReloadLoop({
    reloads: Number(reloads),
    seed: Number(seed),
    report: (line) => console.log(line),
  });
  console.log(JSON.stringify(figures));
}
