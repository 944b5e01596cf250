import assert from "node:assert/strict";
import { BookKeeper, type BookUpdate, type BookVerdict } from "../../src/book/mod.ts";
import type { BookRule, Micros } from "../../src/model/mod.ts";
import { bookRule } from "../support/book_rule.ts";

const SECOND: Micros = 1_000_000;
const START: Micros = 1_767_225_600_000_000;

/** Numbers or stamps of an update. */
interface At {
  readonly first?: number;
  readonly last?: number;
  readonly previous?: number;
  readonly ts?: Micros;
}

function delta({ first, last, previous, ts }: At): BookUpdate {
  const text = (number: number | undefined) => number === undefined ? null : String(number);
  return {
    event: {
      kind: "book_delta",
      bids: [["99", "1"]],
      asks: [],
      first_sequence: text(first),
      last_sequence: text(last),
      previous_sequence: text(previous),
    },
    exchangeTs: ts ?? null,
    checksum: null,
  };
}

function snapshot(sequence: number | null, ts: Micros | null = null): BookUpdate {
  const event = {
    kind: "book_snapshot",
    bids: [["99", "2"]],
    asks: [["101", "2"]],
    sequence: sequence === null ? null : String(sequence),
  } as const;
  return { event, exchangeTs: ts, checksum: null };
}

/** A keeper to which an update comes every half second. */
class Rig {
  readonly keeper: BookKeeper;
  now = START;

  constructor(over: Partial<BookRule>) {
    this.keeper = new BookKeeper(bookRule(over));
  }

  send(update: BookUpdate): BookVerdict {
    this.now += SECOND / 2;
    return this.keeper.apply([update], { receivedTs: this.now, mayPass: false });
  }

  /** Causes of gaps, with what was done, of updates sent one after the other. */
  gaps(updates: readonly BookUpdate[]): readonly string[] {
    return updates.flatMap((update) => {
      const { gaps, resync } = this.send(update);
      return gaps.map(({ cause, recovered }) => `${cause} ${recovered ? "recovered" : resync}`);
    });
  }
}

const RULES: readonly (readonly [BookRule["sequence"], (n: number, ts: Micros | undefined) => BookUpdate])[] = [
  ["next", (n, ts) => delta({ first: n, last: n, ts })],
  ["previous", (n, ts) => delta({ previous: n - 1, last: n, ts })],
  ["overlap", (n, ts) => delta({ first: n - 1, last: n, ts })],
  ["rising", (n, ts) => delta({ last: n, ts })],
];

for (const [sequence, make] of RULES) {
  for (const stamped of [true, false]) {
    Deno.test(`numbers of a ${sequence} feed that begin again are a reset, ${stamped ? "with" : "without"} times`, () => {
      const rig = new Rig({ sequence });
      const ts = (n: number) => stamped ? START + n * SECOND / 2 : undefined;
      rig.send(snapshot(1_000_000, ts(0) ?? null));
      rig.send(make(1_000_001, ts(1)));
      const again = Array.from({ length: 8 }, (_, i) => make(i + 4, ts(i + 2)));
      assert.deepEqual(rig.gaps(again), ["reset resubscribe"]);
      assert.equal(rig.keeper.state, "broken");
      assert.deepEqual(rig.gaps([snapshot(12, ts(10) ?? null)]), ["reset recovered"]);
      assert.equal(rig.send(make(13, ts(11))).emit.length, 1);
    });

    Deno.test(`late updates of a ${sequence} feed are no reset, ${stamped ? "with" : "without"} times`, () => {
      const rig = new Rig({ sequence });
      const ts = (n: number) => stamped ? START + n : undefined;
      rig.send(snapshot(100, ts(100) ?? null));
      const late = [97, 98, 99, 100].map((n) => make(n, ts(n)));
      assert.deepEqual(rig.gaps([...late, ...[101, 102].map((n) => make(n, ts(n)))]), []);
      assert.equal(rig.keeper.state, "valid");
    });
  }
}

Deno.test("numbers that begin again behind a snapshot from elsewhere are a reset, late updates before it are not", () => {
  const lagging = new Rig({ kind: "rest", sequence: "next", resync: "rest" });
  const make = (n: number) => delta({ first: n, last: n });
  lagging.send(make(10));
  lagging.send(snapshot(40));
  assert.deepEqual(lagging.gaps(Array.from({ length: 32 }, (_, i) => make(11 + i))), []);
  assert.equal(lagging.keeper.last.sequence, "42");

  const reset = new Rig({ kind: "rest", sequence: "next", resync: "rest" });
  reset.send(make(1000));
  reset.send(snapshot(1000));
  assert.deepEqual(reset.gaps(Array.from({ length: 70 }, (_, i) => make(i + 1))), ["reset rest"]);
});

Deno.test("numbers that begin again while deltas wait for a snapshot are joined with the new one", () => {
  const rig = new Rig({ kind: "rest", sequence: "next", resync: "rest" });
  for (let n = 1000; n < 1003; n++) rig.send(delta({ first: n, last: n }));
  for (let n = 1; n < 10; n++) rig.send(delta({ first: n, last: n }));
  const joined = rig.send(snapshot(8));
  assert.equal(joined.emit.length, 1);
  assert.equal(rig.keeper.last.sequence, "9");
});

Deno.test("of whole books whose numbers begin again the next one counts", () => {
  const rig = new Rig({ kind: "snapshots", sequence: "rising" });
  for (const n of [1000, 1001]) rig.send(snapshot(n, rig.now));
  assert.deepEqual(rig.send(snapshot(4, rig.now)).emit, []);
  const second = rig.send(snapshot(5, rig.now));
  assert.deepEqual(second.gaps.map(({ cause, recovered }) => [cause, recovered]), [["reset", false], ["reset", true]]);
  assert.deepEqual([second.emit.length, second.resync, rig.keeper.state], [1, null, "valid"]);
  assert.equal(rig.send(snapshot(6, rig.now)).emit.length, 1);
});

Deno.test("whole books whose times go back for good count again after a while", () => {
  const rig = new Rig({ kind: "snapshots", sequence: "time" });
  rig.send(snapshot(null, START));
  const emitted = Array.from({ length: 20 }, (_, i) => rig.send(snapshot(null, START - 3600 * SECOND + i)).emit.length);
  assert.deepEqual(emitted.slice(-8), [1, 1, 1, 1, 1, 1, 1, 1]);
});

for (const kind of ["snapshots", "pushed"] as const) {
  Deno.test(`a time far ahead of its receipt never becomes the mark of ${kind} books`, () => {
    const rig = new Rig({ kind, sequence: "time" });
    const make = (ts: Micros) => kind === "snapshots" ? snapshot(null, ts) : delta({ ts });
    rig.send(snapshot(null, rig.now));
    assert.equal(rig.send(make(rig.now + 86_400 * SECOND)).emit.length, 1);
    for (let i = 0; i < 3; i++) assert.deepEqual([rig.send(make(rig.now)).emit.length, rig.keeper.state], [1, "valid"]);
    assert.deepEqual(rig.send(make(START)).emit, []);
  });
}

Deno.test("a snapshot from elsewhere that lacks the number to join it by is refused and asked for again", () => {
  const rig = new Rig({ kind: "rest", sequence: "next", resync: "rest" });
  rig.send(delta({ first: 5, last: 5 }));
  const refused = rig.send(snapshot(null));
  assert.deepEqual([refused.emit, refused.resync, rig.keeper.state], [[], "rest", "buffering"]);
  assert.match(refused.refused ?? "", /without the sequence/);
  assert.equal(rig.send(snapshot(5)).emit.length, 1);
});

Deno.test("deltas that wait long for their first snapshot are in a gap that the snapshot ends", () => {
  const rig = new Rig({ kind: "rest", sequence: "next", resync: "rest" });
  const updates = Array.from({ length: 30 }, (_, i) => delta({ first: i, last: i }));
  assert.deepEqual(rig.gaps(updates), ["stale null"]);
  assert.equal(rig.keeper.state, "buffering");
  const { gaps: [gap] } = rig.send(snapshot(29));
  assert.deepEqual([gap.detail, gap.recovered, gap.fromTs], ["no snapshot", true, START + SECOND / 2]);
});

Deno.test("a book's waiting and its runs last as long as time passes, whatever the clock is set to", () => {
  for (const by of [3_600 * SECOND, -3_600 * SECOND]) {
    const keeper = new BookKeeper(bookRule({ kind: "rest", sequence: "overlap" }));
    const send = (update: BookUpdate, receivedTs: Micros) => keeper.apply([update], { receivedTs, mayPass: false });
    send(delta({ first: 1, last: 1 }), START);
    keeper.clockStepped(by);
    assert.deepEqual(send(delta({ first: 2, last: 2 }), START + by + SECOND).gaps, [], "one second is not long");
    assert.equal(keeper.since, START + by);
    const { gaps } = send(delta({ first: 3, last: 3 }), START + by + 600 * SECOND);
    assert.deepEqual(gaps.map(({ detail }) => detail), ["no snapshot"]);
  }
});
