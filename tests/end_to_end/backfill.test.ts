import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { type EventLine, instanceOf, ServiceRig } from "../support/service_rig.ts";

const BTC = "BTC/USDT";

const tradeGaps = (events: readonly EventLine[]) =>
  events.filter(({ kind, stream }) => kind === "gap" && stream === "trades");

Deno.test("trades that closes and lost frames took away are all fetched, once, and every gap is told as filled", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 300,
    symbols: [BTC],
    dialect: "binance",
    faults: { disconnectEvery: { kind: "frames", count: 90 }, gapEvery: { kind: "frames", count: 20 } },
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  await using rig = await ServiceRig.start({ config: instanceOf(simulator, { symbols: [BTC], channels: ["trades"] }) });
  await rig.until("disconnected twice", () => simulator.statistics().forcedDisconnects >= 2);
  await rig.until("connected again", async () => (await rig.connection("binance")).reconnects >= 2);
  await rig.until("more data", () => simulator.statistics().dataFrames > 220);
  simulator.freeze();
  await rig.until("what ended is filled", async () => {
    // The file may end in the middle of a line while it is written.
    const gaps = tradeGaps(await rig.events().catch(() => []));
    const filled = new Set(gaps.filter(({ state }) => state === "filled").map(({ gap_id }) => gap_id));
    return filled.size > 0 && gaps.every(({ state, gap_id }) => state === "opened" || filled.has(gap_id));
  });
  await rig.stop();
  const events = await rig.events();
  const trades = events.filter(({ kind }) => kind === "trade");
  const ids = trades.map(({ trade_id }) => Number(trade_id)).sort((a, b) => a - b);
  const [first] = ids;
  assert.deepEqual(ids, ids.map((_, at) => first + at), "no trade is missing and none is there twice");
  const causes = new Set(tradeGaps(events).map(({ cause }) => cause));
  assert.deepEqual([...causes].sort(), ["disconnect", "sequence"]);
  const fetched = trades.filter(({ backfilled }) => backfilled === true);
  const missing = tradeGaps(events).filter(({ state }) => state === "filled")
    .reduce((sum, gap) => sum + Number(gap.to_sequence) - Number(gap.from_sequence) - 1, 0);
  assert.equal(fetched.length, missing, "every filled gap holds exactly what was missing");
  assert.ok(fetched.length >= simulator.statistics().droppedFrames);
});

Deno.test("what a stream has missed that a reload added is fetched as well", async () => {
  const symbols = ["ETH/USDT", BTC];
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 100,
    symbols,
    dialect: "binance",
    faults: { gapEvery: { kind: "frames", count: 10 } },
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  const config = (wanted: readonly string[]) => instanceOf(simulator, { symbols: wanted, channels: ["trades"] });
  await using rig = await ServiceRig.start({ config: config(symbols.slice(0, 1)) });
  await rig.untilLive("binance", 1);
  await rig.reload(config(symbols));
  await rig.until("a gap of the new stream is filled", async () => {
    const gaps = tradeGaps(await rig.events().catch(() => []));
    return gaps.some(({ symbol, state }) => symbol === BTC && state === "filled");
  });
  await rig.stop();
  const trades = (await rig.events()).filter(({ kind, symbol }) => kind === "trade" && symbol === BTC);
  assert.ok(trades.some(({ backfilled }) => backfilled === true));
});
