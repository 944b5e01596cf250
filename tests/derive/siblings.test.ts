import assert from "node:assert/strict";
import { LATE_COPY_US, SIBLING_JOIN_US, SIBLING_PATIENCE_US } from "../../src/model/mod.ts";
import { seeded } from "../support/seeded.ts";
import { SiblingFeed } from "./sibling_feed.ts";

Deno.test("of an event that two sockets show the first copy passes", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.trades(session, 1);
  feed.trades(b, 2);
  feed.trades(a, 2);
  for (const session of [a, b]) feed.trades(session, 3);
  assert.deepEqual(feed.tradeIds, ["1", "2", "3"]);
  const second = feed.events.find(({ event }) => event.kind === "trade" && event.trade_id === "2");
  assert.equal(second?.session, b);
});

Deno.test("an event that happened twice passes twice, however its copies come", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.trades(session, 1);
  feed.trades(a, 7, 7);
  feed.trades(b, 7);
  feed.trades(b, 7);
  assert.deepEqual(feed.tradeIds, ["1", "7", "7"]);
});

Deno.test("what one socket lost the other shows, and no gap is told when one of them ends", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.trades(session, 1);
  feed.trades(a, 2);
  feed.trades(b, 3);
  feed.trades(a, 4);
  feed.trades(b, 4);
  feed.close(a);
  feed.trades(b, 5);
  assert.deepEqual(feed.tradeIds, ["1", "2", "3", "4", "5"]);
  assert.deepEqual(feed.gaps.filter((gap) => gap.includes("trades")), []);
});

Deno.test("what an exchange repeats to a new socket is no news", () => {
  const feed = new SiblingFeed();
  const a = feed.open("main");
  feed.trades(a, 1, 2, 3);
  feed.now += 60_000_000;
  const b = feed.open("main~2");
  feed.trades(b, 3, 2, 1);
  feed.trades(a, 4);
  feed.trades(b, 4);
  feed.trades(b, 5);
  feed.trades(a, 5);
  assert.deepEqual(feed.tradeIds, ["1", "2", "3", "4", "5"]);
});

for (const by of [3_600_000_000, -3_600_000_000]) {
  Deno.test(`what an exchange repeats to a new socket is no news behind a step of the clock by ${by / 1e6} s`, () => {
    const feed = new SiblingFeed();
    feed.now = 7_200_000_000;
    const a = feed.open("main");
    feed.trades(a, 2, 3);
    feed.now += 60_000_000;
    const b = feed.open("main~2");
    feed.stepClock(by);
    feed.trades(b, 3, 2);
    feed.trades(b, 1);
    feed.trades(a, 4);
    feed.trades(b, 4);
    feed.now += SIBLING_JOIN_US;
    for (const session of [a, b]) feed.trades(session, 5);
    feed.trades(b, 6);
    assert.deepEqual(feed.tradeIds, ["2", "3", "4", "5", "6"]);
  });
}

Deno.test("a hole in the ids that another socket fills is no gap, and one that none fills is told after a while", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.trades(session, 1, 2);
  feed.trades(a, 5);
  feed.trades(b, 3);
  feed.trades(b, 4);
  feed.trades(b, 5);
  for (const session of [a, b]) feed.trades(session, 7, 10);
  feed.trades(b, 8);
  assert.deepEqual(feed.tradeIds, ["1", "2", "5", "3", "4", "7", "10", "8"]);
  assert.deepEqual(feed.gaps, []);
  feed.now += LATE_COPY_US;
  for (const session of [a, b]) feed.trades(session, 11);
  const gaps = feed.events.flatMap(({ event }) =>
    event.kind === "gap" ? [[event.from_sequence, event.to_sequence, event.detail.split(":")[0]]] : []
  );
  assert.deepEqual(gaps, [["5", "7", "1 trades are missing"], ["7", "10", "1 trades are missing"]]);
});

Deno.test("a socket that has shown a stream's news to nobody's knowledge leaves a gap where the other ends", () => {
  const feed = new SiblingFeed();
  const a = feed.open("main");
  feed.trades(a, 1);
  const b = feed.open("main~2");
  feed.trades(b, 2);
  feed.close(a);
  feed.trades(b, 3);
  assert.deepEqual(feed.tradeIds, ["1", "3"]);
  assert.deepEqual(feed.gaps.filter((gap) => gap.includes("trades")), [
    "opened trades disconnect",
    "closed trades disconnect",
  ]);
});

Deno.test("an event that a new socket alone shows, as the image that it begins with, holds its stream up for a second at most", () => {
  const feed = new SiblingFeed();
  const a = feed.open("main");
  feed.trades(a, 1);
  const b = feed.open("main~2");
  feed.trades(b, 900);
  for (const session of [a, b]) feed.trades(session, 2);
  feed.now += SIBLING_JOIN_US;
  for (const session of [a, b]) feed.trades(session, 3);
  feed.trades(b, 4);
  feed.close(a);
  feed.trades(b, 5);
  assert.deepEqual(feed.tradeIds, ["1", "2", "3", "4", "5"]);
  assert.deepEqual(feed.gaps.filter((gap) => gap.includes("trades")), []);
});

Deno.test("a stream that was quiet since the other socket acknowledged it is in no gap", () => {
  const feed = new SiblingFeed();
  const a = feed.open("main");
  feed.trades(a, 1);
  const b = feed.open("main~2");
  feed.ack(b);
  feed.close(a);
  feed.trades(b, 2);
  assert.deepEqual(feed.tradeIds, ["1", "2"]);
  assert.deepEqual(feed.gaps.filter((gap) => gap.includes("trades")), []);
});

Deno.test("events without an id or a time are read from one socket, and a change of it is told", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const bid of [1, 2, 1]) for (const session of [a, b]) feed.quote(session, bid);
  const bids = () => feed.events.flatMap(({ event }) => event.kind === "quote" ? [event.bid_price] : []);
  assert.deepEqual(bids(), ["1", "2", "1"]);
  feed.close(a);
  feed.quote(b, 5);
  feed.quote(b, 6);
  assert.deepEqual(bids(), ["1", "2", "1", "5", "6"]);
  assert.deepEqual(feed.gaps.filter((gap) => gap.includes("quotes")), ["closed quotes takeover"]);
});

Deno.test("a socket that is silent on a stream is followed no more", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  feed.quote(a, 1);
  feed.quote(b, 1);
  feed.now += SIBLING_PATIENCE_US;
  feed.quote(b, 2);
  feed.quote(b, 3);
  feed.quote(a, 3);
  const quotes = feed.events.filter(({ event }) => event.kind === "quote").map(({ session }) => session);
  assert.deepEqual(quotes, [a, b, b]);
  assert.deepEqual(feed.gaps, ["closed quotes takeover"]);
});

Deno.test("of a book one socket is followed until it has a hole, then the one whose book is whole", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.ack(session);
  for (const session of [a, b]) feed.snapshot(session, 1);
  for (const session of [a, b]) feed.delta(session, 2);
  feed.delta(b, 3);
  feed.delta(a, 4);
  feed.delta(b, 4);
  feed.delta(b, 5);
  assert.deepEqual(feed.books, ["snapshot 1", "delta 2", "snapshot 4", "delta 5"]);
  assert.deepEqual(feed.gaps, []);
  // The first one recovers, and stands by.
  feed.snapshot(a, 5);
  feed.delta(a, 6);
  feed.delta(b, 6);
  feed.close(b);
  feed.delta(a, 7);
  feed.delta(a, 8);
  assert.deepEqual(feed.books.slice(4), ["delta 6", "snapshot 7", "delta 8"]);
  assert.deepEqual(feed.gaps, []);
});

Deno.test("a book that no socket shows is in a gap, which the first whole one ends", () => {
  const feed = new SiblingFeed();
  const [a, b] = [feed.open("main"), feed.open("main~2")];
  for (const session of [a, b]) feed.snapshot(session, 1);
  for (const session of [a, b]) feed.delta(session, 5);
  assert.deepEqual(feed.gaps, ["opened book sequence"]);
  feed.snapshot(b, 6);
  feed.snapshot(a, 7);
  assert.deepEqual(feed.gaps, ["opened book sequence", "closed book sequence"]);
  const [opened, closed] = feed.events.flatMap(({ event }) => event.kind === "gap" ? [event.gap_id] : []);
  assert.equal(opened, closed);
});

/** One socket follows the other, each opened before the last one ends; every frame comes a little early or late. */
function rotate(feed: SiblingFeed, rounds: number, random: () => number): number {
  let [trade, update] = [0, 1];
  let elder = feed.open("main");
  feed.snapshot(elder, update);
  for (let round = 1; round <= rounds; round++) {
    const next = feed.open(round % 2 === 1 ? "main~2" : "main");
    feed.ack(next);
    // What is on its way to each, in order.
    const queues = new Map<number, (() => void)[]>([[elder, []], [next, [() => feed.snapshot(next, update)]]]);
    queues.get(next)?.shift()?.();
    for (let step = 2 + Math.floor(random() * 6); step > 0; step--) {
      const [id, number] = [++trade, ++update];
      for (const [session, queue] of queues) {
        queue.push(() => feed.trades(session, id), () => feed.delta(session, number));
      }
    }
    for (let open = [...queues.values()]; open.length > 0; open = open.filter(({ length }) => length > 0)) {
      open[Math.floor(random() * open.length)]?.shift()?.();
    }
    feed.close(elder);
    elder = next;
    feed.trades(elder, ++trade);
    feed.delta(elder, ++update);
  }
  return trade;
}

Deno.test("no number is missing or twice over 1,000 rotations, whatever comes first", () => {
  const feed = new SiblingFeed();
  const last = rotate(feed, 1000, seeded(9));
  assert.deepEqual(feed.tradeIds.map(Number), Array.from({ length: last }, (_, index) => index + 1));
  assert.deepEqual(feed.gaps, []);
  let at = 0;
  for (const text of feed.books) {
    const [kind, number] = text.split(" ");
    if (kind === "delta") assert.equal(Number(number), at + 1);
    else assert.ok(Number(number) > at);
    at = Number(number);
  }
});

Deno.test("a pipeline that goes on from a checkpoint at any record of several sockets gives the same events", () => {
  for (const seed of [1, 2, 3]) {
    const whole = new SiblingFeed();
    rotate(whole, 20, seeded(seed));
    const cutting = seeded(seed + 100);
    const cut = new SiblingFeed(() => cutting() < 0.3);
    rotate(cut, 20, seeded(seed));
    assert.deepEqual(cut.events, whole.events);
  }
});
