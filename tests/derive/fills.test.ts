import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import {
  type Envelope,
  fillEndBody,
  fillWishBody,
  type FramePlan,
  type Gap,
  type ToldGap,
  type TradeIdOrder,
} from "../../src/model/mod.ts";
import { Pipeline, type PipelineResult } from "../../src/derive/mod.ts";

const AT = 1_767_225_600_000_000;
const SECOND = 1_000_000;

function descriptor(ids: TradeIdOrder | null): string {
  return `
[meta]
name = "test"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://test.invalid/ws"]
[rest]
base_urls = ["https://test.invalid"]
[[rest.backfill]]
name = "history"
channel = "trades"
connection_id = "main"
path = "/trades?symbol={symbol}&from={from_ms}"
direction = "forward"
page = 3
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol}"); }'
[parse]
time_unit = "ms"
${ids === null ? "" : `trade_ids = "${ids}"`}
[[events]]
kind = "trade"
rows = "/*"
symbol = "/s"
exchange_ts = "/t"
trade_id = "/id"
price = "/p"
size = "/q"
[[events]]
kind = "trade"
name = "history"
like = "trade"
source = "history"
`;
}

function framePlan(ids: TradeIdOrder | null): FramePlan {
  const loaded = loadDescriptor({
    file: { path: "test.toml", text: descriptor(ids) },
    readText: () => null,
    environment: () => undefined,
  });
  assert.deepEqual(loaded.issues, []);
  assert.ok(loaded.frames !== null);
  return loaded.frames;
}

/** Trades by ids; the last three digits are the ms of their time where no other is given. */
function rows(ids: readonly string[], ms = (id: string) => Number(id.slice(-3))): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify(ids.map((id) => ({ s: "A", id, p: "1", q: "1", t: AT / 1000 + ms(id) }))),
  );
}

class Rig {
  pipeline: Pipeline;
  readonly #plan: FramePlan;
  #offset = 0;

  constructor(ids: TradeIdOrder | null) {
    this.#plan = framePlan(ids);
    this.pipeline = this.#make();
  }

  #make(): Pipeline {
    return new Pipeline([this.#plan], { enabled: false, windowSeconds: 300, keysMax: 1000 });
  }

  /** Goes on with another pipeline that knows what a checkpoint holds. */
  restart(change: (part: string) => string = (part) => part): void {
    const parts = [...this.pipeline.saveState()].map(change);
    this.pipeline = this.#make();
    this.pipeline.restoreState(parts);
  }

  open(): number {
    const session = this.#offset;
    this.pipeline.process(this.#offset++, {
      kind: "opened",
      at: AT,
      exchange: "test",
      connection: "main",
      url: "",
      descriptorHash: "",
      planHash: null,
      streams: [{ channel: "trades", symbol: "A" }],
    });
    return session;
  }

  trades(session: number, ids: readonly string[], ms?: (id: string) => number): PipelineResult {
    const frame = { kind: "frame", session, at: AT + this.#offset, binary: false, payload: rows(ids, ms) } as const;
    return this.pipeline.process(this.#offset++, frame);
  }

  /** A reload asks for the stream no more, or again. */
  ask(session: number, change: "added" | "removed"): PipelineResult {
    const at = AT + this.#offset;
    const streams = { added: [], removed: [], [change]: [{ channel: "trades", symbol: "A" }] };
    return this.pipeline.process(this.#offset++, { kind: "streams", session, at, planHash: "gone", ...streams });
  }

  /** A share of the group comes, whose former owner had the stream until a trade. */
  takeOver(id: string, ts = AT + Number(id.slice(-3)) * 1000): PipelineResult {
    const share = {
      kind: "share",
      change: "taken",
      exchange: "test",
      share: 1,
      shares: 2,
      epoch: 1,
      other: "b",
    } as const;
    return this.pipeline.process(this.#offset, {
      ...share,
      at: AT + this.#offset++,
      fromTs: AT - SECOND,
      streams: [{ channel: "trades", symbol: "A" }],
      last: [{ channel: "trades", symbol: "A", id, ts }],
    });
  }

  close(session: number): PipelineResult {
    const [at, cause] = [AT + this.#offset, "error"] as const;
    return this.pipeline.process(this.#offset++, { kind: "closed", session, at, cause, code: null, reason: "" });
  }

  #http(status: number, body: Uint8Array): PipelineResult {
    return this.pipeline.process(this.#offset, {
      kind: "http",
      at: AT + SECOND + this.#offset++,
      exchange: "test",
      planHash: null,
      session: null,
      request: "history",
      native: "A",
      url: "",
      status,
      body,
    });
  }

  page(ids: readonly string[], ms?: (id: string) => number): PipelineResult {
    return this.#http(200, rows(ids, ms));
  }

  end(gapId: string, reason: string): PipelineResult {
    return this.#http(0, fillEndBody({ gapId, isFilled: reason === "", reason }));
  }

  /** Somebody asks for a stretch, in ms; `to` is exclusive. */
  wish(from: number, to: number, known: readonly string[], gaps: readonly ToldGap[] = []): PipelineResult {
    const ends = { from: { id: null, ts: AT + from * 1000 }, to: { id: null, ts: AT + to * 1000 - 1 } };
    return this.#http(0, fillWishBody({ connectionId: "main", channel: "trades", symbol: "A", ...ends, known, gaps }));
  }
}

function gapsOf({ envelopes }: PipelineResult): readonly Gap[] {
  return envelopes.flatMap(({ event }) => event.kind === "gap" ? [event] : []);
}

function idsOf(envelopes: readonly Envelope[], backfilled: true | undefined): readonly (string | null)[] {
  return envelopes.flatMap((one) =>
    one.event.kind === "trade" && one.backfilled === backfilled ? [one.event.trade_id] : []
  );
}

Deno.test("what a stream missed is emitted once, oldest first and marked, and its gap is filled", () => {
  const rig = new Rig("rising");
  const first = rig.open();
  rig.trades(first, ["101", "102"]);
  rig.close(first);
  const second = rig.open();
  const back = rig.trades(second, ["110", "111"]);
  const [stretch] = back.fills;
  assert.deepEqual([stretch.from.id, stretch.to.id, stretch.request, stretch.native], ["102", "110", "history", "A"]);
  const [closed] = gapsOf(back);
  assert.equal(stretch.gapId, closed.gap_id);
  assert.equal(closed.state, "closed");
  rig.restart();
  const one = rig.page(["107", "102", "104"]);
  assert.deepEqual(idsOf(one.envelopes, true), ["104", "107"]);
  assert.deepEqual([one.page?.isFromMet, one.page?.isToMet, one.page?.isFilled], [true, false, false]);
  assert.equal(one.page?.newest?.id, "107");
  rig.restart();
  const two = rig.page(["107", "109", "110"]);
  assert.deepEqual(idsOf(two.envelopes, true), ["109"], "what the page before gave is not given again");
  const [filled] = gapsOf(two);
  assert.deepEqual([filled.gap_id, filled.state, filled.action], [closed.gap_id, "filled", "filled"]);
  assert.deepEqual([filled.from_sequence, filled.to_sequence], ["102", "110"]);
  assert.deepEqual([filled.from_ts, filled.to_ts], [closed.from_ts, closed.to_ts]);
  assert.deepEqual(rig.pipeline.fillsOf("test"), []);
  assert.deepEqual(idsOf(rig.page(["105"]).envelopes, true), [], "nothing waits for a page any more");
});

Deno.test("what nobody collected before a share was taken over is fetched from the other collector's last trade on", () => {
  const rig = new Rig("rising");
  rig.takeOver("102");
  rig.restart();
  const back = rig.trades(rig.open(), ["110"]);
  const [{ from, to, gapId }] = back.fills;
  assert.deepEqual([from.id, to.id], ["102", "110"]);
  assert.deepEqual([...rig.pipeline.lastSeen()], [
    { exchange: "test", channel: "trades", symbol: "A", id: "110", ts: AT + 110_000 },
  ]);
  const page = rig.page(["101", "102", "104", "109", "110"]);
  assert.deepEqual(idsOf(page.envelopes, true), ["104", "109"]);
  const [filled] = gapsOf(page);
  assert.deepEqual([filled.gap_id, filled.cause, filled.state], [gapId, "takeover", "filled"]);
  assert.equal(filled.from_ts, AT - SECOND);
});

Deno.test("a share that comes back is fetched from the later of both collectors' last trades on", () => {
  for (const [theirs, from, cause] of [["105", "105", "takeover"], ["101", "102", "takeover"]]) {
    const rig = new Rig("rising");
    const first = rig.open();
    rig.trades(first, ["102"]);
    rig.close(first);
    rig.takeOver(theirs);
    const back = rig.trades(rig.open(), ["110"]);
    assert.deepEqual(back.fills.map((fill) => fill.from.id), [from]);
    assert.deepEqual(gapsOf(rig.page([from, "107", "110"])).map((gap) => [gap.cause, gap.state]), [[cause, "filled"]]);
  }
});

Deno.test("consecutive ids show a hole inside a session, and say when it is whole", () => {
  const rig = new Rig("consecutive");
  const session = rig.open();
  rig.trades(session, ["101"]);
  const jump = rig.trades(session, ["104"]);
  const [gap] = gapsOf(jump);
  assert.deepEqual([gap.cause, gap.state, gap.from_sequence, gap.to_sequence], ["sequence", "closed", "101", "104"]);
  assert.match(gap.detail, /^2 trades are missing/);
  assert.equal(jump.fills.length, 1);
  const late = rig.trades(session, ["103", "105"]);
  assert.deepEqual(gapsOf(late), [], "a trade that comes late is no hole");
  const page = rig.page(["102", "103"]);
  assert.equal(page.page?.isFilled, true, "neither end was in the page: the ids say that nothing is missing");
  assert.equal(gapsOf(page)[0].gap_id, gap.gap_id);
});

Deno.test("a gap behind which ids go on without a jump is filled at once", () => {
  const rig = new Rig("consecutive");
  const first = rig.open();
  rig.trades(first, ["101"]);
  rig.close(first);
  const back = rig.trades(rig.open(), ["102"]);
  assert.deepEqual(gapsOf(back).map(({ state, detail }) => [state, detail]), [
    ["closed", "error"],
    ["filled", "nothing was missed"],
  ]);
  assert.deepEqual(back.fills, []);
});

Deno.test("a history that ends too early leaves the gap closed, with the reason and what was fetched", () => {
  const rig = new Rig("rising");
  const first = rig.open();
  rig.trades(first, ["101"]);
  rig.close(first);
  const [{ gapId }] = rig.trades(rig.open(), ["110"]).fills;
  const page = rig.page(["108", "110"]);
  assert.deepEqual([page.page?.isFromMet, page.page?.isToMet, page.page?.isFilled], [false, true, false]);
  const [gap] = gapsOf(rig.end(gapId, "the history begins later"));
  assert.deepEqual([gap.gap_id, gap.state, gap.action, gap.detail], [
    gapId,
    "closed",
    "filled in part",
    "1 fetched: the history begins later",
  ]);
  assert.deepEqual(rig.pipeline.fillsOf("test"), []);
});

Deno.test("ids that say no order are told apart by time and by what is known", () => {
  const rig = new Rig(null);
  const ms = (id: string) => Number(id.replace(/\D/g, ""));
  const first = rig.open();
  rig.trades(first, ["x10", "y10", "z10"], ms);
  rig.close(first);
  rig.trades(rig.open(), ["a20"], ms);
  const page = rig.page(["x09", "y10", "w10", "q15", "a20", "b21"], ms);
  assert.deepEqual(idsOf(page.envelopes, true), ["w10", "q15"]);
  assert.equal(page.page?.isFilled, true);
});

Deno.test("rows without ids are not taken: nobody can tell which of them are known", () => {
  const rig = new Rig("rising");
  const first = rig.open();
  rig.trades(first, ["101"]);
  rig.close(first);
  rig.trades(rig.open(), ["110"]);
  const page = rig.page(["", ""].map(() => null as unknown as string), () => 105);
  assert.deepEqual([page.page?.lacksIds, page.page?.isFilled], [true, false]);
  assert.deepEqual(idsOf(page.envelopes, true), []);
});

Deno.test("a stream that a reload takes back is in a gap until it is asked for again, whatever still comes of it", () => {
  const rig = new Rig("consecutive");
  const session = rig.open();
  rig.trades(session, ["101"]);
  const [left] = gapsOf(rig.ask(session, "removed"));
  assert.deepEqual([left.cause, left.state], ["unsubscribed", "opened"]);
  const late = rig.trades(session, ["102"]);
  assert.deepEqual([idsOf(late.envelopes, undefined), gapsOf(late)], [["102"], []], "it was sent before");
  rig.restart();
  assert.deepEqual(gapsOf(rig.trades(session, ["103"])), [], "a checkpoint knows that the stream has left");
  rig.ask(session, "added");
  const back = rig.trades(session, ["140"]);
  assert.deepEqual(gapsOf(back).map(({ gap_id, state }) => [gap_id, state]), [[left.gap_id, "closed"]]);
  assert.deepEqual(back.fills, [], "what passed meanwhile was not wanted");
});

Deno.test("a stream that left before its session ended is told once", () => {
  const rig = new Rig("consecutive");
  const session = rig.open();
  rig.trades(session, ["101"]);
  rig.ask(session, "removed");
  rig.trades(session, ["102"]);
  assert.deepEqual(gapsOf(rig.close(session)), []);
});

Deno.test("trades that are sent again behind a gap show that none is missing, and the next one is compared with the last", () => {
  const rig = new Rig("consecutive");
  const first = rig.open();
  rig.trades(first, ["101", "102"]);
  rig.close(first);
  const second = rig.open();
  const back = rig.trades(second, ["101"]);
  assert.deepEqual(gapsOf(back).map(({ state }) => state), ["closed", "filled"]);
  assert.deepEqual(back.fills, []);
  const next = rig.trades(second, ["102", "103"]);
  assert.deepEqual(gapsOf(next), [], "the last trade is still the newest");
  const [hole] = gapsOf(rig.trades(second, ["105"]));
  assert.deepEqual([hole.from_sequence, hole.to_sequence], ["103", "105"]);
});

Deno.test("a checkpoint of the version before is read: it knows no stream that has left", () => {
  const rig = new Rig("consecutive");
  const session = rig.open();
  rig.trades(session, ["101"]);
  rig.restart((part) => part.replace('"version":5', '"version":4'));
  assert.deepEqual(gapsOf(rig.trades(session, ["104"])).map(({ cause }) => cause), ["sequence"]);
});

Deno.test("a stretch on demand emits what is not known of it, and tells its gaps as filled when all is said to be there", () => {
  for (const order of ["consecutive", "rising", null] as const) {
    const rig = new Rig(order);
    const gap = { gapId: "7-0", cause: "disconnect", from: AT, to: AT + 1 } as const;
    const [stretch] = rig.wish(110, 121, ["112"], [gap]).fills;
    assert.deepEqual([stretch.cause, stretch.request, stretch.native], [null, "history", "A"]);
    rig.restart();
    const page = rig.page(["109", "110", "112", "115"]);
    assert.deepEqual(idsOf(page.envelopes, true), ["110", "115"]);
    assert.equal(page.page?.isFilled, false, "nobody can tell by its rows");
    assert.deepEqual(idsOf(rig.page(["115", "120", "121"]).envelopes, true), ["120"]);
    const [filled] = gapsOf(rig.end(stretch.gapId, ""));
    assert.deepEqual([filled.gap_id, filled.state, filled.cause, filled.from_ts], ["7-0", "filled", "disconnect", AT]);
    assert.deepEqual(rig.pipeline.fillsOf("test"), []);
  }
});

Deno.test("a stretch on demand that ends in part tells its gaps so where something was fetched, and nothing elsewhere", () => {
  const rig = new Rig("rising");
  const gap = { gapId: "7-0", cause: "disconnect", from: AT, to: AT + 1 } as const;
  const [empty] = rig.wish(110, 120, [], [gap]).fills;
  assert.deepEqual(gapsOf(rig.end(empty.gapId, "no answer")), []);
  const [partly] = rig.wish(110, 120, [], [gap]).fills;
  rig.page(["111"]);
  const [told] = gapsOf(rig.end(partly.gapId, "no answer"));
  assert.deepEqual([told.state, told.action, told.detail], ["closed", "filled in part", "1 fetched: no answer"]);
});

Deno.test("what was fetched on demand behind the last event is not fetched again when the stream goes on", () => {
  for (const order of ["consecutive", "rising", null] as const) {
    const rig = new Rig(order);
    const first = rig.open();
    rig.trades(first, ["101", "102"]);
    rig.close(first);
    // Two stretches, the later one first, as of a history that is walked backward; the third is not whole.
    const [later] = rig.wish(106, 111, []).fills;
    rig.page(["106", "107"]);
    rig.end(later.gapId, "");
    const [nearer] = rig.wish(100, 106, ["101", "102"]).fills;
    assert.deepEqual(idsOf(rig.page(["101", "102", "104"]).envelopes, true), ["104"]);
    rig.end(nearer.gapId, "");
    rig.restart();
    const [partly] = rig.wish(111, 130, []).fills;
    assert.deepEqual(idsOf(rig.page(["112", "115"]).envelopes, true), ["112", "115"]);
    rig.end(partly.gapId, "no answer");
    rig.restart();
    const [stretch] = rig.trades(rig.open(), ["120"]).fills;
    assert.deepEqual([stretch.from.id, stretch.to.id], ["107", "120"], String(order));
    const again = rig.page(["107", "110", "112", "115", "118", "120"]);
    assert.deepEqual(idsOf(again.envelopes, true), ["110", "118"], String(order));
  }
});

Deno.test("trades of the time of the last one fetched on demand are known where ids say no order", () => {
  const rig = new Rig(null);
  const ms = (id: string) => Number(id.replace(/\D/g, ""));
  const first = rig.open();
  rig.trades(first, ["x10"], ms);
  rig.close(first);
  const [wish] = rig.wish(0, 25, ["x10"]).fills;
  assert.deepEqual(idsOf(rig.page(["x10", "a20", "b20", "c20"], ms).envelopes, true), ["a20", "b20", "c20"]);
  rig.end(wish.gapId, "");
  rig.restart();
  const [stretch] = rig.trades(rig.open(), ["d30"], ms).fills;
  assert.equal(stretch.from.id, "c20");
  assert.deepEqual(idsOf(rig.page(["a20", "b20", "c20", "e25", "d30"], ms).envelopes, true), ["e25"]);
});

Deno.test("what one stretch of a stream has fetched another one does not emit again", () => {
  const rig = new Rig("rising");
  const first = rig.open();
  rig.trades(first, ["101"]);
  rig.close(first);
  rig.trades(rig.open(), ["110"]);
  const [wish] = rig.wish(100, 120, ["101", "110"]).fills;
  rig.page(["101", "105", "110"]);
  assert.deepEqual(rig.pipeline.fillsOf("test").map(({ gapId }) => gapId), [wish.gapId]);
  assert.deepEqual(idsOf(rig.page(["105", "107"]).envelopes, true), ["107"]);
});
