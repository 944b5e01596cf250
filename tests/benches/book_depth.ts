/**
 * `deno run --allow-env tests/benches/book_depth.ts`: what a level of a delta costs in books of different depth, where
 * changes lie near the best price, as an exchange's do, and where one in ten lies anywhere. It measures and asserts
 * nothing.
 */
import { OrderBook } from "../../src/book/mod.ts";
import { LevelColumns, type LevelRange } from "../../src/model/mod.ts";
import { measureInTurn, type Stage } from "./measure.ts";

/** Levels a side of the books that are measured. */
export const DEPTHS = [20, 1_000, 50_000] as const;
const DELTA_LEVELS = 36;
const DELTAS = 20_000;
const ROUNDS = 5;
/** Prices are whole ticks; the best bid and ask lie around it. */
const MIDDLE = 1_000_000;

/** Returns a stage for each depth; its `frames` are the levels of its deltas. */
export function bookDepthStages(): readonly Stage[] {
  return [0, 0.1].flatMap((anywhere) => DEPTHS.map((depth) => stageOf(depth, anywhere)));
}

function stageOf(depth: number, anywhere: number): Stage {
  const next = numbers(depth);
  const book = new OrderBook();
  book.applySnapshot(sideOf(depth, (rank) => MIDDLE - rank, next), sideOf(depth, (rank) => MIDDLE + 1 + rank, next));
  const deltas = Array.from({ length: 500 }, () => ({
    bids: changes(depth, anywhere, (rank) => MIDDLE - rank, next),
    asks: changes(depth, anywhere, (rank) => MIDDLE + 1 + rank, next),
  }));
  const run = () => {
    for (let i = 0; i < DELTAS; i++) {
      const { bids, asks } = deltas[i % deltas.length];
      book.applyDelta(bids, asks);
    }
  };
  const where = anywhere > 0 ? `, ${anywhere * 100} % anywhere` : "";
  return { name: `book of ${depth.toLocaleString("en")} levels${where}`, frames: DELTAS * DELTA_LEVELS * 2, run };
}

function sideOf(depth: number, price: (rank: number) => number, next: () => number): LevelRange {
  const levels = new LevelColumns();
  for (let rank = 0; rank < depth; rank++) put(levels, price(rank), Math.floor(next() * 1e6));
  return { levels, start: 0, end: levels.length };
}

/** A third of the changes removes its level. */
function changes(depth: number, anywhere: number, price: (rank: number) => number, next: () => number): LevelRange {
  const levels = new LevelColumns();
  for (let i = 0; i < DELTA_LEVELS; i++) {
    const rank = next() < anywhere ? next() * depth : -Math.log(1 - next()) * Math.min(depth / 4, 50);
    put(levels, price(Math.min(depth - 1, Math.floor(rank))), next() < 1 / 3 ? 0 : Math.floor(next() * 1e6));
  }
  return { levels, start: 0, end: levels.length };
}

function put(levels: LevelColumns, tick: number, lots: number): void {
  levels.prices.appendNumber(tick, 1);
  levels.sizes.appendNumber(lots, 3);
}

/** Numbers in [0, 1), always the same ones. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  };
}

if (import.meta.main) {
  for (const { name, cpuNs } of await measureInTurn(bookDepthStages(), ROUNDS)) {
    console.log(`${name.padEnd(38)} ${cpuNs.toFixed(0).padStart(6)} ns a level`);
  }
}
