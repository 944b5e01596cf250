import assert from "node:assert/strict";
import fc from "fast-check";
import { BookKeeper, type BookUpdate, type BookVerdict, OrderBook } from "../../src/book/mod.ts";
import { type BookRule, type Level, levelTexts } from "../../src/model/mod.ts";
import { BookFeed } from "../support/book_feed.ts";
import { bookRule, checksumRule } from "../support/book_rule.ts";
import { seeded } from "../support/seeded.ts";

type FaultKind = "drop" | "duplicate" | "swap" | "corrupt";
const FAULTS: readonly FaultKind[] = ["drop", "duplicate", "swap", "corrupt"];

/** Feeds of every kind, and which faults their own rules reveal at once. */
const FEEDS: readonly { readonly name: string; readonly rule: BookRule; readonly reveals: readonly FaultKind[] }[] = [
  { name: "pushed, next", rule: bookRule({ sequence: "next" }), reveals: ["drop", "swap"] },
  { name: "pushed, previous", rule: bookRule({ sequence: "previous" }), reveals: ["drop", "swap"] },
  { name: "pushed, overlap", rule: bookRule({ sequence: "overlap" }), reveals: ["drop", "swap"] },
  { name: "pushed, rising", rule: bookRule({ sequence: "rising" }), reveals: ["swap"] },
  { name: "pushed, time", rule: bookRule({ sequence: "time" }), reveals: ["swap"] },
  {
    name: "pushed, checksum alone",
    rule: bookRule({ checksum: checksumRule({ depth: 50 }) }),
    reveals: ["corrupt"],
  },
  {
    name: "pushed, previous and checksum",
    rule: bookRule({ sequence: "previous", checksum: checksumRule({ depth: 50 }) }),
    reveals: ["drop", "swap", "corrupt"],
  },
  {
    name: "joined, next",
    rule: bookRule({ kind: "rest", sequence: "next", resync: "rest" }),
    reveals: ["drop", "swap"],
  },
  {
    name: "joined, previous",
    rule: bookRule({
      kind: "rest",
      sequence: "previous",
      resync: "rest",
      bridge: { drop: "<", first: "S", orPrevious: true },
    }),
    reveals: ["drop", "swap"],
  },
];

/** Changes a digit of the last bid's size: an earlier one of the same price would not count. */
function corrupted(update: BookUpdate): BookUpdate {
  if (update.event.kind === "book_snapshot") return update;
  const before = levelTexts(update.event.bids);
  const [price, size] = before[before.length - 1];
  const digit = (Number(size[0]) + 1) % 10;
  const changed: Level = [price, digit === 0 ? `1${size.slice(1)}` : `${digit}${size.slice(1)}`];
  const bids = [...before.slice(0, -1), changed];
  return { ...update, event: { ...update.event, bids } };
}

/** Applies what a keeper lets out, as a reader of the events does. */
class Reader {
  readonly book = new OrderBook();
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  take({ emit, gaps }: BookVerdict): void {
    for (const { recovered } of gaps) if (!recovered) this.#isWhole = false;
    for (const { event } of emit) {
      if (event.kind === "book_snapshot") {
        this.book.applySnapshot(event.bids, event.asks);
        this.#isWhole = true;
      } else this.book.applyDelta(event.bids, event.asks);
    }
    // A gap that opens in the frame that also healed one before stands last.
    if (gaps.at(-1)?.recovered === false) this.#isWhole = false;
  }
}

interface Run {
  readonly gaps: readonly boolean[];
  /** Index of the update that first broke the book; null where none did. */
  readonly brokeAt: number | null;
  readonly endsWhole: boolean;
}

/** Sends 60 updates with one fault at `faultAt`; asks for a new image as the keeper wants, and checks every step. */
function run(rule: BookRule, options: { seed: number; fault: FaultKind | null; faultAt: number; saves: boolean }): Run {
  const { seed, fault, faultAt, saves } = options;
  const feed = new BookFeed(rule, seeded(seed));
  const truth = new Map<string, string>();
  const isJoined = rule.kind === "rest";
  const wire: { update: BookUpdate; index: number }[] = [];
  let keeper = new BookKeeper(rule);
  const reader = new Reader();
  const gaps: boolean[] = [];
  let brokeAt: number | null = null;
  let imageDueAt: number | null = isJoined ? 3 : 0;
  const send = (update: BookUpdate, index: number) => {
    const verdict = keeper.apply([update], { receivedTs: index, mayPass: false });
    reader.take(verdict);
    for (const { recovered } of verdict.gaps) gaps.push(recovered);
    if (brokeAt === null && verdict.gaps.some(({ recovered }) => !recovered)) brokeAt = index;
    if (verdict.resync !== null) imageDueAt = index + 2;
    if (saves) {
      const saved = JSON.stringify(keeper.saveState());
      keeper = new BookKeeper(rule);
      keeper.restoreState(JSON.parse(saved));
    }
    if (keeper.state === "valid") assert.ok(!keeper.book.isCrossed);
    assert.equal(reader.isWhole, keeper.state === "valid", `what leaves tells the state at ${index}`);
    if (reader.isWhole) assert.equal(JSON.stringify(reader.book.levels()), JSON.stringify(keeper.book.levels()));
  };
  for (let index = 0; index < 60; index++) {
    if (imageDueAt !== null && index >= imageDueAt) {
      imageDueAt = null;
      truth.set(feed.sequence, feed.text);
      send(feed.snapshot(), index);
    }
    const update = feed.delta();
    truth.set(feed.sequence, feed.text);
    wire.push({ update, index });
    if (fault === "swap" && index === faultAt) continue;
    if (fault === "drop" && index === faultAt) wire.pop();
    const sent = wire.splice(0).reverse();
    for (const one of sent) {
      send(fault === "corrupt" && one.index === faultAt ? corrupted(one.update) : one.update, one.index);
      if (fault === "duplicate" && one.index === faultAt) send(one.update, one.index);
    }
  }
  return { gaps, brokeAt, endsWhole: keeper.state === "valid" && JSON.stringify(keeper.book.levels()) === feed.text };
}

for (const { name, rule, reveals } of FEEDS) {
  Deno.test(`BookKeeper finds what a ${name} feed reveals, invents nothing and is whole again`, () => {
    const options = fc.record({
      seed: fc.nat(),
      fault: fc.option(fc.constantFrom(...FAULTS)),
      faultAt: fc.integer({ min: 10, max: 40 }),
    });
    fc.assert(
      fc.property(options, ({ seed, fault, faultAt }) => {
        const plain = run(rule, { seed, fault, faultAt, saves: false });
        if (fault === null || (fault === "duplicate")) {
          assert.deepEqual(plain.gaps, [], "nothing was wrong");
          assert.ok(plain.endsWhole);
        } else if (reveals.includes(fault)) {
          assert.deepEqual(plain.gaps, [false, true], "one gap, and whole again");
          assert.ok(plain.brokeAt !== null && plain.brokeAt >= faultAt && plain.brokeAt <= faultAt + 2);
          assert.ok(plain.endsWhole);
        }
        assert.deepEqual(run(rule, { seed, fault, faultAt, saves: true }), plain, "saved and restored at every step");
      }),
      { numRuns: Number(Deno.env.get("RUNS") ?? 20), seed: 1 },
    );
  });
}
