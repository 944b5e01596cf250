import assert from "node:assert/strict";
import type { Plan } from "../../src/model/mod.ts";
import { shareRecords } from "../../src/runtime/mod.ts";

Deno.test("shareRecords() gives each instance what the other collector had last of its own streams", () => {
  const streams = [{ channel: "trades", symbol: "A" } as const];
  const plan = {
    exchanges: [
      { name: "one", shares: [{ share: 1, streams }, { share: 2, streams: [] }] },
      { name: "two", shares: [{ share: 1, streams }] },
      { name: "whole", shares: null },
    ],
  } as unknown as Plan;
  const seen = { channel: "trades", id: "7", ts: 5 } as const;
  const last = [
    { ...seen, exchange: "one", symbol: "A" },
    { ...seen, exchange: "one", symbol: "B" },
    { ...seen, exchange: "one", channel: "candles", symbol: "A" } as const,
  ];
  const move = { share: 1, shares: 2, other: "b", epoch: 3, fromTs: 4 };
  const records = [...shareRecords(plan, { at: 9, change: "taken", moves: [{ ...move, last }] })];
  assert.deepEqual(records.map(({ exchange, last }) => [exchange, last]), [
    ["one", [{ ...seen, symbol: "A" }]],
    ["two", undefined],
  ]);
  const released = [
    ...shareRecords(plan, { at: 9, change: "released", moves: [{ share: 1, shares: 2, other: "b", epoch: 3 }] }),
  ];
  assert.deepEqual(released.map(({ fromTs, last }) => [fromTs, last]), [[null, undefined], [null, undefined]]);
});
