import assert from "node:assert/strict";
import { OrderBook } from "../../src/book/mod.ts";
import { EventMerger, type SourcedEvent } from "../../src/lake/mod.ts";
import type { Envelope, MarketEvent } from "../../src/model/mod.ts";
import { seeded } from "../support/seeded.ts";

const SECOND = 1_000_000;
const START = 1_800_000_000 * SECOND;

/** Makes the events of one collector: offsets count up, times are its own. */
class Collected {
  readonly events: SourcedEvent[] = [];
  #offset: number;

  constructor(readonly collector: string, first = 1) {
    this.#offset = first;
  }

  add(receivedTs: number, event: MarketEvent, exchangeTs: number | null = null): void {
    const envelope: Envelope = {
      exchange: "alpha",
      symbol: "BTC/USDT",
      native_symbol: "BTCUSDT",
      exchange_ts: exchangeTs,
      received_ts: START + receivedTs,
      session: 1,
      offset: this.#offset++,
      index: 0,
      event,
    };
    this.events.push({ collector: this.collector, envelope });
  }

  trade(at: number, id: number): void {
    this.add(at, { kind: "trade", trade_id: String(id), price: "1.50", size: "2", side: "buy" });
  }

  gap(
    at: number,
    state: "opened" | "closed",
    gap: { id: string; stream: "trades" | "book"; from: number; to?: number },
  ) {
    this.add(at, {
      kind: "gap",
      gap_id: gap.id,
      state,
      stream: gap.stream,
      cause: "disconnect",
      from_ts: START + gap.from,
      to_ts: gap.to === undefined ? null : START + gap.to,
      from_sequence: null,
      to_sequence: null,
      detail: "",
      action: "none",
    });
  }
}

function merge(...inputs: readonly Collected[]): readonly Envelope[] {
  const merger = new EventMerger({ windowUs: 10 * SECOND });
  const all = inputs.flatMap(({ events }) => events).sort((a, b) =>
    a.envelope.received_ts - b.envelope.received_ts || (a.collector < b.collector ? -1 : 1)
  );
  return [...all.flatMap((event) => merger.add(event)), ...merger.finish()];
}

const trades = (events: readonly Envelope[]) =>
  events.flatMap(({ event }) => event.kind === "trade" ? [event.trade_id] : []);

Deno.test("EventMerger keeps the first copy of an event and says who has seen it and when", () => {
  const [a, b] = [new Collected("a"), new Collected("b", 500)];
  a.trade(100, 1);
  b.trade(50, 1);
  b.trade(200, 2);
  const merged = merge(a, b);
  assert.deepEqual(trades(merged), ["1", "2"]);
  assert.equal(merged[0].received_ts, START + 50);
  assert.deepEqual(merged[0].seen_by, [
    { collector: "b", received_ts: START + 50, session: 1, offset: 500, index: 0 },
    { collector: "a", received_ts: START + 100, session: 1, offset: 1, index: 0 },
  ]);
  assert.deepEqual(merged[1].seen_by?.map(({ collector }) => collector), ["b"]);
});

Deno.test("EventMerger keeps an event as often as the collector says that saw it most", () => {
  const [a, b] = [new Collected("a"), new Collected("b")];
  for (const at of [1, 2, 3]) a.trade(at, 7);
  for (const at of [1, 2]) b.trade(at, 7);
  assert.deepEqual(trades(merge(a, b)), ["7", "7", "7"]);
});

Deno.test("EventMerger removes nothing that neither an id nor a time tells apart", () => {
  const [a, b] = [new Collected("a"), new Collected("b")];
  const quote = { kind: "quote", bid_price: "1", bid_size: "1", ask_price: "2", ask_size: "1" } as const;
  for (const one of [a, b]) one.add(1, quote);
  assert.equal(merge(a, b).length, 2);
  const [c, d] = [new Collected("c"), new Collected("d")];
  for (const one of [c, d]) one.add(1, quote, START);
  assert.equal(merge(c, d).length, 1);
});

Deno.test("EventMerger tells a gap as filled by the collector that missed nothing of it, and only then", () => {
  const [a, b] = [new Collected("a"), new Collected("b")];
  for (const one of [a, b]) one.trade(0, 1);
  a.gap(3 * SECOND, "opened", { id: "1-0", stream: "trades", from: 0 });
  b.trade(2 * SECOND, 2);
  for (const one of [a, b]) one.trade(5 * SECOND, 3);
  a.gap(5 * SECOND, "closed", { id: "1-0", stream: "trades", from: 0, to: 5 * SECOND });
  // Then both miss the same.
  for (const one of [a, b]) {
    one.gap(9 * SECOND, "opened", { id: `2-${one.collector}`, stream: "trades", from: 5 * SECOND });
    one.gap(12 * SECOND, "closed", { id: `2-${one.collector}`, stream: "trades", from: 5 * SECOND, to: 12 * SECOND });
    one.trade(12 * SECOND, 9);
  }
  const gaps = merge(a, b).flatMap(({ event }) =>
    event.kind === "gap" ? [[event.gap_id, event.state, event.action]] : []
  );
  assert.deepEqual(gaps, [
    ["a:1-0", "opened", "none"],
    ["a:1-0", "filled", "filled by b"],
    ["a:2-a", "opened", "none"],
    ["b:2-b", "opened", "none"],
    ["a:2-a", "closed", "none"],
    ["b:2-b", "closed", "none"],
  ]);
});

Deno.test("EventMerger tells the gap of a collector that never came back as filled up to where another one has data", () => {
  const [a, b] = [new Collected("a"), new Collected("b")];
  for (const one of [a, b]) one.trade(0, 1);
  a.gap(3 * SECOND, "opened", { id: "1-0", stream: "trades", from: 0 });
  for (let id = 2; id < 40; id++) b.trade(id * SECOND, id);
  const last = merge(a, b).at(-1)?.event;
  assert.ok(last?.kind === "gap");
  assert.deepEqual([last.state, last.to_ts, last.action], ["filled", START + 39 * SECOND, "filled by b"]);
});

/** Two collectors of one exchange, each away for stretches of its own; what they tell is as a pipeline tells it. */
function collect(random: () => number) {
  const collectors = [new Collected("eu"), new Collected("us", 10_000)];
  const state = collectors.map(() => ({ away: 0, since: 0, last: 0, gaps: 0, seen: new Set<number>(), book: false }));
  const both = new Set<number>();
  const either = new Set<number>();
  const level = (price: number, size: number) => [[String(price), String(size)] as const];
  for (let step = 1; step <= 400; step++) {
    const at = step * 100_000;
    collectors.forEach((own, index) => {
      const one = state[index];
      const received = at + Math.floor(random() * 50_000);
      if (one.away > 0) {
        if (--one.away > 0) return;
        for (const stream of ["trades", "book"] as const) {
          own.gap(received, "closed", { id: `${one.gaps}-${stream}`, stream, from: one.last, to: received });
        }
        one.book = false;
      }
      own.trade(received, step);
      if (one.book) {
        const numbers = { first_sequence: String(step), last_sequence: String(step), previous_sequence: null };
        own.add(received, { kind: "book_delta", bids: level(10, step), asks: level(20, step), ...numbers });
      } else {
        one.book = true;
        own.add(received, {
          kind: "book_snapshot",
          bids: level(10, step),
          asks: level(20, step),
          sequence: String(step),
        });
      }
      one.seen.add(step);
      one.last = received;
      if (random() < 0.03) {
        one.away = 1 + Math.floor(random() * 12);
        one.gaps++;
        for (const stream of ["trades", "book"] as const) {
          own.gap(received + 1, "opened", { id: `${one.gaps}-${stream}`, stream, from: received });
        }
      }
    });
  }
  for (let step = 1; step <= 400; step++) {
    const count = state.filter(({ seen }) => seen.has(step)).length;
    if (count > 0) either.add(step);
    if (count > 1) both.add(step);
  }
  return { collectors, both, either };
}

Deno.test("EventMerger gives the union once, whoever comes first, and books that follow", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { collectors: [eu, us], both, either } = collect(seeded(seed));
    const merged = merge(eu, us);
    assert.deepEqual(merge(us, eu), merged, `seed ${seed}`);
    const ids = trades(merged).map(Number);
    assert.equal(new Set(ids).size, ids.length, `seed ${seed}: no trade stands twice`);
    assert.deepEqual(new Set(ids), either, `seed ${seed}: every trade that one has seen is there`);
    for (const { event, seen_by: copies } of merged) {
      if (event.kind !== "trade") continue;
      assert.equal(copies?.length, both.has(Number(event.trade_id)) ? 2 : 1, `seed ${seed}`);
    }
    const book = new OrderBook();
    for (const { event } of merged) {
      if (event.kind === "book_snapshot") book.applySnapshot(event.bids, event.asks);
      else if (event.kind === "book_delta") book.applyDelta(event.bids, event.asks);
      else continue;
      const number = event.kind === "book_snapshot" ? event.sequence : event.last_sequence;
      assert.deepEqual(book.levels(), { bids: [["10", number]], asks: [["20", number]] }, `seed ${seed}`);
    }
    const gaps = merged.filter(({ event }) => event.kind === "gap" && event.state === "closed");
    for (const { event } of gaps) {
      if (event.kind !== "gap" || event.stream !== "trades") continue;
      const [from, to] = [event.from_ts ?? 0, event.to_ts ?? 0];
      const missed = Array.from({ length: 400 }, (_, i) => i + 1).filter((step) =>
        START + step * 100_000 > from && START + step * 100_000 + 50_000 < to
      );
      const isMissing = missed.some((step) => !either.has(step));
      const edges = merged.some(({ event: other, seen_by: by }) =>
        other.kind === "gap" && other !== event && other.stream === "trades" &&
        by?.[0].collector !== event.gap_id.slice(0, 2) &&
        (other.from_ts ?? 0) < to && (other.to_ts ?? Infinity) > from
      );
      const other = (event.gap_id.startsWith("eu") ? us : eu).events.filter(({ envelope }) =>
        envelope.event.kind === "trade"
      );
      const [first, last] = [other[0].envelope.received_ts, other.at(-1)?.envelope.received_ts ?? 0];
      assert.ok(
        isMissing || edges || first > from || last < to,
        `seed ${seed}: a gap stays where the other one has a gap too`,
      );
    }
  }
});

Deno.test("EventMerger reads what stands in two inputs once", () => {
  const { collectors: [eu] } = collect(seeded(5));
  const merger = new EventMerger({ windowUs: SECOND });
  const twice = eu.events.flatMap((event) => [event, event]);
  for (const event of twice) merger.add(event);
  merger.finish();
  assert.equal(merger.counts.read, eu.events.length);
});
