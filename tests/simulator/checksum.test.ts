import assert from "node:assert/strict";
import { krakenChecksum } from "../../src/simulator/kraken_checksum.ts";

/** Levels as the documentation prints them, turned into ticks of 0.1 and units of 0.00000001. */
function levels(rows: readonly (readonly [string, string])[]) {
  return rows.map(([price, size]) => ({ price: Number(price.replace(".", "")), size: Number(size.replace(".", "")) }));
}

Deno.test("krakenChecksum() gives the documented value for the documented BTC/USD book", () => {
  const asks = levels([
    ["45285.2", "0.00100000"],
    ["45286.4", "1.54571953"],
    ["45286.6", "1.54571109"],
    ["45289.6", "1.54560911"],
    ["45290.2", "0.15890660"],
    ["45291.8", "1.54553491"],
    ["45294.7", "0.04454749"],
    ["45296.1", "0.35380000"],
    ["45297.5", "0.09945542"],
    ["45299.5", "0.18772827"],
  ]);
  const bids = levels([
    ["45283.5", "0.10000000"],
    ["45283.4", "1.54582015"],
    ["45282.1", "0.10000000"],
    ["45281.0", "0.10000000"],
    ["45280.3", "1.54592586"],
    ["45279.0", "0.07990000"],
    ["45277.6", "0.03310103"],
    ["45277.5", "0.30000000"],
    ["45277.3", "1.54602737"],
    ["45276.6", "0.15445238"],
  ]);
  assert.equal(krakenChecksum(asks, bids), 3310070434);
  assert.notEqual(krakenChecksum(bids, asks), 3310070434);
});

Deno.test("krakenChecksum() covers ten levels a side and no more", () => {
  const side = (start: number, step: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ price: start + i * step, size: 100 + i }));
  assert.equal(
    krakenChecksum(side(1000, 1, 10), side(999, -1, 10)),
    krakenChecksum(side(1000, 1, 25), side(999, -1, 25)),
  );
  assert.notEqual(
    krakenChecksum(side(1000, 1, 9), side(999, -1, 10)),
    krakenChecksum(side(1000, 1, 10), side(999, -1, 10)),
  );
});
