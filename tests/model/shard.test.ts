import assert from "node:assert/strict";
import { isInShard, parseShard, shardKey } from "../../src/model/mod.ts";

const KEYS = Array.from({ length: 2_000 }, (_, at) => shardKey("exchange", `COIN${at}/USDT`, false));

function winnerOf(key: string, count: number): number {
  const won = Array.from({ length: count }, (_, at) => at + 1).filter((index) => isInShard({ index, count }, key));
  assert.equal(won.length, 1, `${key} falls into exactly one share of ${count}`);
  return won[0];
}

Deno.test("parseShard() takes a share that exists, and nothing else", () => {
  assert.deepEqual(parseShard("2/5"), { index: 2, count: 5 });
  for (const wrong of ["0/5", "6/5", "2", "2/", "/5", "-1/5", "2/5 ", "02/5", "1/99999", "1.5/2"]) {
    assert.equal(parseShard(wrong), null, wrong);
  }
});

Deno.test("every key falls into exactly one share, and shares are about equal", () => {
  for (const count of [1, 2, 5, 10]) {
    const sizes = new Map<number, number>();
    for (const key of KEYS) sizes.set(winnerOf(key, count), (sizes.get(winnerOf(key, count)) ?? 0) + 1);
    assert.equal(sizes.size, count);
    for (const size of sizes.values()) assert.ok(Math.abs(size - KEYS.length / count) < 5 * Math.sqrt(KEYS.length));
  }
});

Deno.test("with one share more only what it wins moves", () => {
  for (const key of KEYS) {
    const [before, after] = [winnerOf(key, 4), winnerOf(key, 5)];
    assert.ok(after === before || after === 5, key);
  }
});

Deno.test("instruments of one base asset belong together, and an exchange with one counter does as a whole", () => {
  const keys = ["BTC/USDT", "BTC/USD:BTC", "BTC/USDT:USDT-260327"].map((symbol) => shardKey("x", symbol, false));
  assert.equal(new Set(keys).size, 1);
  assert.notEqual(shardKey("x", "ETH/USDT", false), keys[0]);
  assert.notEqual(shardKey("y", "BTC/USDT", false), keys[0]);
  assert.equal(shardKey("x", "BTC/USDT", true), shardKey("x", "ETH/USDT", true));
});
