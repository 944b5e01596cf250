import assert from "node:assert/strict";
import { OrderBook } from "../../src/book/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { Level } from "../../src/model/mod.ts";
import { type DialectName, type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { type EventLine, instanceOf, ServiceRig } from "../support/service_rig.ts";

/** A simulated exchange that holds back every so many data frames; it goes with the scope. */
async function simulate(
  dialect: DialectName,
  symbol: string,
  count: number | null,
): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 200,
    dialect,
    symbols: [symbol],
    ...(count !== null && { faults: { gapEvery: { kind: "frames", count } } }),
  });
  return { ...simulator, [Symbol.asyncDispose]: () => simulator.stop() };
}

/** Applies the events as a reader does; the book must never be crossed while it is whole. */
function follow(events: readonly EventLine[]): { readonly wholes: number; readonly breaks: number } {
  const book = new OrderBook();
  let isWhole = false;
  let wholes = 0;
  let breaks = 0;
  const ordered = events.filter(({ symbol }) => symbol !== undefined).sort((a, b) =>
    a.offset - b.offset || Number(a.index) - Number(b.index)
  );
  for (const event of ordered) {
    if (event.kind === "gap") {
      if (event.to_ts === null) {
        isWhole = false;
        breaks++;
      } else if (event.action === "recovered") wholes++;
    } else {
      const [bids, asks] = [event.bids, event.asks] as readonly (readonly Level[])[];
      if (event.kind === "book_snapshot") {
        book.applySnapshot(bids, asks);
        isWhole = true;
      } else {
        assert.ok(isWhole, "no delta leaves while the book is not whole");
        book.applyDelta(bids, asks);
      }
      book.truncate(400);
      assert.equal(book.isCrossed, false);
    }
  }
  return { wholes, breaks };
}

for (
  const { dialect, symbol, cause } of [
    { dialect: "okx", symbol: "BTC/USDT", cause: "sequence" },
    { dialect: "binance", symbol: "BTC/USDT", cause: "sequence" },
    { dialect: "kraken", symbol: "BTC/USD", cause: "checksum" },
  ] as const
) {
  Deno.test(`a frame that ${dialect} held back breaks the book, and a resync makes it whole again`, async () => {
    await using simulator = await simulate(dialect, symbol, 25);
    await using rig = await ServiceRig.start({
      config: instanceOf(simulator, { symbols: [symbol], channels: ["book"] }),
    });
    await rig.until("two frames were held back", () => simulator.statistics().droppedFrames >= 2);
    const causes = { exchange: dialect, cause };
    await rig.until("two gaps began", async () => await rig.metric("collector_gaps_total", causes) >= 2);
    const { reconnects } = await rig.connection(dialect);
    assert.equal(reconnects, 0, "the socket stays");
    await rig.stop();
    const { wholes, breaks } = follow(await rig.events());
    assert.ok(wholes >= 2 && breaks - wholes <= 1, `${breaks} breaks, ${wholes} healed`);
  });
}

Deno.test("an exchange that loses nothing breaks no book", async () => {
  await using simulator = await simulate("okx", "BTC/USDT", null);
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: ["BTC/USDT"], channels: ["book"] }),
  });
  await rig.until(
    "many deltas came",
    async () => await rig.metric("collector_events_total", { exchange: "okx", kind: "book_delta" }) >= 30,
  );
  const { instances } = await rig.health();
  assert.deepEqual(Reflect.get(instances[0], "books"), { valid: 1, buffering: 0, broken: 0, broken_books: [] });
  await rig.stop();
  assert.deepEqual(follow(await rig.events()), { wholes: 0, breaks: 0 });
});
