import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import type { DedupPlan, JournalRecord } from "../../src/model/mod.ts";
import { describedFrames, describedIssues } from "../support/described.ts";

const NO_DEDUP: DedupPlan = { enabled: false, windowSeconds: 300, keysMax: 1000 };

const PUSHED = `
[[events]]
kind = "book"
when = "has(sequence)"
snapshot = "has(bids)"
symbol = "/s"
bids = "/bids/*"
asks = "/asks/*"
levels = ["/trades/*", "/created", "/deleted"]
side = "/side"
level = { id = "/id", price = "/price", size = "has(base) ? null : size ?? '0'", change = "neg(base)", orders = true }
last_sequence = "/sequence"
[[events]]
kind = "order"
when = "has(sequence)"
rows = "/created"
where = "has(id)"
symbol = "root.s"
fields = { order_id = "/id", side = "/side", price = "/price", size = "/size", sequence = "root.sequence" }
[[books]]
kind = "pushed"
sequence = "next"
`;

class Rig {
  pipeline = new Pipeline([describedFrames(PUSHED)], NO_DEDUP, null);
  #offset = 0;

  constructor() {
    this.process({
      kind: "opened",
      at: 1,
      exchange: "testing",
      connection: "public",
      url: "",
      descriptorHash: "",
      planHash: null,
      streams: [{ channel: "book", symbol: "X" }],
    });
  }

  frame(body: object): readonly unknown[] {
    const payload = new TextEncoder().encode(JSON.stringify({ s: "X", ...body }));
    return this.process({ kind: "frame", session: 1, at: this.#offset + 1, binary: false, payload });
  }

  process(record: JournalRecord): readonly unknown[] {
    const { envelopes } = this.pipeline.process(++this.#offset, record);
    return envelopes.map(({ event }) =>
      event.kind === "book_snapshot" || event.kind === "book_delta"
        ? [event.kind, event.bids, event.asks]
        : event.kind === "gap"
        ? [event.kind, event.state, event.cause, event.detail]
        : event
    );
  }
}

const IMAGE = {
  sequence: "1",
  bids: [{ id: "a", price: "100", size: "1" }, { id: "b", price: "100.0", size: "0.5" }],
  asks: [{ id: "c", price: "101", size: "2" }],
};

Deno.test("a book of single orders leaves as levels that are the sums of its orders", () => {
  const rig = new Rig();
  assert.deepEqual(rig.frame(IMAGE), [["book_snapshot", [["100", "1.5"]], [["101", "2"]]]]);
  const created = {
    sequence: "2",
    trades: [],
    created: { id: "d", side: "ASK", price: "101", size: "0.25" },
    deleted: null,
  };
  assert.deepEqual(rig.frame(created), [
    ["book_delta", [], [["101", "2.25"]]],
    {
      kind: "order",
      order_id: "d",
      side: "sell",
      price: "101",
      size: "0.25",
      change: null,
      action: null,
      sequence: "2",
    },
  ]);
  const traded = { sequence: "3", trades: [{ id: "a", base: "0.4" }, { id: "b", base: "0.5" }], deleted: { id: "c" } };
  assert.deepEqual(rig.frame(traded), [["book_delta", [["100", "0.6"]], [["101", "0.25"]]]]);
  assert.deepEqual(rig.frame({ sequence: "4" }), [["book_delta", [], []]]);
});

Deno.test("a book of single orders goes on from the state of another pipeline", () => {
  const rig = new Rig();
  rig.frame(IMAGE);
  const saved = JSON.parse(JSON.stringify([...rig.pipeline.saveState()]));
  rig.pipeline = new Pipeline([describedFrames(PUSHED)], NO_DEDUP, null);
  rig.pipeline.restoreState(saved);
  assert.deepEqual(rig.frame({ sequence: "2", trades: [{ id: "a", base: "1" }] }), [
    ["book_delta", [["100", "0.5"]], []],
  ]);
});

Deno.test("a change of an order that is not known breaks a book whose numbers show every loss", () => {
  const rig = new Rig();
  rig.frame(IMAGE);
  assert.deepEqual(rig.frame({ sequence: "2", deleted: { id: "nobody's" } }), [["book_delta", [], []]]);
  assert.deepEqual(rig.frame({ sequence: "3", trades: [{ id: "z", base: "1" }] }), [
    ["gap", "opened", "stale", "order z is not known"],
  ]);
  assert.deepEqual(rig.frame({ ...IMAGE, sequence: "9" }).at(-1), ["book_snapshot", [["100", "1.5"]], [["101", "2"]]]);
});

Deno.test("deltas of single orders before the first image are no levels: they do not leave", () => {
  const rig = new Rig();
  assert.deepEqual(rig.frame({ sequence: "1", deleted: { id: "a" } }), []);
  assert.equal(rig.frame({ ...IMAGE, sequence: "2" }).length, 1);
});

Deno.test("loadDescriptor() says what a book of single orders needs", () => {
  const issues = (level: string, more = "") =>
    describedIssues(`
[[events]]
kind = "book"
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
last_sequence = "/u"
${level}
${more}`);
  const kept = '[[books]]\nkind = "pushed"\nsequence = "next"';
  assert.equal(issues("level = { orders = true }", kept)[0], "No `id`: `orders` needs the id of each order");
  assert.deepEqual(issues('level = { id = "/i", change = "/c" }', kept).slice(0, 1), [
    "`change` without `orders`: set `orders = true`",
  ]);
  assert.deepEqual(issues('bid_level = { id = "/i", orders = true }', kept), [
    "`orders` of bids and asks differ: set it for both or for neither",
  ]);
  assert.deepEqual(issues('level = { id = "/i", orders = true }'), [
    "No [[books]] table maintains book rule book: single orders need one",
  ]);
});
