import assert from "node:assert/strict";
import { BookKeeper, type BookUpdate, type BookVerdict } from "../../src/book/mod.ts";
import {
  BOOK_BUFFER_DELTAS_MAX,
  BOOK_LEVELS_MAX,
  BOOK_UNANCHORED_DELTAS_MAX,
  type BookRule,
  type Level,
} from "../../src/model/mod.ts";
import { bookRule, checksumRule } from "../support/book_rule.ts";

const BIDS: readonly Level[] = [["99", "1"], ["98", "2"]];
const ASKS: readonly Level[] = [["101", "1"], ["102", "2"]];

function snapshot(sequence: string | null, bids = BIDS, asks = ASKS): BookUpdate {
  return { event: { kind: "book_snapshot", bids, asks, sequence }, exchangeTs: null, checksum: null };
}

function delta(first: number, last: number, bids: readonly Level[] = [], asks: readonly Level[] = []): BookUpdate {
  return {
    event: {
      kind: "book_delta",
      bids,
      asks,
      first_sequence: String(first),
      last_sequence: String(last),
      previous_sequence: null,
    },
    exchangeTs: null,
    checksum: null,
  };
}

/** A keeper whose clock counts frames. */
class Rig {
  readonly keeper: BookKeeper;
  now = 0;

  constructor(over: Partial<BookRule>) {
    this.keeper = new BookKeeper(bookRule(over));
  }

  send(...updates: readonly BookUpdate[]): BookVerdict {
    return this.keeper.apply(updates, { receivedTs: ++this.now, mayPass: false });
  }
}

const NOTHING: BookVerdict = { emit: [], gaps: [], resync: null, withheld: 0, refused: null };
const REST: Partial<BookRule> = { kind: "rest", sequence: "next", resync: "rest" };

Deno.test("BookKeeper emits a pushed snapshot and the deltas that follow as they came", () => {
  const rig = new Rig({ sequence: "next" });
  const updates = [snapshot("10"), delta(11, 12, [["99", "0"]]), delta(13, 13)];
  for (const update of updates) {
    assert.deepEqual(rig.send(update), { ...NOTHING, emit: [{ event: update.event, exchangeTs: null }] });
  }
  assert.equal(rig.keeper.state, "valid");
  assert.equal(rig.keeper.since, 1);
  assert.deepEqual(rig.keeper.book.levels().bids, [["98", "2"]]);
});

Deno.test("BookKeeper holds back deltas after a hole and says when the book is whole again", () => {
  const rig = new Rig({ sequence: "next" });
  rig.send(snapshot("10"));
  const broken = rig.send(delta(12, 13));
  const gap = {
    cause: "sequence",
    fromTs: 1,
    fromSequence: "10",
    detail: "after 10 came 12 to 13",
  } as const;
  assert.deepEqual(broken, {
    emit: [],
    gaps: [{ ...gap, toSequence: "13", recovered: false }],
    resync: "resubscribe",
    withheld: 1,
    refused: null,
  });
  assert.deepEqual(rig.send(delta(14, 14)), { ...NOTHING, withheld: 1 });
  assert.equal(rig.keeper.state, "broken");
  const healed = rig.send(snapshot("20"));
  assert.deepEqual(healed.gaps, [{ ...gap, toSequence: "20", recovered: true }]);
  assert.equal(healed.emit.length, 1);
  assert.equal(rig.keeper.state, "valid");
});

Deno.test("BookKeeper joins a snapshot with the deltas it buffered and emits one book", () => {
  const rig = new Rig(REST);
  for (const update of [delta(5, 7), delta(8, 10), delta(11, 12, [["99", "7"]])]) {
    assert.deepEqual(rig.send(update), { ...NOTHING, withheld: 1 });
  }
  assert.equal(rig.keeper.state, "buffering");
  const { emit } = rig.send(snapshot("9"));
  assert.deepEqual(emit.map(({ event }) => event), [
    { kind: "book_snapshot", bids: [["99", "7"], ["98", "2"]], asks: ASKS, sequence: "12" },
  ]);
  assert.equal(rig.send(delta(13, 13)).emit.length, 1);
});

Deno.test("BookKeeper asks again for a snapshot that is older than what it buffered", () => {
  const rig = new Rig(REST);
  rig.send(delta(5, 7));
  assert.deepEqual(rig.send(snapshot("3")), { ...NOTHING, withheld: 1, resync: "rest" });
  assert.equal(rig.keeper.state, "buffering");
  assert.equal(rig.send(snapshot("6")).emit.length, 1);
});

Deno.test("BookKeeper takes a snapshot ahead of all deltas and joins the first that reaches over it", () => {
  const rig = new Rig(REST);
  rig.send(delta(5, 7));
  assert.equal(rig.send(snapshot("20")).emit.length, 1);
  assert.deepEqual(rig.send(delta(8, 20)), { ...NOTHING, withheld: 1 });
  assert.equal(rig.send(delta(19, 22)).emit.length, 1);
  assert.equal(rig.send(delta(23, 23)).emit.length, 1);
});

Deno.test("BookKeeper breaks where the first delta begins after a snapshot", () => {
  const rig = new Rig(REST);
  rig.send(snapshot("20"));
  const { gaps, resync } = rig.send(delta(25, 26));
  assert.equal(gaps.length, 1);
  assert.equal(resync, "rest");
  // The delta that showed the hole waits for the new snapshot.
  const healed = rig.send(snapshot("25"));
  assert.equal(healed.gaps[0].recovered, true);
  assert.equal(healed.emit.length, 1);
});

Deno.test("BookKeeper leaves out a snapshot that is behind a valid book", () => {
  const rig = new Rig(REST);
  rig.send(snapshot("20"));
  rig.send(delta(21, 30));
  assert.deepEqual(rig.send(snapshot("25")), { ...NOTHING, withheld: 1 });
  assert.equal(rig.keeper.state, "valid");
});

Deno.test("BookKeeper forgets what is before a hole in its buffer, and bounds it", () => {
  const rig = new Rig(REST);
  rig.send(delta(1, 2));
  rig.send(delta(5, 6));
  assert.equal(rig.send(snapshot("2")).resync, "rest");
  for (let sequence = 7; sequence < 7 + BOOK_BUFFER_DELTAS_MAX; sequence++) rig.send(delta(sequence, sequence));
  assert.equal(rig.keeper.saveState().joiner.buffer.length, BOOK_BUFFER_DELTAS_MAX);
  assert.equal(rig.send(snapshot("4")).emit.length, 0);
  assert.equal(rig.send(snapshot("6")).emit.length, 1);
});

Deno.test("BookKeeper asks on the socket once deltas come where snapshots are sent on request", () => {
  const rig = new Rig({ kind: "requested", sequence: "next", resync: "request" });
  assert.deepEqual(rig.send(delta(1, 1)), { ...NOTHING, withheld: 1, resync: "request" });
  assert.deepEqual(rig.send(delta(2, 2)), { ...NOTHING, withheld: 1 });
  assert.equal(rig.send(snapshot("1")).emit.length, 1);
});

Deno.test("BookKeeper never lets out what crosses the book, unless crossing is allowed", () => {
  const rig = new Rig({});
  rig.send(snapshot(null));
  const { emit, gaps, withheld, resync } = rig.send(delta(0, 0, [["101.0", "1"]]));
  assert.deepEqual([emit.length, withheld, resync], [0, 1, "resubscribe"]);
  assert.equal(gaps[0].cause, "stale");
  assert.equal(gaps[0].detail, "crossed: bid 101.0 and ask 101");
  const auction = new Rig({ crossed: "keep" });
  auction.send(snapshot(null));
  assert.equal(auction.send(delta(0, 0, [["105", "1"]])).emit.length, 1);
});

Deno.test("BookKeeper checks a frame's updates as one", () => {
  const rig = new Rig({});
  rig.send(snapshot(null));
  // The bid alone would cross the ask that the same frame removes.
  assert.equal(rig.send(delta(0, 0, [["101", "1"]]), delta(0, 0, [], [["101", "0"]])).emit.length, 2);
  assert.equal(rig.keeper.state, "valid");
});

Deno.test("BookKeeper holds back a snapshot whose checksum fails, without a second gap", () => {
  const rig = new Rig({ checksum: checksumRule({ absent: ["0"] }) });
  const sum = "-1736543185";
  const first = rig.send({ ...snapshot(null), checksum: sum });
  assert.deepEqual([first.emit.length, first.gaps.length, first.withheld], [0, 1, 1]);
  assert.equal(first.gaps[0].cause, "checksum");
  const second = rig.send({ ...snapshot(null), checksum: sum });
  assert.deepEqual([second.emit.length, second.gaps.length, second.resync], [0, 0, "resubscribe"]);
  const third = rig.send({ ...snapshot(null), checksum: "0" });
  assert.deepEqual([third.emit.length, third.gaps[0].recovered], [1, true]);
});

Deno.test("BookKeeper.check() compares a checksum that came in a frame of its own", () => {
  const rule = { checksum: checksumRule({ numbers: "shortest", negativeAsks: true }) };
  const rig = new Rig(rule);
  rig.send(snapshot(null, [["6000", "1"], ["5900", "2"]], [["6100", "3"], ["6200", "4"]]));
  assert.deepEqual(rig.keeper.check("1756193398", 2), NOTHING);
  assert.equal(rig.keeper.check("1756193399", 3).gaps[0].cause, "checksum");
  assert.equal(rig.keeper.state, "broken");
});

Deno.test("BookKeeper.invalidate() ends the valid stretch of a book whose session lost frames", () => {
  const rig = new Rig({ resync: "reconnect" });
  assert.deepEqual(rig.keeper.invalidate("1 frame of the session", 1), NOTHING);
  rig.send(snapshot(null));
  const { gaps, resync } = rig.keeper.invalidate("1 frame of the session", 2);
  assert.deepEqual([gaps[0].cause, gaps[0].fromTs, resync], ["sequence", 1, "reconnect"]);
});

Deno.test("BookKeeper lets deltas before the first snapshot pass only where no earlier book is there", () => {
  const keeper = new BookKeeper(bookRule({ sequence: "next" }));
  assert.equal(keeper.apply([delta(5, 6)], { receivedTs: 1, mayPass: true }).emit.length, 1);
  assert.equal(keeper.state, "buffering");
  assert.deepEqual(keeper.apply([delta(7, 8)], { receivedTs: 2, mayPass: false }), { ...NOTHING, withheld: 1 });
});

Deno.test("BookKeeper takes many deltas without a snapshot for a lost snapshot", () => {
  const rig = new Rig({ sequence: "next" });
  for (let i = 1; i < BOOK_UNANCHORED_DELTAS_MAX; i++) assert.equal(rig.send(delta(i, i)).resync, null);
  const { gaps, resync } = rig.send(delta(900, 900));
  assert.deepEqual([gaps[0].cause, resync], ["stale", "resubscribe"]);
  assert.equal(gaps[0].detail, `no snapshot before ${BOOK_UNANCHORED_DELTAS_MAX} deltas`);
});

Deno.test("BookKeeper waits for the image that comes by itself, and asks for one that is overdue", () => {
  const rig = new Rig({ kind: "periodic", resync: "wait", sequence: "none" });
  rig.send(snapshot(null));
  const crossed = rig.send(delta(1, 1, [["103", "1"]]));
  assert.deepEqual([crossed.gaps[0].cause, crossed.resync, rig.keeper.state], ["stale", null, "broken"]);
  assert.deepEqual(rig.send(delta(2, 2)), { ...NOTHING, withheld: 1 });
  assert.equal(rig.send(snapshot(null)).gaps[0].recovered, true);
  rig.send(delta(3, 3, [["103", "1"]]));
  for (let i = 1; i < BOOK_UNANCHORED_DELTAS_MAX; i++) assert.equal(rig.send(delta(i, i)).resync, null);
  assert.equal(rig.send(delta(900, 900)).resync, "resubscribe");
});

const REJOINED: Partial<BookRule> = { kind: "periodic", resync: "wait", sequence: "rising", rejoins: true };

Deno.test("BookKeeper applies deltas again that are newer than a snapshot that came behind them", () => {
  const rig = new Rig(REJOINED);
  rig.send(snapshot("10"));
  rig.send(delta(12, 12, [["99", "5"]]));
  rig.send(delta(15, 15, [["97", "7"]]));
  const { emit } = rig.send(snapshot("12", [["99", "5"], ["98", "9"]]));
  assert.deepEqual(emit.map(({ event }) => event), [
    {
      kind: "book_snapshot",
      bids: [["99", "5"], ["98", "9"], ["97", "7"]],
      asks: ASKS,
      sequence: "15",
    },
  ]);
  assert.deepEqual(rig.send(delta(12, 12, [["90", "1"]])), { ...NOTHING, withheld: 1 });
  assert.equal(rig.send(delta(16, 16)).emit.length, 1);
});

Deno.test("BookKeeper joins the first snapshot of a book with newer deltas that came before it, also after a restart", () => {
  const rig = new Rig(REJOINED);
  rig.send(delta(11, 11, [["97", "7"]]));
  rig.send(delta(9, 9, [["96", "1"]]));
  const restored = new BookKeeper(bookRule(REJOINED));
  restored.restoreState(JSON.parse(JSON.stringify(rig.keeper.saveState())));
  const { emit } = restored.apply([snapshot("10")], { receivedTs: 3, mayPass: false });
  assert.deepEqual(emit.map(({ event }) => [event.bids, "sequence" in event ? event.sequence : null]), [
    [[...BIDS, ["97", "7"]], "11"],
  ]);
});

Deno.test("BookKeeper emits a snapshot as it came where no delta is newer", () => {
  const rig = new Rig(REJOINED);
  rig.send(snapshot("10"));
  rig.send(delta(12, 12, [["99", "5"]]));
  const image = snapshot("12");
  assert.deepEqual(rig.send(image).emit, [{ event: image.event, exchangeTs: null }]);
});

Deno.test("BookKeeper cuts the book to its depth after each update", () => {
  const rig = new Rig({ depth: 2 });
  rig.send(snapshot(null));
  rig.send(delta(0, 0, [["100", "1"]], [["100.5", "1"]]));
  assert.deepEqual(rig.keeper.book.levels(), {
    bids: [["100", "1"], ["99", "1"]],
    asks: [["100.5", "1"], ["101", "1"]],
  });
});

Deno.test("BookKeeper of whole books leaves out the overtaken and heals with the next", () => {
  const rig = new Rig({ kind: "snapshots", sequence: "rising" });
  rig.send(snapshot("10"));
  assert.deepEqual(rig.send(snapshot("10")), { ...NOTHING, withheld: 1 });
  const crossed = rig.send(snapshot("11", [["103", "1"]]));
  assert.deepEqual([crossed.emit.length, crossed.gaps.length, crossed.resync], [0, 1, null]);
  assert.equal(rig.send(snapshot("12")).gaps[0].recovered, true);
});

Deno.test("BookKeeper of whole books told apart by time keeps two of one millisecond and drops what goes back", () => {
  const rig = new Rig({ kind: "snapshots", sequence: "time" });
  const at = (exchangeTs: number) => ({ ...snapshot(null), exchangeTs });
  assert.equal(rig.send(at(5)).emit.length, 1);
  assert.equal(rig.send(at(5)).emit.length, 1);
  assert.deepEqual(rig.send(at(4)), { ...NOTHING, withheld: 1 });
  assert.equal(rig.send(at(6)).emit.length, 1);
});

Deno.test("BookKeeper breaks a book of more levels than it may hold, and its next snapshot makes it whole", () => {
  const rig = new Rig(REST);
  rig.send(snapshot("1"));
  const many = Array.from({ length: BOOK_LEVELS_MAX }, (_, i): Level => [`${(i + 1) / 1_000_000}`, "1"]);
  const { gaps, emit, resync } = rig.send(delta(2, 2, many));
  assert.deepEqual(emit, []);
  assert.deepEqual([gaps[0].cause, gaps[0].recovered, resync], ["stale", false, "rest"]);
  assert.match(gaps[0].detail, /^1000\d\d levels on one side$/);
  assert.equal(rig.send(snapshot("2")).gaps[0].recovered, true);
});
